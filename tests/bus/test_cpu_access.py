"""What a CPU meets on the bus: RAM, registers, or nothing."""

from __future__ import annotations

import pytest

from vtd_plugin.bus import Event, Platform, UnclaimedAccess
from vtd_plugin.bus.testing import FakeRegisters, FakeUnit

BASE = 0xF000_0000


@pytest.fixture
def registers(platform: Platform) -> FakeRegisters:
    target = FakeRegisters()
    platform.add_mmio(BASE, 4096, target)
    return target


@pytest.mark.parametrize(
    ("offset", "size", "pieces"),
    [
        (0, 8, [(0, 8)]),
        (4, 4, [(4, 4)]),
        (4, 8, [(4, 4), (8, 4)]),
        (0, 16, [(0, 8), (8, 8)]),
        (1, 7, [(1, 1), (2, 2), (4, 4)]),
        (3, 2, [(3, 1), (4, 1)]),
        (0, 0, []),
    ],
)
def test_register_accesses_are_naturally_aligned_and_as_large_as_can_be(
    platform: Platform,
    registers: FakeRegisters,
    offset: int,
    size: int,
    pieces: list[tuple[int, int]],
) -> None:
    platform.read(BASE + offset, size)
    platform.write(BASE + offset, bytes(size))
    reads = [("read", *piece) for piece in pieces]
    assert registers.accesses == reads + [("write", *piece) for piece in pieces]


def test_register_bytes_keep_their_places(platform: Platform, registers: FakeRegisters) -> None:
    platform.write(BASE + 1, bytes(range(1, 20)))
    assert registers.content[:21] == bytes(range(20)) + b"\x00"
    assert platform.read(BASE, 20) == bytes(range(20))


def test_an_access_over_ram_registers_and_nothing_is_cut_at_the_borders(
    platform: Platform,
) -> None:
    platform.add_ram(BASE - 4, bytearray(b"RAM!"))
    target = FakeRegisters(8)
    platform.add_mmio(BASE, 8, target)
    platform.write(BASE - 6, bytes(range(16)))
    assert platform.memory.read(BASE - 4, 4) == bytes([2, 3, 4, 5])
    assert target.content == bytes([6, 7, 8, 9, 10, 11, 12, 13])
    assert platform.read(BASE - 6, 16) == b"\xff\xff" + bytes(range(2, 14)) + b"\xff\xff"


def test_nothing_reads_as_ones_and_swallows_writes(platform: Platform) -> None:
    events: list[Event] = []
    platform.add_observer(events.append)
    platform.write(0xA000_0000, b"gone")
    assert platform.read(0xA000_0000, 4) == b"\xff\xff\xff\xff"
    assert events == [
        UnclaimedAccess(None, 0xA000_0000, 4, write=True),
        UnclaimedAccess(None, 0xA000_0000, 4, write=False),
    ]


def test_unit_registers_are_behind_the_address_given(platform: Platform) -> None:
    unit = platform.add_unit(FakeUnit(), base=0xFED9_1000)
    platform.write(0xFED9_1008, (0x1122_3344).to_bytes(4, "little"))
    assert unit.read_register(8, 4) == 0x1122_3344
    assert platform.read(0xFED9_100A, 2) == b"\x22\x11"


@pytest.mark.parametrize(("base", "size"), [(BASE + 4095, 1), (BASE - 1, 2), (0, 1), (0, 1 << 33)])
def test_registers_overlap_nothing(
    platform: Platform, registers: FakeRegisters, base: int, size: int
) -> None:
    with pytest.raises(ValueError, match="overlaps what is already at"):
        platform.add_mmio(base, size, FakeRegisters())


def test_ram_does_not_overlap_registers(platform: Platform, registers: FakeRegisters) -> None:
    with pytest.raises(ValueError, match="overlaps what is already at 0xf0000000"):
        platform.add_ram(BASE - 8, bytearray(16))


@pytest.mark.parametrize(("base", "size"), [(-4096, 4096), (1 << 64, 4096), (BASE, 0)])
def test_registers_lie_within_the_address_space(platform: Platform, base: int, size: int) -> None:
    with pytest.raises(ValueError, match="empty or not within 64 bits"):
        platform.add_mmio(base, size, FakeRegisters())


@pytest.mark.parametrize(("address", "size"), [(-1, 1), (0, -1), ((1 << 64) - 1, 2)])
def test_accesses_outside_the_address_space_are_the_callers_mistake(
    platform: Platform, address: int, size: int
) -> None:
    with pytest.raises(ValueError, match="not within 64 bits of address"):
        platform.read(address, size)


def test_a_target_that_answers_too_much_is_named(platform: Platform) -> None:
    class Overflowing(FakeRegisters):
        def read(self, offset: int, size: int) -> int:
            return 1 << 8 * size

        def __repr__(self) -> str:
            return "the overflowing target"

    platform.add_mmio(BASE, 16, Overflowing())
    with pytest.raises(ValueError, match=r"the overflowing target read 0x10000 at offset 0x2"):
        platform.read(BASE + 2, 2)
