from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.encodings.units import bare_unit, bits, full_unit
from vtd_plugin.encodings import registers
from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.encodings.registers import (
    CAP,
    ECAP,
    FEADDR,
    FECTL,
    FEUADDR,
    FRCD,
    FSTS,
    GCMD,
    GSTS,
    IECTL,
    IOTLB,
    IQA,
    IRTA,
    IVA,
    MTRR_FIX4K_C0000,
    MTRR_PHYSBASE3,
    MTRRCAP,
    PERFCAP,
    PERFCNTR,
    PERFCNTR_RIDFLTR,
    PERFCNTRCFG,
    PERFCNTREVCAP,
    PERFEVNTCAP,
    PERFFRZSTS,
    PMEN,
    REGISTERS,
    RTADDR,
    VER,
    AccessMasks,
    Register,
)

RECORD = bits(126, 92) | bits(79, 12)
"""The read-only fields of a fault record."""

PERFORMANCE = {
    "PERFCAP": PERFCAP.pack(CS=2, RIDFS=1, PCCS=1),
    "PERFCFGOFF": 0x800,
    "PERFFRZOFF": 0x600,
    "PERFOVFOFF": 0x610,
    "PERFCNTROFF": 0x2000,
}


def with_counters() -> Capabilities:
    return Capabilities(0x60, full_unit().cap, full_unit().ecap, 52, PERFORMANCE)


@pytest.mark.parametrize(
    ("register", "indices", "offset"),
    [
        (VER, (), 0x000),
        (IQA, (), 0x090),
        (IVA, (), 0x500),
        (IOTLB, (), 0x508),
        (FRCD, (), 0x400),
        (FRCD, (3,), 0x430),
        (PERFEVNTCAP, (2,), 0x390),
        (PERFFRZSTS, (1,), 0x608),
        (PERFCNTRCFG, (2,), 0xA00),
        (PERFCNTR_RIDFLTR, (2,), 0xA08),
        (PERFCNTREVCAP, (1, 3), 0x990),
        (PERFCNTR, (3,), 0x2000 + 3 * 4096),
    ],
)
def test_registers_lie_where_the_capabilities_say(
    register: type[Register], indices: tuple[int, ...], offset: int
) -> None:
    unit = bare_unit(FRO=0x40, IRO=0x50)
    unit = Capabilities(unit.version, unit.cap, unit.ecap, unit.haw, PERFORMANCE)
    assert register.offset_in(unit, *indices) == offset


@pytest.mark.parametrize(
    ("register", "indices", "message"),
    [
        (GCMD, (1,), r"GCMD takes 0 indices, not \(1, 0\)"),
        (FRCD, (0, 1), r"FRCD\[n\] takes 1 indices, not \(0, 1\)"),
        (FRCD, (-1,), r"FRCD\[n\] takes 1 indices, not \(-1, 0\)"),
        (PERFCNTRCFG, (0,), "no value of PERFCFGOFF is configured"),
    ],
)
def test_offsets_that_do_not_exist_are_refused(
    register: type[Register], indices: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        register.offset_in(full_unit(), *indices)


@pytest.mark.parametrize(
    ("register", "masks"),
    [
        (GCMD, AccessMasks(0, 0xFF80_0000, 0, 0xFF80_0000, 0, 0)),
        (GSTS, AccessMasks(0xFF80_0000, 0, 0, 0, 0, 0)),
        (FSTS, AccessMasks(0xFF02, 0, 0x7D, 0, 0, 0xFF7F)),
        (FECTL, AccessMasks(0x4000_0000, 0x8000_0000, 0, 0, 0, 0)),
        (FRCD, AccessMasks(RECORD, 0, 1 << 127, 0, 0, RECORD | 1 << 127)),
        (PERFCNTR, AccessMasks(0, bits(63, 0), 0, 0, bits(63, 0), 0)),
        (IVA, AccessMasks(0, bits(63, 12) | 0x7F, 0, bits(63, 12) | 0x7F, 0, 0)),
    ],
)
def test_accesses_of_a_unit_that_has_everything(
    register: type[Register], masks: AccessMasks
) -> None:
    assert register.access_masks(full_unit()) == masks


@pytest.mark.parametrize(
    ("register", "fields", "absent"),
    [
        (GCMD, {"QI": 0}, ["QIE"]),
        (GCMD, {"IR": 0}, ["IRE", "SIRTP", "CFI"]),
        (GCMD, {"RWBF": 0}, ["WBF"]),
        (FSTS, {"DT": 0}, ["ITE", "ICE"]),
        (FSTS, {"QI": 0}, ["IQE"]),
        (RTADDR, {"SSIRWS": 0}, ["SSIRWE"]),
        (IQA, {"SMTS": 0, "ADMS": 0}, ["DW"]),
        (IQA, {"SMTS": 0}, []),
        (IQA, {"ADMS": 0}, []),
        (IQA, {"QI": 0}, ["IQA", "DW", "QS"]),
        (IRTA, {"EIM": 0}, ["EIME"]),
        (FEUADDR, {"EIM": 0}, ["MUA"]),
        (PMEN, {"PLMR": 0}, []),
        (PMEN, {"PLMR": 0, "PHMR": 0}, ["EPM", "PRS"]),
        (FRCD, {"PASID": 0}, ["PV", "PP", "EXE", "PRIV"]),
        (FRCD, {"DT": 0}, ["AT"]),
    ],
)
def test_fields_whose_requirement_is_absent_have_no_access(
    register: type[Register], fields: dict[str, int], absent: list[str]
) -> None:
    lost = _all(register.access_masks(full_unit())) & ~_all(
        register.access_masks(full_unit(**fields))
    )
    assert lost == register.mask(*absent)


def _all(masks: AccessMasks) -> int:
    return masks.read_only | masks.writable | masks.write_one_to_clear


@pytest.mark.parametrize("register", [item for item in REGISTERS if item not in (VER, CAP, ECAP)])
def test_reserved_bits_have_no_access(register: type[Register]) -> None:
    masks = register.access_masks(with_counters())
    reserved = [name for name, field in register.FIELDS.items() if field.reserved]
    assert _all(masks) & register.mask(*reserved) == 0


@pytest.mark.parametrize("register", REGISTERS)
def test_every_bit_has_one_access(register: type[Register]) -> None:
    masks = register.access_masks(with_counters())
    assert masks.read_only & masks.writable == 0
    assert (masks.read_only | masks.writable) & masks.write_one_to_clear == 0
    assert (masks.write_only | masks.lockable) & ~masks.writable == 0
    assert masks.readable == _all(masks) & ~masks.write_only


def test_addresses_of_memory_type_ranges_end_at_the_host_address_width() -> None:
    others = {"MTRRCAP": MTRRCAP.pack(VCNT=4)}
    unit = Capabilities(0x60, full_unit().cap, full_unit().ecap, 46, others)
    assert MTRR_PHYSBASE3.access_masks(unit).writable == bits(45, 12) | 0xFF


@pytest.mark.parametrize(
    ("mtrrcap", "fixed", "variable"),
    [({}, False, False), ({"FIX": 1, "VCNT": 3}, True, False), ({"VCNT": 4}, False, True)],
)
def test_memory_type_ranges_are_present_as_their_capability_says(
    mtrrcap: dict[str, int], *, fixed: bool, variable: bool
) -> None:
    others = {"MTRRCAP": MTRRCAP.pack(**mtrrcap)}
    unit = Capabilities(0x60, full_unit().cap, full_unit().ecap, 46, others)
    assert MTRR_FIX4K_C0000.present(unit) is fixed
    assert MTRR_PHYSBASE3.present(unit) is variable


@given(
    version=st.integers(0, (1 << 32) - 1),
    cap=st.integers(0, (1 << 64) - 1),
    ecap=st.integers(0, (1 << 64) - 1),
)
def test_capability_registers_read_as_configured(version: int, cap: int, ecap: int) -> None:
    unit = Capabilities(version, cap, ecap, 48)
    values = [
        register.reset_value(unit) & register.access_masks(unit).readable
        for register in (VER, CAP, ECAP)
    ]
    assert values == [version, cap, ecap]


def test_events_are_masked_after_reset_if_they_exist() -> None:
    assert FECTL.reset_value(bare_unit()) == FECTL.mask("IM")
    assert IECTL.reset_value(bare_unit(QI=1)) == IECTL.mask("IM")
    assert IECTL.reset_value(bare_unit()) == 0


def test_configured_registers_reset_to_their_configuration_if_they_exist() -> None:
    assert PERFCAP.reset_value(with_counters()) == PERFORMANCE["PERFCAP"]
    assert PERFCAP.reset_value(full_unit()) == 0
    absent = Capabilities(0x60, 0, 0, 52, PERFORMANCE)
    assert PERFCAP.reset_value(absent) == 0


def test_other_registers_reset_to_zero() -> None:
    events = ("FECTL", "IECTL", "PECTL", "PERFINTRCTL")
    zero = [item for item in REGISTERS if item.NAME not in ("VER", "CAP", "ECAP", *events)]
    assert {register.reset_value(full_unit()) for register in zero} == {0}


@pytest.mark.parametrize(
    ("register", "fields", "value"),
    [
        (RTADDR, {"RTA_address": 0x12_3000, "TTM": 1}, 0x12_3400),
        (IQA, {"IQA_address": 0x4000, "QS": 2}, 0x4002),
        (FEADDR, {"MA_address": 0xFEE0_100C}, 0xFEE0_100C),
        (FEUADDR, {"MUA_address": 0x12 << 32}, 0x12),
        (FRCD, {"FI_address": 0x7000}, 0x7000),
    ],
)
def test_registers_hold_addresses(
    register: type[Register], fields: dict[str, int], value: int
) -> None:
    assert register.pack(**fields) == value
    assert {name: getattr(register(value), name) for name in fields} == fields


def test_every_register_is_exported_by_its_name() -> None:
    for register in REGISTERS:
        assert getattr(registers, register.NAME.partition("[")[0]) is register


def test_fixed_offsets_do_not_overlap() -> None:
    placed = [
        (register.OFFSET, register.OFFSET + register.BITS // 8)
        for register in REGISTERS
        if isinstance(register.OFFSET, int)
    ]
    placed.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise(placed))


def test_a_register_without_fields_of_its_own_has_those_of_its_parent() -> None:
    class Elsewhere(FSTS, offset=0x500, requires="ECAP.QI"):
        pass

    assert Elsewhere.offset_in(full_unit()) == 0x500
    assert Elsewhere(0x10).IQE == 1
    assert Elsewhere.FIELDS["PFO"].requires == "ECAP.QI"
    assert FSTS.FIELDS["PFO"].requires == ""
