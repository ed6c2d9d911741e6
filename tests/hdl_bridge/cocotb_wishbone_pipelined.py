"""What only a Wishbone master in pipelined mode does: several accesses under way."""

from __future__ import annotations

import itertools
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from hdl_bridge.wishbone import WishboneMemory, WishboneRegisters
from testbenches.wishbone.master import Master, bus_of, start
from tests.hdl_bridge.registers import Registers
from tests.hdl_bridge.wishbone_bench import HOST, IOVA, MAPPED, SOURCE_ID, Bench
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.bus import Mapping
from vtd_plugin.software import Driver, FrameAllocator
from vtd_plugin.software.descriptors import iotlb


@cocotb.test
async def several_are_in_flight_and_are_answered_in_order(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, latency=30)
    size = bench.master.size
    bench.platform.write(HOST, bytes(range(4 * size)))
    outcomes = [
        await bench.master.request(IOVA + size * number, bench.every) for number in range(3)
    ]
    outcomes.append(await bench.master.request(IOVA + MAPPED, bench.every))
    await ClockCycles(dut.clk, 3)
    assert [each.iova - IOVA for each in bench.port.in_flight] == [0, size, 2 * size, MAPPED]
    results = [await outcome.wait() for outcome in outcomes]
    assert [is_well for _, is_well in results] == [True, True, True, False]
    assert b"".join(word for word, _ in results[:3]) == bytes(range(3 * size))


@cocotb.test
async def each_keeps_the_translation_it_began_with(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    size = bench.master.size
    bench.memory.response_channel.pause = True
    outcomes = []
    for number in range(4):
        data = bytes([number + 1]) * size
        outcomes.append(await bench.master.request(IOVA, bench.every, data))
        await ClockCycles(dut.clk, 2)
        bench.unit.tables.clear()
        bench.unit.tables.add(Mapping(IOVA, HOST + 0x1000 * (number + 1), 0x1000))
        bench.unit.refresh()
    bench.memory.response_channel.pause = False
    assert all([(await outcome.wait())[1] for outcome in outcomes])
    for number in range(4):
        assert bench.platform.read(HOST + 0x1000 * number, 1) == bytes([number + 1])


@cocotb.test
async def no_more_are_taken_than_may_be_outstanding(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, outstanding=3)
    bench.memory.response_channel.pause = True
    outcomes = [await bench.master.request(IOVA, bench.every) for _ in range(4)]
    await ClockCycles(dut.clk, 10)
    assert len(bench.port.in_flight) == 3
    assert int(dut.wb_stall_i.value) == 1
    bench.memory.response_channel.pause = False
    assert all([(await outcome.wait())[1] for outcome in outcomes])


@cocotb.test
async def an_access_is_taken_and_answered_in_each_clock_cycle(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    answers = 0
    requests = cocotb.start_soon(_request_all(bench, 32))
    for _ in range(32 + 6):
        await RisingEdge(dut.clk)
        answers += int(dut.wb_ack_i.value)
    await requests
    assert answers == 32


async def _request_all(bench: Bench, number: int) -> None:
    for _ in range(number):
        await bench.master.request(IOVA, bench.every)


@cocotb.test
@cocotb.parametrize(signal=["rst", "give_up"])
async def all_without_answer_are_aborted(dut: Any, signal: str) -> None:
    await start(dut)
    bench = Bench(dut, latency=10)
    for _ in range(3):
        await bench.master.request(IOVA, bench.every, b"\x34" * bench.master.size)
    await ClockCycles(dut.clk, 2)
    getattr(dut, signal).value = 1
    await ClockCycles(dut.clk, 3)
    getattr(dut, signal).value = 0
    assert bench.port.in_flight == ()
    assert [each.aborted for each in bench.unit.ended] == [True] * 3
    assert bench.platform.read(HOST, 4) == bytes(4)
    assert (await bench.master.access(IOVA, bench.every, b"\x56" * bench.master.size))[1]
    assert bench.platform.read(HOST, 4) == b"\x56" * 4


@cocotb.test
async def an_invalidation_is_over_when_all_of_them_are_answered(dut: Any) -> None:
    await start(dut)
    platform = Platform(4 << 20, load_entry_points=False)
    platform.add_unit(VtdUnit())
    driver = Driver(platform, frames=FrameAllocator(0x20_0000, 0x10_0000))
    driver.enable()
    domain = driver.create_domain()
    domain.map(IOVA, HOST, MAPPED)
    driver.attach(SOURCE_ID, domain)
    memory = WishboneMemory(bus_of(dut), dut.clk, dut.rst, platform, SOURCE_ID)
    master = Master(dut)
    every = (1 << master.size) - 1

    memory.response_channel.pause = True
    data = [bytes([number]) * master.size for number in (1, 2, 3)]
    before = [await master.request(IOVA + 0x1000 * n, every, data[n]) for n in range(3)]
    await ClockCycles(dut.clk, 3)
    domain.table.unmap(IOVA, MAPPED)
    pending = driver.start_invalidation(iotlb(domain.domain_id))
    after = await master.request(IOVA, every, bytes(master.size))
    await ClockCycles(dut.clk, 10)
    memory.response_channel.set_pause_generator(itertools.cycle([True] * 9 + [False]))
    for outcome in before:
        assert not pending.done
        assert (await outcome.wait())[1]
    assert pending.done
    assert not (await after.wait())[1]
    assert [platform.read(HOST + 0x1000 * n, master.size) for n in range(3)] == data
    assert [report.address for report in driver.handle_faults()] == [IOVA]


@cocotb.test
async def registers_are_reached_in_order(dut: Any) -> None:
    await start(dut)
    registers = Registers()
    WishboneRegisters(bus_of(dut), dut.clk, dut.rst, registers, latency=5)
    master = Master(dut)
    outcomes = [
        await master.request(0x10, 0xF, b"\x11\x22\x33\x44".ljust(master.size, b"\0")),
        await master.request(0x10, 0x3),
        await master.request(0x400, 0x1),
        await master.request(0x20, 0x8),
    ]
    results = [await outcome.wait() for outcome in outcomes]
    assert [is_well for _, is_well in results] == [True, True, False, True]
    assert results[1][0][:2] == b"\x11\x22"
    assert registers.accesses == [("write", 0x10, 4), ("read", 0x10, 2), ("read", 0x23, 1)]
