"""Physical memory over buffers of every kind."""

from __future__ import annotations

import mmap
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
import pytest
from cocotbext.axi.sparse_memory import SparseMemory
from hypothesis import given, settings
from hypothesis import strategies as st

from vtd_plugin.bus import Memory, Platform, Region


def two_adjoining_regions() -> Memory:
    memory = Memory()
    memory.add(0x2000, bytearray(range(16)))
    memory.add(0x1FF0, bytearray(range(16, 32)))
    return memory


@pytest.mark.parametrize(
    "buffer",
    [
        bytearray(64),
        mmap.mmap(-1, 64),
        np.zeros((4, 2), dtype=np.uint64),
        memoryview(bytearray(64)),
    ],
    ids=lambda buffer: type(buffer).__name__,
)
def test_writes_reach_the_buffer_itself(buffer: bytearray) -> None:
    memory = Memory()
    memory.add(0x1000, buffer)
    assert memory.write(0x1008, b"\x11\x22\x33")
    assert bytes(memoryview(buffer).cast("B")[8:12]) == b"\x11\x22\x33\x00"


def test_shared_memory_can_be_closed_after_memory_lets_go() -> None:
    shared = SharedMemory(create=True, size=4096)
    try:
        memory = Memory()
        assert shared.buf is not None
        memory.add(0, shared.buf)
        memory.write_u64(8, 0x1234)
        assert bytes(shared.buf[8:10]) == b"\x34\x12"
        memory.close()
        assert memory.read(8, 1) is None
        shared.close()
    finally:
        shared.unlink()


def test_regions_are_listed_by_address() -> None:
    assert two_adjoining_regions().regions == (Region(0x1FF0, 16), Region(0x2000, 16))


@pytest.mark.parametrize(
    ("base", "size"), [(0x1000, 1), (0x0FFF, 2), (0x10FF, 16), (0, 0x10000)], ids=hex
)
def test_overlapping_ram_is_refused(base: int, size: int) -> None:
    memory = Memory()
    memory.add(0x1000, bytearray(0x100))
    with pytest.raises(ValueError, match="overlaps the region from 0x1000 to 0x10ff"):
        memory.add(base, bytearray(size))


@pytest.mark.parametrize(
    ("buffer", "reason"),
    [
        (b"constant", "read-only bytes"),
        (bytearray(), "empty bytearray"),
        (np.zeros(8, dtype=np.uint8)[::2], "with gaps"),
    ],
)
def test_useless_buffers_are_refused(buffer: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Memory().add(0, buffer)


@pytest.mark.parametrize("no_buffer", [SparseMemory(1 << 20), [0, 0], 4096])
def test_what_is_no_buffer_is_refused_with_what_would_be_one(no_buffer: Any) -> None:
    name = type(no_buffer).__name__
    expected = rf"RAM over a {name}: .* buffer, .*attach gives an AxiRam the RAM"
    with pytest.raises(TypeError, match=expected):
        Platform(ram=no_buffer, load_entry_points=False)
    with pytest.raises(TypeError, match=expected):
        Platform(load_entry_points=False).add_ram(1 << 32, no_buffer)


@pytest.mark.parametrize("base", [-1, (1 << 64) - 7])
def test_ram_outside_the_address_space_is_refused(base: int) -> None:
    with pytest.raises(ValueError, match="not within 64 bits"):
        Memory().add(base, bytearray(8))


def test_ram_may_end_at_the_top_of_the_address_space() -> None:
    memory = Memory()
    memory.add((1 << 64) - 8, bytearray(8))
    assert memory.write_u64((1 << 64) - 8, 0x0102030405060708)
    assert memory.read((1 << 64) - 1, 1) == b"\x01"
    assert memory.read((1 << 64) - 1, 2) is None


def test_accesses_run_on_into_an_adjoining_region() -> None:
    memory = two_adjoining_regions()
    assert memory.read(0x1FFE, 4) == bytes([30, 31, 0, 1])
    assert memory.read_u32(0x1FFE) == 0x01001F1E
    assert memory.write(0x1FFE, b"\xaa\xbb\xcc\xdd")
    assert memory.read(0x1FFD, 6) == b"\x1d\xaa\xbb\xcc\xdd\x02"


@pytest.mark.parametrize("address", [0x1FEF, 0x200D, 0x3000, 0])
def test_nothing_is_written_unless_all_of_it_is_ram(address: int) -> None:
    memory = two_adjoining_regions()
    before = memory.read(0x1FF0, 32)
    assert memory.read(address, 4) is None
    assert memory.read_u32(address) is None
    assert not memory.covers(address, 4)
    assert not memory.write(address, b"\xff\xff\xff\xff")
    assert memory.read(0x1FF0, 32) == before


@pytest.mark.parametrize("address", [0x0FFC, 0x1FFC, 0xFFFFFFFFFFFFFFFC])
def test_u64_over_the_border_of_ram_is_none_whatever_was_read_before(address: int) -> None:
    memory = Memory()
    memory.add(0x1000, bytearray(0x1000))
    assert memory.read_u64(0x1000) == 0
    assert memory.read_u64(address) is None
    assert not memory.write_u64(address, 1)


@settings(derandomize=True)
@given(st.integers(0, 0x1F8), st.integers(0, (1 << 64) - 1))
def test_numbers_are_little_endian_at_any_alignment(offset: int, value: int) -> None:
    memory = Memory()
    memory.add(0x4000, bytearray(0x200))
    assert memory.write_u64(0x4000 + offset, value)
    assert memory.read(0x4000 + offset, 8) == value.to_bytes(8, "little")
    assert memory.read_u64(0x4000 + offset) == value
    assert memory.read_u32(0x4000 + offset) == value & 0xFFFF_FFFF
    assert memory.read_int(0x4000 + offset, 2) == value & 0xFFFF


def test_u32_writes_four_bytes() -> None:
    memory = Memory()
    memory.add(0, bytearray(b"\xff" * 8))
    assert memory.write_u32(2, 0x01020304)
    assert memory.read(0, 8) == b"\xff\xff\x04\x03\x02\x01\xff\xff"


def test_compare_exchange_writes_only_what_the_caller_saw() -> None:
    memory = Memory()
    memory.add(0, bytearray(16))
    memory.write_u64(8, 5)
    assert memory.compare_exchange_u64(8, 4, 7) is False
    assert memory.read_u64(8) == 5
    assert memory.compare_exchange_u64(8, 5, 7) is True
    assert memory.read_u64(8) == 7
    assert memory.compare_exchange_u64(16, 0, 1) is None


def test_a_view_writes_through_and_stays_in_one_region() -> None:
    memory = two_adjoining_regions()
    view = memory.view(0x2000, 4)
    assert view is not None
    view[0] = 0x77
    assert memory.read(0x2000, 2) == b"\x77\x01"
    assert memory.view(0x1FFE, 4) is None
    assert memory.view(0x3000, 1) is None


def test_a_negative_size_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="-1 bytes"):
        two_adjoining_regions().read(0x2000, -1)


def test_a_tebibyte_of_ram_costs_nothing_until_written() -> None:
    platform = Platform(1 << 40, load_entry_points=False)
    assert platform.memory.regions == (Region(0, 1 << 40),)
    platform.write((1 << 40) - 4, b"last")
    assert platform.memory.read((1 << 40) - 8, 8) == bytes(4) + b"last"


def test_ram_can_be_given() -> None:
    buffer = bytearray(4096)
    Platform(ram=buffer, load_entry_points=False).write(4, b"given")
    assert buffer[4:9] == b"given"


@pytest.mark.parametrize("size", [-1, -4096])
def test_ram_of_negative_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Platform(size, load_entry_points=False)


@pytest.mark.parametrize("size", [bytearray(16), "64M", 1.5])
def test_a_size_of_ram_that_is_no_number_is_refused(size: Any) -> None:
    expected = f"a {type(size).__name__} as the size of RAM: .* given as ram=buffer"
    with pytest.raises(TypeError, match=expected):
        Platform(size, load_entry_points=False)
