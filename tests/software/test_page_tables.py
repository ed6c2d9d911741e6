"""Paging structures of both stages: what entries look like, and what can be done with ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.software.bench import TABLE_BYTES, TABLES
from vtd_plugin import Platform
from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.encodings.registers import CAP, ECAP
from vtd_plugin.encodings.structures import (
    FsPde2M,
    FsPdeTable,
    FsPdpe1G,
    FsPdpeTable,
    FsPml4e,
    FsPml5e,
    FsPte,
    SsPde2M,
    SsPdeTable,
    SsPdpe1G,
    SsPdpeTable,
    SsPml4e,
    SsPml5e,
    SsPte,
)
from vtd_plugin.software import (
    PAGE_1G,
    PAGE_2M,
    PAGE_4K,
    FirstStageTable,
    FrameAllocator,
    GuestMemory,
    SecondStageTable,
)
from vtd_plugin.software.pages import leaf_level

if TYPE_CHECKING:
    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.page_table import PageTable

ANY_CAPABILITIES = Capabilities(
    0x50, CAP.pack(SSLPS=3, FS1GP=1), ECAP.pack(SMTS=1, FSTS=1, SSTS=1), 39
)
IOVA = 0x12_3456_7000
STAGES: list[tuple[type[SecondStageTable | FirstStageTable], int]] = [
    (SecondStageTable, 3),
    (SecondStageTable, 4),
    (SecondStageTable, 5),
    (FirstStageTable, 4),
    (FirstStageTable, 5),
]
each_stage = pytest.mark.parametrize(("stage", "levels"), STAGES)


def entry(table: PageTable, iova: int, level: int) -> int:
    value = table.read_entry(iova, level)
    assert value is not None
    return value


@each_stage
def test_a_new_tree_is_one_empty_table(
    cpu: Platform,
    frames: FrameAllocator,
    stage: type[SecondStageTable | FirstStageTable],
    levels: int,
) -> None:
    cpu.write(TABLES, b"\xff" * 4096)
    table = stage(cpu, frames, levels)
    assert table.tables == {table.root}
    assert cpu.read(table.root, 4096) == bytes(4096)
    assert list(table.pages()) == []
    assert table.lookup(IOVA) is None


@each_stage
@pytest.mark.parametrize(("size", "level"), [(PAGE_4K, 1), (PAGE_2M, 2), (PAGE_1G, 3)])
def test_a_page_has_one_entry_a_level(
    cpu: Platform,
    frames: FrameAllocator,
    stage: type[SecondStageTable | FirstStageTable],
    levels: int,
    size: int,
    level: int,
) -> None:
    table = stage(cpu, frames, levels)
    iova, address = 0x40_8020_1000 // size * size, 3 * PAGE_1G
    table.map(iova, address, size)
    assert len(table.tables) == levels - level + 1
    page = table.lookup(iova + size - 1)
    assert page is not None
    assert (page.iova, page.address, page.size) == (iova, address, size)
    above = table.root
    for upper in range(levels, level, -1):
        assert above // 4096 * 4096 in table.tables
        above = table.POINTERS[upper](entry(table, iova, upper)).address_of("ADDR")
    for lower in range(1, level):
        with pytest.raises(ValueError, match=f"is in a page of {size:#x} bytes"):
            table.read_entry(iova, lower)


@each_stage
def test_entries_have_no_reserved_bit_set(
    cpu: Platform,
    frames: FrameAllocator,
    stage: type[SecondStageTable | FirstStageTable],
    levels: int,
) -> None:
    table = stage(cpu, frames, levels, preset_accessed=True)
    for number, size in enumerate((PAGE_4K, PAGE_2M, PAGE_1G)):
        table.map(number * PAGE_1G, number * PAGE_1G, size)
    layouts: list[tuple[int, int, type[Layout]]] = [
        (0, 1, table.LEAVES[1]),
        (PAGE_1G, 2, table.LEAVES[2]),
        (2 * PAGE_1G, 3, table.LEAVES[3]),
        *((0, level, table.POINTERS[level]) for level in range(2, levels + 1)),
    ]
    for iova, level, layout in layouts:
        assert not entry(table, iova, level) & layout.reserved(ANY_CAPABILITIES)


@pytest.mark.parametrize(
    ("options", "rights", "leaf", "pointer"),
    [
        ({}, {}, {"R": 1, "W": 1}, {"R": 1, "W": 1}),
        ({}, {"write": False}, {"R": 1}, {"R": 1, "W": 1}),
        ({}, {"read": False}, {"W": 1}, {"R": 1, "W": 1}),
        (
            {"io_rights": True},
            {"write": False},
            {"R": 1, "IR": 1},
            {"R": 1, "W": 1, "IR": 1, "IW": 1},
        ),
        (
            {"preset_accessed": True},
            {},
            {"R": 1, "W": 1, "A": 1, "D": 1},
            {"R": 1, "W": 1, "A": 1},
        ),
        (
            {"preset_accessed": True},
            {"write": False},
            {"R": 1, "A": 1},
            {"R": 1, "W": 1, "A": 1},
        ),
    ],
)
def test_second_stage_entries_to_the_bit(
    cpu: Platform,
    frames: FrameAllocator,
    options: dict[str, Any],
    rights: dict[str, Any],
    leaf: dict[str, int],
    pointer: dict[str, int],
) -> None:
    table = SecondStageTable(cpu, frames, 5, **options)
    table.map(0, 0x5000, PAGE_4K, **rights)
    table.map(PAGE_2M, PAGE_2M, PAGE_2M, **rights)
    table.map(PAGE_1G, PAGE_1G, PAGE_1G, **rights)
    assert entry(table, 0, 1) == SsPte.pack(ADDR_address=0x5000, **leaf)
    assert entry(table, PAGE_2M, 2) == SsPde2M.pack(ADDR_address=PAGE_2M, PS=1, **leaf)
    assert entry(table, PAGE_1G, 3) == SsPdpe1G.pack(ADDR_address=PAGE_1G, PS=1, **leaf)
    for level, layout in ((5, SsPml5e), (4, SsPml4e), (3, SsPdpeTable), (2, SsPdeTable)):
        value = entry(table, 0, level)
        assert value == layout.pack(ADDR=layout(value).ADDR, **pointer)


@pytest.mark.parametrize(
    ("preset", "fields", "leaf", "pointer"),
    [
        (False, {}, {"RW": 1, "US": 1}, {}),
        (False, {"write": False}, {"US": 1}, {}),
        (False, {"US": 0, "PCD": 1}, {"RW": 1, "PCD": 1}, {}),
        (True, {}, {"RW": 1, "US": 1, "A": 1, "EA": 1, "D": 1}, {"A": 1, "EA": 1}),
        (True, {"write": False}, {"US": 1, "A": 1, "EA": 1}, {"A": 1, "EA": 1}),
    ],
)
def test_first_stage_entries_to_the_bit(
    cpu: Platform,
    frames: FrameAllocator,
    preset: bool,
    fields: dict[str, Any],
    leaf: dict[str, int],
    pointer: dict[str, int],
) -> None:
    table = FirstStageTable(cpu, frames, 5, preset_accessed=preset)
    table.map(0, 0x5000, PAGE_4K, **fields)
    table.map(PAGE_2M, PAGE_2M, PAGE_2M, **fields)
    table.map(PAGE_1G, PAGE_1G, PAGE_1G, **fields)
    assert entry(table, 0, 1) == FsPte.pack(P=1, ADDR_address=0x5000, **leaf)
    assert entry(table, PAGE_2M, 2) == FsPde2M.pack(P=1, PS=1, ADDR_address=PAGE_2M, **leaf)
    assert entry(table, PAGE_1G, 3) == FsPdpe1G.pack(P=1, PS=1, ADDR_address=PAGE_1G, **leaf)
    for level, layout in ((5, FsPml5e), (4, FsPml4e), (3, FsPdpeTable), (2, FsPdeTable)):
        value = entry(table, 0, level)
        address = layout(value).ADDR
        assert value == layout.pack(P=1, RW=1, US=1, ADDR=address, **pointer)


def test_leaf_fields_reach_every_leaf(cpu: Platform, frames: FrameAllocator) -> None:
    table = SecondStageTable(cpu, frames)
    table.map(0, 0, PAGE_2M + PAGE_4K, SNP=1, EMT=6, IPAT=1)
    large, small = SsPde2M(entry(table, 0, 2)), SsPte(entry(table, PAGE_2M, 1))
    assert (large.SNP, large.EMT, large.IPAT) == (1, 6, 1)
    assert (small.SNP, small.EMT, small.IPAT) == (1, 6, 1)


def test_many_small_pages_are_one_write(frames: FrameAllocator) -> None:
    class CountingCpu:
        def __init__(self) -> None:
            self.platform = Platform(ram_size=16 << 20)
            self.sizes: list[int] = []

        def read(self, address: int, size: int) -> bytes:
            return self.platform.read(address, size)

        def write(self, address: int, data: bytes) -> None:
            self.sizes.append(len(data))
            self.platform.write(address, data)

    cpu = CountingCpu()
    table = SecondStageTable(cpu, frames, 3)
    cpu.sizes.clear()
    table.map(0, PAGE_2M, PAGE_2M, page_size=PAGE_4K)
    assert cpu.sizes == [4096, 8, 4096, 8, 4096]  # two new tables, linked, and all leaves at once


ranges = st.lists(
    st.tuples(st.integers(0, 1100), st.integers(1, 600), st.booleans()), min_size=1, max_size=8
)


@settings(max_examples=60)
@given(ranges, st.sampled_from(STAGES))
def test_any_sequence_of_maps_and_unmaps_equals_a_dictionary(
    steps: list[tuple[int, int, bool]],
    stage: tuple[type[SecondStageTable | FirstStageTable], int],
) -> None:
    frames = FrameAllocator(TABLES, TABLE_BYTES)
    table = stage[0](Platform(ram_size=16 << 20), frames, stage[1])
    model: dict[int, int] = {}
    base = 0x7F_BFF0_0000  # across a border of tables of two levels
    for first, count, add in steps:
        iova, pages = base + first * PAGE_4K, range(first, first + count)
        if add and not any(page in model for page in pages):
            table.map(iova, 0x100_0000 + first * PAGE_4K, count * PAGE_4K, page_size=PAGE_4K)
            model |= {page: 0x100_0000 + page * PAGE_4K for page in pages}
        elif not add:
            table.free(table.unmap(iova, count * PAGE_4K))
            for page in pages:
                model.pop(page, None)
        found = {(page.iova - base) // PAGE_4K: page.address for page in table.pages()}
        assert found == model
        assert frames.used == len(table.tables)
    table.free(table.unmap(base, 2048 * PAGE_4K))
    assert table.tables == {table.root}


def test_unmapping_unlinks_the_tables_that_become_empty(
    cpu: Platform, frames: FrameAllocator
) -> None:
    table = SecondStageTable(cpu, frames)
    linked = table.map(IOVA, 0, 2 * PAGE_4K)
    assert linked.pointers_changed
    assert not table.map(IOVA + 2 * PAGE_4K, 0, PAGE_4K).pointers_changed
    assert not table.unmap(IOVA, PAGE_4K).pointers_changed
    change = table.unmap(IOVA, 3 * PAGE_4K)
    assert change.pointers_changed
    assert len(change.unlinked) == 3
    assert frames.used == 4  # not before the unit was told
    table.free(change)
    assert frames.used == 1


def test_protecting_changes_rights_and_nothing_else(cpu: Platform, frames: FrameAllocator) -> None:
    table = SecondStageTable(cpu, frames)
    table.map(0, PAGE_1G, PAGE_2M + 2 * PAGE_4K, SNP=1)
    table.protect(0, PAGE_2M + PAGE_4K, write=False)
    assert SsPde2M(entry(table, 0, 2)) == SsPde2M(
        SsPde2M.pack(R=1, SNP=1, PS=1, ADDR_address=PAGE_1G)
    )
    assert (SsPte(entry(table, PAGE_2M, 1)).W, SsPte(entry(table, PAGE_2M + 4096, 1)).W) == (0, 1)


@pytest.mark.parametrize("size", [PAGE_4K, PAGE_2M, PAGE_1G])
def test_a_page_that_becomes_writable_is_preset_as_dirty(
    cpu: Platform, frames: FrameAllocator, size: int
) -> None:
    first = FirstStageTable(cpu, frames, preset_accessed=True)
    second = SecondStageTable(cpu, frames, preset_accessed=True)
    level = leaf_level(size)
    for table in (first, second):
        leaf = table.LEAVES[level]
        table.map(0, PAGE_1G, size, write=False)
        assert not entry(table, 0, level) & leaf.mask("D")
        table.protect(0, size)
        assert entry(table, 0, level) & leaf.mask("D")
        table.protect(0, size, write=False)
        assert entry(table, 0, level) & leaf.mask("D")


def test_a_page_is_not_cut_in_two(cpu: Platform, frames: FrameAllocator) -> None:
    table = SecondStageTable(cpu, frames)
    table.map(PAGE_2M, PAGE_2M, PAGE_2M)
    with pytest.raises(ValueError, match="cuts the 0x200000-byte page at 0x200000 in two"):
        table.unmap(PAGE_2M, PAGE_4K)
    with pytest.raises(ValueError, match="cuts the 0x200000-byte page"):
        table.protect(2 * PAGE_2M - PAGE_4K, PAGE_2M, write=False)
    assert table.lookup(PAGE_2M) is not None


def test_what_is_mapped_is_not_mapped_again(cpu: Platform, frames: FrameAllocator) -> None:
    table = SecondStageTable(cpu, frames)
    table.map(PAGE_2M, PAGE_1G, PAGE_2M)
    before = list(table.pages())
    with pytest.raises(ValueError, match="0x200000 is mapped already, to 0x40000000"):
        table.map(0, 0, 2 * PAGE_2M, page_size=PAGE_4K)
    assert list(table.pages()) == before


@pytest.mark.parametrize(
    ("iova", "size", "message"),
    [
        (0x10, PAGE_4K, "whole 4-KiB pages"),
        (0, 0, "whole 4-KiB pages"),
        (0, 100, "whole 4-KiB pages"),
        (1 << 48, PAGE_4K, "0x1000000000000 is not within 0 to 0xffffffffffff"),
        ((1 << 48) - PAGE_4K, 2 * PAGE_4K, "is not within 0 to 0xffffffffffff"),
    ],
)
def test_ranges_that_a_tree_has_not_are_refused(
    cpu: Platform, frames: FrameAllocator, iova: int, size: int, message: str
) -> None:
    table = SecondStageTable(cpu, frames, 4)
    for action in (table.unmap, lambda iova, size: table.map(iova, 0, size)):
        with pytest.raises(ValueError, match=message):
            action(iova, size)


def test_the_errors_of_options_name_what_is_allowed(cpu: Platform, frames: FrameAllocator) -> None:
    with pytest.raises(ValueError, match=r"0x2 levels are none of \(3, 4, 5\)"):
        SecondStageTable(cpu, frames, 2)
    with pytest.raises(ValueError, match=r"0x3 levels are none of \(4, 5\)"):
        FirstStageTable(cpu, frames, 3)
    with pytest.raises(ValueError, match="page size 0x2000 is none of"):
        SecondStageTable(cpu, frames, page_sizes=(0x2000,))
    table = SecondStageTable(cpu, frames, page_sizes=(PAGE_4K,))
    with pytest.raises(ValueError, match="page size 0x200000 is none of 0x1000"):
        table.map(0, 0, PAGE_2M, page_size=PAGE_2M)
    with pytest.raises(TypeError, match="SS_PTE has no field 'XD'"):
        table.map(0, 0, PAGE_4K, XD=1)
    with pytest.raises(ValueError, match="without any right"):
        table.map(0, 0, PAGE_4K, read=False, write=False)
    with pytest.raises(ValueError, match="can always be read"):
        FirstStageTable(cpu, frames).map(0, 0, PAGE_4K, read=False)


def test_first_stage_addresses_are_canonical(cpu: Platform, frames: FrameAllocator) -> None:
    table = FirstStageTable(cpu, frames, 4)
    top = (1 << 64) - PAGE_4K
    table.map(top, 0x5000, PAGE_4K)
    table.map(0, 0x6000, PAGE_4K)
    assert [page.iova for page in table.pages()] == [0, top]
    assert table.lookup((1 << 64) - 1) == list(table.pages())[1]
    with pytest.raises(ValueError, match="0x800000000000 is not canonical"):
        table.map(1 << 47, 0, PAGE_4K)
    with pytest.raises(ValueError, match="is not canonical"):
        table.map((1 << 47) - PAGE_4K, 0, 2 * PAGE_4K)


def test_any_bits_can_be_any_entry(cpu: Platform, frames: FrameAllocator) -> None:
    table = SecondStageTable(cpu, frames, 4)
    for level in (1, 2, 3, 4):
        table.write_entry(IOVA, level, 0xFFFF_FFFF_FFFF_FFF0 | level << 2)
        address = table.entry_address(IOVA, level)
        assert address is not None
        assert cpu.read(address, 8) == (0xFFFF_FFFF_FFFF_FFF0 | level << 2).to_bytes(8, "little")
        table.write_entry(IOVA, level, 0)
    assert table.read_entry(IOVA + PAGE_1G, 1) is None
    with pytest.raises(ValueError, match="level 0x5 is not within 1 to 4"):
        table.read_entry(IOVA, 5)
    with pytest.raises(ValueError, match="does not fit the 64 bits"):
        table.write_entry(IOVA, 1, 1 << 64)


def test_a_table_brought_in_by_a_raw_entry_is_not_given_back(
    cpu: Platform, frames: FrameAllocator
) -> None:
    table = SecondStageTable(cpu, frames, 3)
    foreign = 0x80_0000
    table.write_entry(0, 3, SsPdpeTable.pack(R=1, W=1, ADDR_address=foreign))
    change = table.unmap(0, PAGE_1G)
    assert change.unlinked == ()
    assert table.read_entry(0, 3) == 0


def test_guest_memory_lies_where_the_second_stage_puts_it(
    cpu: Platform, frames: FrameAllocator
) -> None:
    second = SecondStageTable(cpu, frames)
    second.map(0x1000, 0x80_3000, PAGE_4K)
    second.map(0x2000, 0x80_1000, PAGE_4K)
    guest = GuestMemory(cpu, second)
    guest.write(0x1FFE, b"abcd")
    assert cpu.read(0x80_3FFE, 2) + cpu.read(0x80_1000, 2) == b"abcd"
    assert guest.read(0x1FFE, 4) == b"abcd"
    with pytest.raises(ValueError, match="guest-physical 0x3000 is not mapped"):
        guest.read(0x2FFF, 2)


def test_a_nested_first_stage_is_built_in_guest_memory(
    cpu: Platform, frames: FrameAllocator
) -> None:
    second = SecondStageTable(cpu, frames)
    second.map(0, 0x100_0000, 16 << 20)
    guest = GuestMemory(cpu, second)
    first = FirstStageTable(guest, FrameAllocator(0x1000, 0x10_0000))
    first.map(IOVA, 0x5000, PAGE_4K)
    assert first.root == 0x1000
    top = first.entry_address(IOVA, 4)
    assert top is not None
    assert FsPml4e(int.from_bytes(cpu.read(0x100_0000 + top, 8), "little")).P
    page = first.lookup(IOVA)
    assert page is not None
    assert page.address == 0x5000
