"""Registers behind AXI4, over bare wires."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import cocotb
from cocotb.triggers import ClockCycles
from cocotb.types import LogicArray
from cocotbext.axi import AxiBus, AxiMaster

from hdl_bridge.axi import attach_registers
from hdl_bridge.bursts import Burst, BurstType, Response
from testbenches.master import pause_all, random_pauses
from tests.hdl_bridge.axi_bench import random_burst, start
from tests.hdl_bridge.raw_master import RawMaster
from tests.hdl_bridge.registers import Registers

if TYPE_CHECKING:
    from collections.abc import Iterator

OKAY, _, SLVERR, _ = Response
BASE = 0x8000
Access: TypeAlias = tuple[str, int, int]


class Bench:
    def __init__(self, dut: Any, size: int = 256, base: int = BASE) -> None:
        self.rng = random.Random(random.getrandbits(32))
        self.registers = Registers(size)
        bus = AxiBus.from_prefix(dut, "axi")
        self.slave = attach_registers(bus, dut.clk, self.registers, dut.rst, base=base)
        self.master = RawMaster(bus, dut)

    def accesses(self) -> list[Access]:
        """What was accessed since it was last asked."""
        accesses, self.registers.accesses = self.registers.accesses, []
        return accesses


def cut(kind: str, offset: int, size: int) -> Iterator[Access]:
    """The largest aligned accesses that make up a run of bytes."""
    while size:
        length = next(each for each in (8, 4, 2, 1) if each <= size and not offset % each)
        yield kind, offset, length
        offset, size = offset + length, size - length


def runs(offsets: list[int]) -> Iterator[tuple[int, int]]:
    """The runs of bytes in rising offsets: (first, length)."""
    for first in offsets:
        if first - 1 not in offsets:
            yield first, next(length for length in range(1, 99) if first + length not in offsets)


@cocotb.test
@cocotb.parametrize(base=[BASE, 0xFEE0_0000])
async def each_beat_that_is_read_is_an_access_of_its_own(dut: Any, base: int) -> None:
    await start(dut)
    bench = Bench(dut, 0x4000, base)
    pause_all(bench.slave, bench.rng, 0.2)
    width = bench.master.bus_bytes
    for _ in range(30):
        burst = random_burst(bench.rng, width)
        words, responses = await bench.master.read(replace(burst, address=base + burst.address))
        assert set(responses) == {OKAY}
        wanted: list[Access] = []
        for word, (first, stop) in zip(words, burst.spans(), strict=True):
            lanes = word.to_bytes(width, "little")[first % width :]
            assert lanes[: stop - first] == bench.registers.content[first:stop]
            wanted += cut("read", first, stop - first)
        assert bench.accesses() == wanted


@cocotb.test
@cocotb.parametrize(base=[BASE, 0xFEE0_0000])
async def each_run_of_strobes_is_an_access_of_its_own(dut: Any, base: int) -> None:
    await start(dut)
    bench = Bench(dut, 0x4000, base)
    pause_all(bench.slave, bench.rng, 0.2)
    width, content = bench.master.bus_bytes, bytearray(bench.registers.content)
    for _ in range(30):
        burst = random_burst(bench.rng, width)
        words, strobes = [], []
        wanted: list[Access] = []
        for all_lanes, (first, stop) in zip(
            bench.master.all_strobes(burst), burst.spans(), strict=True
        ):
            data = bench.rng.randbytes(width)
            strobe = all_lanes & bench.rng.choice((all_lanes, bench.rng.getrandbits(width)))
            written = [offset for offset in range(first, stop) if strobe >> offset % width & 1]
            for offset in written:
                content[offset] = data[offset % width]
            for run in runs(written):
                wanted += cut("write", *run)
            words.append(int.from_bytes(data, "little"))
            strobes.append(strobe)
        burst = replace(burst, address=base + burst.address)
        assert await bench.master.write(burst, words, strobes) == OKAY
        assert bench.accesses() == wanted
        assert bench.registers.content == content


@cocotb.test
async def a_narrow_read_touches_no_other_register(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    for burst, accesses in (
        (Burst(BASE + 0x14, 1, 4), [(0x14, 4)]),
        (Burst(BASE + 0x21, 1, 1), [(0x21, 1)]),
        (Burst(BASE + 0x32, 1, 4), [(0x32, 2)]),
        (Burst(BASE + 0x40, 3, 2), [(0x40, 2), (0x42, 2), (0x44, 2)]),
        (Burst(BASE + 0x44, 2, 4), [(0x44, 4), (0x48, 4)]),
        (Burst(BASE + 0x54, 2, 4, BurstType.WRAP), [(0x54, 4), (0x50, 4)]),
        (Burst(BASE + 0x60, 3, 4, BurstType.FIXED), [(0x60, 4)] * 3),
    ):
        _, responses = await bench.master.read(burst)
        assert set(responses) == {OKAY}
        assert bench.accesses() == [("read", *access) for access in accesses]


@cocotb.test
async def a_beat_outside_the_registers_is_an_error(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    master = bench.master
    burst = Burst(BASE + 0xF8, 4, 4)
    words, responses = await master.read(burst)
    assert responses == [OKAY, OKAY, SLVERR, SLVERR]
    assert words[2:] == [0, 0]
    assert bench.accesses() == [("read", 0xF8, 4), ("read", 0xFC, 4)]
    strobes = master.all_strobes(burst)
    assert await master.write(burst, [0] * 4, strobes) == SLVERR
    assert bench.accesses() == [("write", 0xF8, 4), ("write", 0xFC, 4)]
    assert await master.write(burst, [0] * 4, [*strobes[:2], 0, 0]) == OKAY
    bench.accesses()
    for address in (BASE - 4, BASE + 0x100):
        assert await master.write(Burst(address, 1, 4), [0], [0xF]) in (OKAY, SLVERR)
        assert (await master.read(Burst(address, 1, 4)))[1] == [SLVERR]
    assert bench.accesses() == []


@cocotb.test
async def a_stock_master_finds_what_it_wrote(dut: Any) -> None:
    await start(dut)
    registers, rng = Registers(0x1000), random.Random(random.getrandbits(32))
    bus = AxiBus.from_prefix(dut, "axi")
    slave = attach_registers(bus, dut.clk, registers, dut.rst, base=BASE)
    pause_all(slave, rng, 0.2)
    master = AxiMaster(bus, dut.clk, dut.rst)
    for channel in (master.write_if.b_channel, master.read_if.r_channel):
        channel.set_pause_generator(random_pauses(random.Random(rng.random()), 0.2))
    for _ in range(20):
        offset = rng.randrange(0x1000)
        data = rng.randbytes(rng.randint(1, min(100, 0x1000 - offset)))
        size = rng.randrange((len(dut.axi_wdata) // 8).bit_length())
        assert (await master.write(BASE + offset, data, size=size)).resp == OKAY
        assert registers.content[offset : offset + len(data)] == data
        registers.accesses.clear()
        assert (await master.read(BASE + offset, len(data), size=size)).data == data
        assert max(length for _, _, length in registers.accesses) <= 1 << size


@cocotb.test
async def what_is_not_written_may_be_unknown(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    width = 8 * bench.master.bus_bytes
    word: Any = LogicArray("X" * (width - 16) + "1010010100001111")
    assert await bench.master.write(Burst(BASE, 1, 4), [word], [0b11]) == OKAY
    assert bench.registers.content[:4] == bytes([0x0F, 0xA5, 2, 3])


@cocotb.test
async def a_reset_drops_the_burst_there_is(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    master = bench.master
    bench.slave.write_if.b_channel.pause = True
    master.r.pause = True
    await master.send_read(Burst(BASE, 4, 4))
    await master.send_write(Burst(BASE + 0x10, 2, 4), [0, 0], [0, 0])
    await ClockCycles(dut.clk, 10)
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    bench.slave.write_if.b_channel.pause = False
    master.r.pause = False
    await ClockCycles(dut.clk, 10)
    assert master.b.empty()
    assert master.r.empty()
    bench.accesses()
    assert (await master.read(Burst(BASE + 0x20, 1, 4)))[1] == [OKAY]
    assert bench.accesses() == [("read", 0x20, 4)]
