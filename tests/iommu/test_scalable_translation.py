"""What scalable mode lets through: pages, privilege, and the bits it sets (§3.6 to §3.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.iommu.bench import HOST, IOVA, PAGE, SOURCE, values
from tests.iommu.scalable_bench import (
    FIRST,
    GUEST_DATA,
    NESTED,
    PASID,
    SECOND,
    THROUGH,
    Scalable,
    scalable_config,
    walk_entries,
)
from vtd_plugin.bus import Fault, RequestKind, Resolution
from vtd_plugin.encodings.codes import MemoryType
from vtd_plugin.encodings.registers import MTRRDEF
from vtd_plugin.encodings.structures import FsPml5e, FsPte, SsPte
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.memory_type import combine
from vtd_plugin.software.first_stage import FirstStageTable
from vtd_plugin.software.pages import PAGE_1G, PAGE_2M, PAGE_4K

if TYPE_CHECKING:
    from vtd_plugin.encodings.codes import PageTableType

FAR: Final = 16 * PAGE_1G
READ, WRITE, ATOMIC = RequestKind


def granted(answer: Resolution) -> IotlbEntry:
    assert isinstance(answer, IotlbEntry), f"{answer} is no translation"
    return answer


def verdict(answer: Resolution) -> str:
    return answer.name if isinstance(answer, Fault) else "ok"


# --- pages


@pytest.mark.parametrize("size", [PAGE_4K, PAGE_2M, PAGE_1G])
@pytest.mark.parametrize("kind", [FIRST, SECOND])
def test_a_page_of_any_size_translates_its_first_and_last_byte(
    kind: PageTableType, size: int
) -> None:
    bench = Scalable(kind=kind)
    tree = bench.first if kind is FIRST else bench.second
    tree.map(FAR, PAGE_1G, size, page_size=size)
    for offset in (0, size - 1):
        page = granted(bench.unit.translate(SOURCE, FAR + offset, pasid=PASID))
        assert (page.address(FAR + offset), page.mask) == (PAGE_1G + offset, size - 1)
    assert verdict(bench.unit.translate(SOURCE, FAR + size, pasid=PASID)) in ("SFS.2", "SSS.2")


@pytest.mark.parametrize("first", [PAGE_4K, PAGE_2M, PAGE_1G])
@pytest.mark.parametrize("second", [PAGE_4K, PAGE_2M, PAGE_1G])
def test_a_nested_page_is_as_large_as_the_smaller_of_the_two(first: int, second: int) -> None:
    bench = Scalable(kind=NESTED)
    bench.second.map(8 * PAGE_1G, 2 * PAGE_1G, max(second, PAGE_2M), page_size=second)
    bench.first.map(FAR, 8 * PAGE_1G, first, page_size=first)
    page = granted(bench.unit.translate(SOURCE, FAR + 0x123, pasid=PASID))
    assert page.address(FAR + 0x123) == 2 * PAGE_1G + 0x123
    assert page.mask == min(first, second) - 1


def test_the_upper_half_of_addresses_is_translated() -> None:
    bench = Scalable(kind=FIRST)
    top = (1 << 64) - PAGE
    bench.first.map(top, HOST, PAGE)
    assert bench.lands_at(top, PASID) == HOST


@pytest.mark.parametrize(
    ("address", "expected"), [(1 << 47, "ok"), (1 << 55, "SFS.2"), (1 << 56, "SGN.1")]
)
def test_five_levels_translate_57_bits(address: int, expected: str) -> None:
    bench = Scalable(scalable_config(FS5LP=1), FIRST)
    deep = FirstStageTable(bench.platform, bench.frames, 5)
    deep.map(1 << 47, HOST, PAGE)
    bench.change_entry(FSPTPTR_address=deep.root, FSPM=1)
    assert verdict(bench.unit.translate(SOURCE, address, pasid=PASID)) == expected


def test_pass_through_keeps_the_address() -> None:
    bench = Scalable(kind=THROUGH)
    for pasid in (None, PASID):
        assert bench.lands_at(HOST + PAGE, pasid) == HOST + PAGE
        assert bench.port().write(HOST + PAGE + 8, b"straight", pasid=pasid).ok


def test_each_pasid_has_its_own_tables() -> None:
    bench = Scalable(kind=FIRST)
    other = FirstStageTable(bench.platform, bench.frames)
    other.map(IOVA, HOST + 3 * PAGE, PAGE)
    bench.pasids.write_entry(PASID + 1, bench.entry(FSPTPTR_address=other.root))
    assert bench.lands_at(pasid=PASID + 1) == HOST + 3 * PAGE
    assert bench.lands_at(pasid=PASID) == HOST


# --- privilege (§3.6.1)


@pytest.mark.parametrize(
    ("leaf", "privileged", "protect", "kind", "expected"),
    [
        ({"US": 1, "RW": 1}, False, 0, WRITE, "ok"),
        ({"US": 1, "RW": 0}, False, 0, READ, "ok"),
        ({"US": 1, "RW": 0}, False, 0, WRITE, "SGN.6"),
        ({"US": 1, "RW": 0}, False, 0, ATOMIC, "SGN.6"),
        ({"US": 0, "RW": 1}, False, 0, READ, "SGN.2"),
        ({"US": 0, "RW": 0}, False, 0, WRITE, "SGN.2"),
        ({"US": 0, "RW": 1}, True, 1, WRITE, "ok"),
        ({"US": 0, "RW": 0}, True, 1, READ, "ok"),
        ({"US": 0, "RW": 0}, True, 1, WRITE, "SGN.6"),
        ({"US": 0, "RW": 0}, True, 0, WRITE, "ok"),
        ({"US": 1, "RW": 0}, True, 0, ATOMIC, "ok"),
    ],
)
@pytest.mark.parametrize("level", [1, 3])
def test_privilege_and_write_protection_decide_together(
    leaf: dict[str, int],
    privileged: bool,
    protect: int,
    kind: RequestKind,
    expected: str,
    level: int,
) -> None:
    bench = Scalable(kind=FIRST)
    bench.change_first(level, **leaf)
    bench.change_entry(WPE=protect)
    for _again in range(2):  # the second time from the cache, if it passed
        answer = bench.unit.translate(SOURCE, IOVA, kind=kind, pasid=PASID, privileged=privileged)
        assert verdict(answer) == expected


def test_requests_without_pasid_are_as_privileged_as_their_context_entry_says() -> None:
    bench = Scalable(kind=FIRST)
    bench.change_first(1, US=0)
    assert verdict(bench.unit.translate(SOURCE, IOVA)) == "SGN.2"
    bench = Scalable(kind=FIRST)
    bench.change_first(1, US=0)
    bench.change_context(RID_PRIV=1)
    assert verdict(bench.unit.translate(SOURCE, IOVA)) == "ok"


# --- accessed and dirty bits (§3.6.2, §3.7.2, §3.8.1)


@pytest.mark.parametrize("extended", [0, 1])
@pytest.mark.parametrize("kind", [READ, WRITE, ATOMIC])
def test_first_stage_entries_are_marked_as_they_are_used(kind: RequestKind, extended: int) -> None:
    bench = Scalable(kind=FIRST)
    bench.change_entry(EAFE=extended)
    granted(bench.unit.translate(SOURCE, IOVA, kind=kind, pasid=PASID))
    *upper, leaf = walk_entries(bench.first)
    assert {(FsPml5e(entry).A, FsPml5e(entry).EA) for entry in upper} == {(1, extended)}
    assert values(FsPte(leaf), "A", "EA", "D") == (1, extended, int(kind is not READ))


@pytest.mark.parametrize("update", [0, 1])
@pytest.mark.parametrize("kind", [READ, WRITE])
def test_second_stage_entries_are_marked_where_that_is_enabled(
    kind: RequestKind, update: int
) -> None:
    bench = Scalable(kind=SECOND)
    bench.change_entry(SSADE=update)
    granted(bench.unit.translate(SOURCE, IOVA, kind=kind, pasid=PASID))
    *upper, leaf = walk_entries(bench.second)
    assert {SsPte(entry).A for entry in upper} == {update}
    assert values(SsPte(leaf), "A", "D") == (update, int(bool(update) and kind is WRITE))


def test_a_nested_read_dirties_the_pages_its_first_stage_tables_lie_in() -> None:
    bench = Scalable(kind=NESTED)
    bench.change_entry(SSADE=1)
    granted(bench.unit.translate(SOURCE, IOVA, pasid=PASID))
    table = SsPte(bench.second.read_entry(bench.guest_table(1), 1) or 0)
    data = SsPte(bench.second.read_entry(GUEST_DATA, 1) or 0)
    assert (values(table, "A", "D"), values(data, "A", "D")) == ((1, 1), (1, 0))


@pytest.mark.parametrize("kind", [FIRST, NESTED])
def test_a_page_that_may_not_be_written_is_not_dirtied(kind: PageTableType) -> None:
    bench = Scalable(kind=kind)
    bench.change_first(1, RW=0)
    assert verdict(bench.unit.translate(SOURCE, IOVA, write=True, pasid=PASID)) == "SGN.6"
    assert not FsPte(bench.first.read_entry(IOVA, 1) or 0).D


def test_a_unit_that_cannot_update_is_content_with_bits_set_beforehand() -> None:
    bench = Scalable(scalable_config(SMPWCS=0, SSADS=0, EAFS=0), FIRST)
    for level in range(1, 5):
        bench.change_first(level, A=1)
    assert verdict(bench.unit.translate(SOURCE, IOVA, pasid=PASID)) == "ok"
    assert verdict(bench.unit.translate(SOURCE, IOVA, write=True, pasid=PASID)) == "SFS.9"
    bench.change_first(1, D=1)
    assert verdict(bench.unit.translate(SOURCE, IOVA, write=True, pasid=PASID)) == "ok"


# --- rights of the second stage by other bits (§11.4.5)


@pytest.mark.parametrize(
    ("ssirwe", "leaf", "kind", "expected"),
    [
        (0, {"R": 1, "W": 0}, READ, "ok"),
        (0, {"R": 0, "W": 1, "IR": 1}, READ, "SGN.7"),
        (1, {"R": 1, "W": 1, "IR": 0, "IW": 0}, READ, "SSS.2"),
        (1, {"R": 0, "W": 0, "IR": 1, "IW": 0}, READ, "ok"),
        (1, {"R": 0, "W": 0, "IR": 1, "IW": 0}, WRITE, "SGN.6"),
        (1, {"R": 0, "W": 0, "IR": 1, "IW": 1}, WRITE, "ok"),
    ],
)
def test_second_stage_rights_stand_where_the_root_register_says(
    ssirwe: int, leaf: dict[str, int], kind: RequestKind, expected: str
) -> None:
    bench = Scalable(scalable_config(SSIRWS=1))
    if ssirwe:
        for level in (2, 3, 4):
            bench.change_second(level, IR=1, IW=1)
    bench.change_second(1, **leaf)
    bench.set_root(SSIRWE=ssirwe)
    assert verdict(bench.unit.translate(SOURCE, IOVA, kind=kind, pasid=PASID)) == expected


# --- snooping and memory types (§3.10, §3.11)


@pytest.mark.parametrize(
    ("kind", "entry", "leaf", "snoop"),
    [
        (FIRST, {}, {}, False),
        (FIRST, {"PGSNP": 1}, {}, True),
        (SECOND, {}, {"SNP": 1}, True),
        (SECOND, {"PGSNP": 1}, {}, True),
        (NESTED, {}, {"SNP": 1}, True),
        (THROUGH, {"PGSNP": 1}, {}, True),
        (THROUGH, {}, {}, False),
    ],
)
def test_a_page_says_whether_accesses_are_snooped(
    kind: PageTableType, entry: dict[str, int], leaf: dict[str, int], snoop: bool
) -> None:
    bench = Scalable(kind=kind)
    bench.change_entry(**entry)
    if leaf:
        bench.change_second(1, **leaf)
    iova = HOST if kind is THROUGH else IOVA
    assert granted(bench.unit.translate(SOURCE, iova, pasid=PASID)).snoop is snoop


UC, WC, WT, WP, WB, UC_MINUS = MemoryType


@pytest.mark.parametrize(
    ("memory", "pat", "expected"),
    [
        *((memory, UC, UC) for memory in (UC, WC, WT, WP, WB)),
        *((memory, WC, WC) for memory in (UC, WC, WT, WP, WB)),
        *((UC, pat, UC) for pat in (UC_MINUS, WT, WB, WP)),
        *((memory, UC_MINUS, UC) for memory in (WT, WB)),
        *((memory, UC_MINUS, WC) for memory in (WC, WP)),
        *((memory, WT, WT) for memory in (WT, WP, WB)),
        (WC, WT, UC),
        *((memory, WB, memory) for memory in (WC, WT, WP, WB)),
        *((memory, WP, WP) for memory in (WT, WP, WB)),
        (WC, WP, UC),
    ],
)
def test_memory_type_and_page_attribute_combine(
    memory: MemoryType, pat: MemoryType, expected: MemoryType
) -> None:
    assert combine(memory, pat) == expected


@pytest.mark.parametrize(
    ("kind", "entry", "leaf", "default", "expected"),
    [
        pytest.param(FIRST, {"PAT": WB}, {}, WB, WB, id="first"),
        pytest.param(FIRST, {"PAT": WB}, {}, None, UC, id="first-without-ranges"),
        pytest.param(FIRST, {"PAT": WB, "CD": 1}, {}, WB, UC, id="cache-disable"),
        pytest.param(SECOND, {}, {"EMT": WC}, WB, WB, id="second-without-types"),
        pytest.param(SECOND, {"EMTE": 1}, {"EMT": WC}, WB, WC, id="second"),
        pytest.param(NESTED, {"PAT": WB}, {"EMT": WC}, WT, WT, id="nested-without-types"),
        pytest.param(NESTED, {"PAT": WB, "EMTE": 1}, {"EMT": WT}, WB, WT, id="nested"),
        pytest.param(
            NESTED, {"PAT": WC, "EMTE": 1}, {"EMT": WT, "IPAT": 1}, WB, WT, id="nested-ignore-pat"
        ),
        pytest.param(THROUGH, {}, {}, None, WB, id="through"),
        pytest.param(THROUGH, {"CD": 1}, {}, None, UC, id="through-cache-disable"),
    ],
)
def test_a_page_has_the_memory_type_its_tables_give_it(
    kind: PageTableType,
    entry: dict[str, int],
    leaf: dict[str, int],
    default: MemoryType | None,
    expected: MemoryType,
) -> None:
    bench = Scalable(scalable_config(MTS=1), kind)
    bench.change_entry(**entry)
    if leaf:
        bench.change_second(1, **leaf)
    if default is not None:
        bench.registers.write(MTRRDEF, MTRRDEF.pack(E=1, TYPE=default))
    iova = HOST if kind is THROUGH else IOVA
    assert granted(bench.unit.translate(SOURCE, iova, pasid=PASID)).memory_type == expected


@pytest.mark.parametrize(
    ("leaf", "index"), [({"PWT": 1}, 1), ({"PCD": 1}, 2), ({"PAT": 1}, 4), ({}, 0)]
)
def test_the_leaf_chooses_the_page_attribute(leaf: dict[str, int], index: int) -> None:
    bench = Scalable(scalable_config(MTS=1), FIRST)
    bench.change_entry(PAT=WT << 4 * index)
    bench.registers.write(MTRRDEF, MTRRDEF.pack(E=1, TYPE=WB))
    bench.change_first(1, **leaf)
    assert granted(bench.unit.translate(SOURCE, IOVA, pasid=PASID)).memory_type == WT
