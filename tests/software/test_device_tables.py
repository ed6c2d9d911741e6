"""Root, context and PASID tables: where entries lie, and in which order they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vtd_plugin.encodings.structures import (
    ContextEntry,
    PasidDirectoryEntry,
    PasidTableEntry,
    RootEntry,
    ScalableContextEntry,
    ScalableRootEntry,
)
from vtd_plugin.software import LegacyRootTable, PasidTables, ScalableRootTable
from vtd_plugin.software.cpu import write_entry

if TYPE_CHECKING:
    from vtd_plugin import Platform
    from vtd_plugin.software import FrameAllocator


class RecordingCpu:
    """Memory that writes down where it is written."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, int]] = []

    def read(self, _address: int, size: int) -> bytes:
        return bytes(size)

    def write(self, address: int, data: bytes) -> None:
        self.writes.append((address, len(data)))


def test_a_legacy_context_entry_lies_at_its_bus_and_function(
    cpu: Platform, frames: FrameAllocator
) -> None:
    table = LegacyRootTable(cpu, frames)
    assert table.context_entry_address("02:03.4") is None
    table.write_context_entry("02:03.4", ContextEntry.pack(P=1, DID=7))
    root = RootEntry.from_bytes(cpu.read(table.address + 2 * 16, 16))
    assert root == RootEntry(RootEntry.pack(P=1, CTP_address=root.CTP_address))
    assert table.context_entry_address(0x021C) == root.CTP_address + 0x1C * 16
    assert table.read_context_entry("02:03.4").DID == 7
    assert table.read_context_entry("03:00.0") == ContextEntry(0)
    assert frames.used == 2


@pytest.mark.parametrize(
    ("source_id", "half", "index"),
    [("05:00.0", "L", 0), ("05:0f.7", "L", 127), ("05:10.0", "U", 0), ("05:1f.7", "U", 127)],
)
def test_a_scalable_context_entry_lies_in_the_half_of_its_device(
    cpu: Platform, frames: FrameAllocator, source_id: str, half: str, index: int
) -> None:
    table = ScalableRootTable(cpu, frames)
    table.write_context_entry(source_id, ScalableContextEntry.pack(P=1, PDTS=3))
    root = ScalableRootEntry.from_bytes(cpu.read(table.address + 5 * 16, 16))
    pointer = root.address_of(f"{half}CTP")
    assert root == ScalableRootEntry(
        ScalableRootEntry.pack(**{f"{half}P": 1, f"{half}CTP_address": pointer})
    )
    assert table.context_entry_address(source_id) == pointer + index * 32
    assert table.read_context_entry(source_id).PDTS == 3


def test_both_halves_of_a_scalable_bus_live_side_by_side(
    cpu: Platform, frames: FrameAllocator
) -> None:
    table = ScalableRootTable(cpu, frames)
    table.write_context_entry("00:04.0", ScalableContextEntry.pack(P=1, PDTS=1))
    table.write_context_entry("00:14.0", ScalableContextEntry.pack(P=1, PDTS=2))
    assert table.read_context_entry("00:04.0").PDTS == 1
    assert table.read_context_entry("00:14.0").PDTS == 2


def test_any_bits_can_be_a_root_entry(cpu: Platform, frames: FrameAllocator) -> None:
    table = LegacyRootTable(cpu, frames)
    table.write_root_entry(0xFF, (1 << 128) - 1)
    assert cpu.read(table.address + 4096 - 16, 16) == b"\xff" * 16
    with pytest.raises(ValueError, match="does not fit 128 bits of root_entry"):
        table.write_root_entry(0, 1 << 128)


@pytest.mark.parametrize(("pdts", "limit"), [(0, 1 << 13), (1, 1 << 14), (7, 1 << 20)])
def test_a_directory_covers_the_pasids_that_its_size_says(
    cpu: Platform, frames: FrameAllocator, pdts: int, limit: int
) -> None:
    tables = PasidTables(cpu, frames, pdts)
    assert tables.pasid_limit == limit
    tables.write_entry(limit - 1, PasidTableEntry.pack(P=1, DID=9))
    entry = PasidDirectoryEntry.from_bytes(cpu.read(tables.directory + (limit - 1) // 64 * 8, 8))
    assert tables.entry_address(limit - 1) == entry.SMPTBLPTR_address + 63 * 64
    assert tables.read_entry(limit - 1).DID == 9
    assert tables.read_entry(limit - 65) == PasidTableEntry(0)
    with pytest.raises(ValueError, match=f"PASID {limit:#x} is not within 0 to {limit - 1:#x}"):
        tables.read_entry(limit)


def test_pasid_tables_are_given_back(cpu: Platform, frames: FrameAllocator) -> None:
    tables = PasidTables(cpu, frames, 3)
    for pasid in (0, 1, 64, 8191):
        tables.write_entry(pasid, PasidTableEntry.pack(P=1))
    assert frames.used == 2 + 3  # 1024 directory entries, three tables
    tables.free_all()
    assert frames.used == 0
    with pytest.raises(ValueError, match="PDTS 0x8 is not within 0 to 7"):
        PasidTables(cpu, frames, 8)


@pytest.mark.parametrize(
    ("value", "offsets"), [(PasidTableEntry.pack(P=1), [48, 32, 16, 0]), (0, [0, 16, 32, 48])]
)
def test_the_piece_with_the_present_bit_is_last_in_and_first_out(
    value: int, offsets: list[int]
) -> None:
    cpu = RecordingCpu()
    write_entry(cpu, 0x1000, PasidTableEntry, value)
    assert cpu.writes == [(0x1000 + offset, 16) for offset in offsets]


def test_a_legacy_context_entry_is_one_write() -> None:
    cpu = RecordingCpu()
    write_entry(cpu, 0x1000, ContextEntry, ContextEntry.pack(P=1, DID=1))
    assert cpu.writes == [(0x1000, 16)]
