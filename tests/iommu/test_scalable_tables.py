"""How scalable-mode entries are read: reserved, ignored and conditional fields, order of checks.

Sections 9.2 to 9.8; the conditions themselves are in `test_scalable_faults`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.iommu.bench import BEYOND_RAM, HOST, IOVA, SOURCE
from tests.iommu.scalable_bench import (
    FIRST,
    NESTED,
    PASID,
    SECOND,
    THROUGH,
    Scalable,
    scalable_config,
)
from vtd_plugin.bus import Fault
from vtd_plugin.encodings.structures import PasidTableEntry, ScalableContextEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.encodings.codes import PageTableType

KINDS = (FIRST, SECOND, NESTED, THROUGH)


def verdict(bench: Scalable, pasid: int | None = PASID, *, write: bool = False) -> str:
    """The name of the fault that a request meets, or `ok`."""
    iova = HOST if bench.kind is THROUGH else IOVA
    answer = bench.unit.translate(SOURCE, iova, write, pasid)
    return answer.name if isinstance(answer, Fault) else "ok"


# --- root entries (§9.2)


@pytest.mark.parametrize(("source", "half"), [(SOURCE, "lower"), (SOURCE + 0x80, "upper")])
@pytest.mark.parametrize(
    ("fields", "of"),
    [
        ({"RSVD_11_1": 1}, "lower"),
        ({"LCTP_address": 1 << 48}, "lower"),
        ({"RSVD_75_65": 1}, "upper"),
        ({"UCTP_address": 1 << 48}, "upper"),
    ],
)
def test_only_the_half_of_the_requester_is_looked_at(
    source: int, half: str, fields: dict[str, int], of: str
) -> None:
    bench = Scalable()
    entry = bench.roots.read_context_entry(SOURCE).value
    bench.roots.write_context_entry(SOURCE + 0x80, entry)
    bench.change_root(**fields)
    answer = bench.unit.translate(source, IOVA)
    assert (answer.name if isinstance(answer, Fault) else "ok") == ("SRT.3" if half == of else "ok")


@pytest.mark.parametrize(("source", "fault"), [(0x7F, "SCT.2"), (0x80, "SRT.2")])
def test_each_half_of_a_bus_is_present_by_itself(source: int, fault: str) -> None:
    answer = Scalable().unit.translate(source, IOVA)
    assert isinstance(answer, Fault)
    assert answer.name == fault


# --- context entries (§9.4)


@pytest.mark.parametrize(
    "name", [name for name in ScalableContextEntry.FIELDS if name.startswith("RSVD")]
)
def test_a_reserved_field_of_a_context_entry_blocks(name: str) -> None:
    bench = Scalable()
    bench.change_context(**{name: 1})
    assert verdict(bench) == "SCT.3"


@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({"RID_PRIV": 1}, {"RPRIVS": 0}),
        ({"RID_PASID": 1}, {"RPS": 0}),
        ({"EPTR": 1}, {"PTRS": 0}),
        ({"HPTE": 1}, {"HPTS": 0, "HPT1GPS": 0}),
        ({"PRE": 1}, {"PRS": 0}),
    ],
)
def test_a_field_without_its_capability_is_reserved(
    fields: dict[str, int], changes: dict[str, int]
) -> None:
    for given, expected in ((dict.fromkeys(fields, 0), "ok"), (fields, "SCT.3")):
        bench = Scalable(scalable_config(**changes))
        bench.change_context(**given)
        assert verdict(bench) == expected


def test_an_absent_context_entry_has_no_reserved_bits() -> None:
    bench = Scalable()
    bench.change_context(P=0, RSVD_8_7=3, PRE=1, DTE=0)
    assert verdict(bench) == "SCT.2"


def test_a_unit_that_gives_requests_no_pasid_uses_0() -> None:
    bench = Scalable(scalable_config(RPS=0))
    bench.change_context(RID_PASID=0)
    bench.pasids.write_entry(0, bench.pasids.read_entry(PASID).value)
    assert verdict(bench, None) == "ok"


def test_requests_without_pasid_do_not_need_pasids_enabled() -> None:
    bench = Scalable()
    bench.change_context(PASIDE=0, EPTR=0)
    assert (verdict(bench, None), verdict(bench, PASID)) == ("ok", "SCT.6")


@pytest.mark.parametrize("pdts", [0, 1, 7])
def test_the_directory_covers_as_many_pasids_as_its_size_says(pdts: int) -> None:
    bench = Scalable()
    covered = 1 << pdts + 13
    bench.change_context(PDTS=pdts)
    assert verdict(bench, covered - 1) == "SPD.2"
    if covered < 1 << 20:
        assert verdict(bench, covered) == "SCT.7"


# --- PASID entries (§9.6)


@pytest.mark.parametrize(
    "name", [name for name in PasidTableEntry.FIELDS if name.startswith("RSVD")]
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_reserved_field_of_a_pasid_entry_blocks_whatever_translates(
    name: str, kind: PageTableType
) -> None:
    bench = Scalable(kind=kind)
    bench.change_entry(**{name: 1})
    assert verdict(bench) == "SPT.3"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fields", "changes"),
    [
        ({"SRE": 1}, {"SRS": 0, "RPRIVS": 0}),
        ({"PAT": 6}, {}),
        ({"CD": 1}, {}),
        ({"EMTE": 1}, {}),
        ({"PGSNP": 1}, {"SC": 0}),
        ({"PWSNP": 1}, {"SMPWCS": 0, "SSADS": 0, "EAFS": 0}),
        ({"SSADE": 1}, {"SSADS": 0}),
        ({"EAFE": 1}, {"EAFS": 0}),
        ({"HPTSZ": 1}, {"HPTS": 0, "HPT1GPS": 0}),
    ],
)
def test_a_capability_that_is_absent_makes_its_field_reserved_whatever_translates(
    kind: PageTableType, fields: dict[str, int], changes: dict[str, Any]
) -> None:
    bench = Scalable(scalable_config(**changes), kind)
    bench.change_entry(**fields)
    assert verdict(bench) == "SPT.3"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        pytest.param(SECOND, {"EAFE": 1, "WPE": 1}, id="second-ignores-first"),
        pytest.param(SECOND, {"FSPTPTR_address": 1 << 50}, id="second-ignores-first-pointer"),
        pytest.param(THROUGH, {"SSADE": 1, "EAFE": 1, "WPE": 1}, id="through-ignores-stages"),
        pytest.param(THROUGH, {"SSPTPTR_address": 1 << 50}, id="through-ignores-pointer"),
        pytest.param(THROUGH, {"AW": 7}, id="through-ignores-width"),
        pytest.param(FIRST, {"SSADE": 1}, id="first-ignores-second"),
        pytest.param(FIRST, {"SSPTPTR_address": 1 << 50, "AW": 7}, id="first-ignores-pointer"),
        pytest.param(FIRST, {"IGN_134_133": 3}, id="ignored"),
    ],
)
def test_what_the_translation_does_not_use_is_ignored(
    kind: PageTableType, fields: dict[str, int]
) -> None:
    bench = Scalable(kind=kind)
    bench.change_entry(**fields)
    assert verdict(bench) == "ok"


@pytest.mark.parametrize(
    ("kind", "field"),
    [(FIRST, "FSPTPTR"), (SECOND, "SSPTPTR"), (NESTED, "SSPTPTR"), (NESTED, "FSPTPTR")],
)
def test_a_pointer_in_use_must_be_below_the_host_width(kind: PageTableType, field: str) -> None:
    bench = Scalable(scalable_config(host_address_width=40), kind)
    bench.change_entry(**{f"{field}_address": 1 << 40})
    assert verdict(bench) == "SPT.3"


@pytest.mark.parametrize(("width", "fault"), [(4, "SPT.3"), (10, "ok")])
def test_a_domain_id_must_fit_the_units_width(width: int, fault: str) -> None:
    bench = Scalable(scalable_config(ND=(width - 4) // 2))
    bench.change_entry(DID=0x3FF)
    assert verdict(bench) == fault


@pytest.mark.parametrize("kind", KINDS)
def test_an_absent_pasid_entry_has_no_reserved_bits(kind: PageTableType) -> None:
    bench = Scalable(kind=kind)
    bench.change_entry(P=0, RSVD_95_91=1, PGTT=7)
    assert verdict(bench) == "SPT.2"


def test_reserved_bits_come_before_bad_programming() -> None:
    bench = Scalable()
    bench.change_entry(RSVD_95_91=1, PGTT=7, AW=7)
    assert verdict(bench) == "SPT.3"


# --- paging entries (§9.7, §9.8)


@pytest.mark.parametrize("bit", [52, 58, 62, 63, 8, 9, 11, 3, 4])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_an_ignored_bit_of_a_first_stage_entry_does_nothing(level: int, bit: int) -> None:
    bench = Scalable(kind=FIRST)
    entry = bench.first.read_entry(IOVA, level) or 0
    bench.first.write_entry(IOVA, level, entry | 1 << bit)
    assert verdict(bench, write=True) == "ok"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(lambda b: b.change_first(4, RSVD_7_7=1), "SFS.3", id="pml4-page-size"),
        pytest.param(lambda b: b.change_first(2, ADDR_address=1 << 40), "SFS.3", id="table"),
        pytest.param(lambda b: b.change_first(1, ADDR_address=1 << 40), "SFS.3", id="page"),
        pytest.param(lambda b: b.change_first(1, P=0, ADDR_address=1 << 40), "SFS.2", id="absent"),
    ],
)
def test_a_reserved_bit_of_a_present_first_stage_entry_blocks(
    change: Callable[[Scalable], object], fault: str
) -> None:
    bench = Scalable(scalable_config(host_address_width=40), FIRST)
    change(bench)
    assert verdict(bench) == fault


def test_a_reserved_bit_comes_before_a_right_that_an_upper_entry_withholds() -> None:
    bench = Scalable()
    bench.change_second(3, W=0)
    bench.change_second(1, IW=1)
    assert verdict(bench, write=True) == "SSS.3"


def test_an_address_that_is_not_canonical_is_not_walked() -> None:
    bench = Scalable(kind=FIRST)
    bench.change_entry(FSPTPTR_address=BEYOND_RAM)
    answer = bench.unit.translate(SOURCE, 1 << 47, pasid=PASID)
    assert isinstance(answer, Fault)
    assert answer.name == "SGN.1"
