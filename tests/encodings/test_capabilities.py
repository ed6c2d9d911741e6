from __future__ import annotations

import copy

import pytest

from tests.encodings.units import bare_unit, full_unit
from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.encodings.registers import MTRRCAP, PERFCAP


@pytest.mark.parametrize(
    ("expression", "met"),
    [
        ("", True),
        ("ECAP.QI", True),
        ("ECAP.PRS", False),
        ("CAP.SSLPS", True),
        ("QI", True),
        ("PSI", False),
        ("ECAP.QI;ECAP.DT", True),
        ("ECAP.QI;ECAP.PRS", False),
        ("ECAP.QI;ECAP.PRS|ECAP.DT", True),
        ("ECAP.PRS|ECAP.QI;ECAP.SMTS", False),
        ("CAP.SSLPS[0]", True),
        ("CAP.SSLPS[1]", False),
        ("CAP.SSLPS>0", True),
        ("CAP.SSLPS>1", False),
        ("VER.MAX>0", True),
        ("MTRRCAP.VCNT>9", False),
        ("CAP.PLMR|CAP.PHMR", True),
    ],
)
def test_requirements_are_worked_out(expression: str, *, met: bool) -> None:
    unit = bare_unit(QI=1, DT=1, SSLPS=0b01, PHMR=1)
    assert unit.satisfies(expression) is met


def test_run_time_flags_are_terms_of_their_own() -> None:
    unit = full_unit()
    assert unit.satisfies("SSIRWE;QI", SSIRWE=True)
    assert not unit.satisfies("SSIRWE;QI", SSIRWE=False)


def test_requirements_see_registers_configured_beside_the_capabilities() -> None:
    others = {"MTRRCAP": MTRRCAP.pack(FIX=1, VCNT=4), "PERFCAP": PERFCAP.pack(CS=1)}
    unit = Capabilities(0x10, 0, 0, 48, others)
    assert unit.satisfies("MTRRCAP.FIX;MTRRCAP.VCNT>3")
    assert not unit.satisfies("MTRRCAP.VCNT>4")
    assert unit.number("stride") == 2048


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("ECAP.NONE", "ECAP has no field 'NONE'; it has RSVD_63_63, IRREQ"),
        ("SSIRWE", "ECAP has no field 'SSIRWE'"),
        ("GCMD.TE", "'GCMD' is not a register set by configuration: VER, CAP"),
        ("ECAP.QI and ECAP.DT", "'ECAP.QI and ECAP.DT' is not FLAG"),
        ("ECAP.QI;|", "'' is not FLAG"),
    ],
)
def test_broken_requirements_are_refused(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        full_unit().satisfies(expression)


def test_numbers_that_are_derived() -> None:
    unit = bare_unit(ND=6, MGAW=47, SAGAW=0b0110)
    assert (unit.domain_id_width, unit.mgaw_bits, unit.version_major) == (16, 48, 1)
    assert unit.supported_widths == (39, 48)
    assert bare_unit(SAGAW=0b1001).supported_widths == (57,)


def test_views_show_the_values_given() -> None:
    unit = Capabilities(0x35, 0x0080_0000_0000_0006, 0x0000_0000_0000_0002, 39)
    assert (unit.VER.MAX, unit.VER.MIN) == (3, 5)
    assert (unit.CAP.ND, unit.CAP.DRD) == (6, 1)
    assert unit.ECAP.QI == 1


def test_a_capability_without_its_prerequisite_is_told() -> None:
    unit = bare_unit(QI=1, IR=1, EIM=1, PRS=1, DT=1, FS1GP=1)
    assert unit.unmet_requirements() == {"CAP.FS1GP": "ECAP.FSTS", "ECAP.PRS": "DT;SMTS"}
    assert bare_unit(QI=1, IR=1, EIM=1).unmet_requirements() == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1 << 32, 0, 0, 48, {}), "0x100000000 does not fit 32 bits of VER"),
        ((0, -1, 0, 48, {}), "does not fit 64 bits of CAP"),
        ((0, 0, 1 << 64, 48, {}), "does not fit 64 bits of ECAP"),
        ((0, 0, 0, 31, {}), "host address width 31 is not within 32 to 52 bits"),
        ((0, 0, 0, 53, {}), "host address width 53 is not within 32 to 52 bits"),
        ((0, 0, 0, 48, {"GSTS": 1}), "'GSTS' is not a register set by configuration"),
        ((0, 0, 0, 48, {"ECAP": 1}), "ECAP has an argument of its own"),
        ((0, 0, 0, 48, {"PERFCFGOFF": 1 << 32}), "does not fit 32 bits of PERFCFGOFF"),
    ],
)
def test_impossible_values_are_refused(
    arguments: tuple[int, int, int, int, dict[str, int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Capabilities(*arguments)


def test_capabilities_compare_and_hash_by_value() -> None:
    one, same = full_unit(), copy.deepcopy(full_unit())
    assert one == same
    assert hash(one) == hash(same)
    assert one != full_unit(SC=0)
    assert same.CAP.ND == one.CAP.ND


def test_capabilities_keep_their_own_copy_of_what_they_are_given() -> None:
    others = {"PERFCFGOFF": 0x400}
    unit = Capabilities(0x10, 0, 0, 48, others)
    others["PERFCFGOFF"] = 0x800
    assert unit.configured("PERFCFGOFF") == 0x400
