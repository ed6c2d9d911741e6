"""Our own AXI memory, over bare wires: order, time, exclusive accesses and broken rules."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import pytest
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.types import LogicArray
from cocotbext.axi import AxiBus, AxiMaster
from cocotbext.axi.axi_channels import AxiWTransaction

from hdl_bridge.axi import AxiMemory, AxiProtocolError, Latency
from hdl_bridge.bursts import Burst, Response
from hdl_bridge.exclusive import ExclusiveMonitor
from testbenches.master import pause_all, random_pauses
from tests.hdl_bridge.axi_bench import HOST, IOVA, MAPPED, SOURCE_ID, Bench, CachingUnit, start
from tests.hdl_bridge.raw_master import RawMaster
from vtd_plugin.bus import Mapping, Platform

OKAY, EXOKAY, SLVERR, _ = Response


async def cycles_until(dut: Any, *signals: Any, most: int = 200) -> int:
    """Clock edges until one has all signals set."""
    for count in range(1, most):
        await RisingEdge(dut.clk)
        if all(int(signal.value) for signal in signals):
            return count
    raise AssertionError(f"not within {most} cycles")


@cocotb.test
@cocotb.parametrize(latency=[Latency(), Latency(address=3, walk=20, beat=1)])
async def serves_a_master_that_keeps_many_accesses_under_way(dut: Any, latency: Latency) -> None:
    await start(dut)
    rng = random.Random(random.getrandbits(32))
    platform = Platform(1 << 20, load_entry_points=False)
    unit = platform.add_unit(CachingUnit())
    pages = rng.sample(range(16), 16)
    for page, host in enumerate(pages):
        unit.tables.add(Mapping(IOVA + 0x1000 * page, 0x1000 * host, 0x1000))
    bus = AxiBus.from_prefix(dut, "axi")
    memory = AxiMemory(bus, dut.clk, dut.rst, platform, SOURCE_ID, latency=latency)
    pause_all(memory, rng, 0.2)
    master = AxiMaster(bus, dut.clk, dut.rst)
    for channel in (master.write_if.b_channel, master.read_if.r_channel):
        channel.set_pause_generator(random_pauses(random.Random(rng.random()), 0.2))

    async def use(area: int) -> None:
        """Accesses of any size and alignment to an area of its own."""
        size, content = 0x4000, bytearray(0x4000)
        base = IOVA + size * area
        for _ in range(8):
            offset = rng.randrange(size)
            length = rng.randint(1, min(400, size - offset))
            beat = rng.randrange((len(dut.axi_wdata) // 8).bit_length())
            if rng.random() < 0.6:
                data = rng.randbytes(length)
                content[offset : offset + length] = data
                assert (await master.write(base + offset, data, size=beat)).resp == OKAY
            else:
                read = await master.read(base + offset, length, size=beat)
                assert read.data == content[offset : offset + length]
        for page in range(4):
            host = 0x1000 * pages[4 * area + page]
            assert platform.read(host, 0x1000) == content[0x1000 * page : 0x1000 * (page + 1)]

    for task in [cocotb.start_soon(use(area)) for area in range(4)]:
        await task
    await ClockCycles(dut.clk, 2)
    assert platform.requester(SOURCE_ID).in_flight == ()


@cocotb.test
async def one_direction_alone_has_a_memory(dut: Any) -> None:
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    bus = AxiBus.from_prefix(dut, "axi")
    writes = AxiMemory(bus.write, dut.clk, dut.rst, platform, "00:01.0")
    reads = AxiMemory(bus.read, dut.clk, None, platform.requester("00:02.0"))
    assert writes.read_if is None
    assert reads.write_if is None
    master = RawMaster(bus, dut)
    seen: list[Any] = []
    platform.add_observer(seen.append)
    assert await master.write(Burst(0x100, 1, 4), [0x1234], [0xF]) == OKAY
    assert (await master.read(Burst(0x100, 1, 4)))[0] == [0x1234]
    assert {event.source_id for event in seen} == {0x08, 0x10}


@cocotb.test
async def data_comes_before_its_address(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    master, width = bench.master, bench.master.bus_bytes
    every = (1 << width) - 1
    await master.send_data([1, 2], [every] * 2)
    await master.send_data([3], [every])
    await ClockCycles(dut.clk, 30)
    assert bench.port.in_flight == ()
    await master.send_address(Burst(IOVA, 2, width))
    await master.send_address(Burst(IOVA + 0x100, 1, width))
    assert [(await master.b.recv()).bresp for _ in range(2)] == [OKAY] * 2
    assert bench.content(IOVA, 2 * width) == b"".join(n.to_bytes(width, "little") for n in (1, 2))
    assert bench.content(IOVA + 0x100, 1) == b"\x03"


@cocotb.test
async def bursts_follow_each_other_without_a_gap(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    master, width = bench.master, bench.master.bus_bytes
    master.r.queue_occupancy_limit = -1
    for number in range(4):
        await master.send_read(Burst(IOVA + 0x100 * number, 8, width))
    await cycles_until(dut, dut.axi_rvalid, dut.axi_rready)
    shown = 1
    for _ in range(31):
        await RisingEdge(dut.clk)
        shown += int(dut.axi_rvalid.value)
    assert shown == 32
    await RisingEdge(dut.clk)
    assert int(dut.axi_rvalid.value) == 0
    for number in range(4):
        burst = Burst(IOVA + 0x100 * number, 8, width)
        await master.send_write(burst, [number] * 8, master.all_strobes(burst))
    await cycles_until(dut, dut.axi_wvalid, dut.axi_wready)
    for _ in range(31):
        await RisingEdge(dut.clk)
        assert int(dut.axi_wready.value) == 1


@cocotb.test
async def latencies_are_what_was_asked_for(dut: Any) -> None:
    await start(dut)
    unit = CachingUnit()
    bench = Bench(dut, unit, latency=Latency(address=5, walk=30, beat=2))
    master = bench.master
    master.r.queue_occupancy_limit = -1
    burst = Burst(IOVA, 4, 4)
    for wanted in (1 + 5 + 30, 1 + 5):
        await master.send_read(burst)
        await cycles_until(dut, dut.axi_arvalid, dut.axi_arready)
        assert await cycles_until(dut, dut.axi_rvalid) == wanted
        for _ in range(3):
            assert await cycles_until(dut, dut.axi_rvalid) == 1 + 2
    await ClockCycles(dut.clk, 5)
    unit.cache.clear()
    for wanted in (30 - 3 * (1 + 2) + 1 + 5, 1 + 5):
        await master.send_write(burst, [0] * 4, master.all_strobes(burst))
        await cycles_until(dut, dut.axi_wvalid, dut.axi_wready)
        for _ in range(3):
            assert await cycles_until(dut, dut.axi_wvalid, dut.axi_wready) == 1 + 2
        assert await cycles_until(dut, dut.axi_bvalid) == wanted
    blocked = Burst(IOVA + MAPPED, 1, 4)
    await master.send_read(blocked)
    await cycles_until(dut, dut.axi_arvalid, dut.axi_arready)
    assert await cycles_until(dut, dut.axi_rvalid) == 1 + 5 + 30, "a fault is found by a walk"


@cocotb.test
async def a_hit_passes_a_miss_but_not_one_of_its_own_identifier(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, CachingUnit(), latency=Latency(walk=60))
    master = bench.master
    hit, miss = Burst(IOVA, 2, 4), Burst(IOVA + 0x1000, 1, 4)
    await master.read(hit)
    for identifier, burst in ((1, miss), (1, hit), (2, hit), (3, hit)):
        master.identifier = identifier
        await master.send_read(burst)
    order = [int((await master.r.recv()).rid) for _ in range(7)]
    assert order == [2, 2, 3, 3, 1, 1, 1]
    miss = Burst(IOVA + 0x2000, 1, 4)
    for identifier, burst in ((1, miss), (1, hit), (2, hit)):
        master.identifier = identifier
        await master.send_write(burst, [0] * burst.beats, master.all_strobes(burst))
    assert [int((await master.b.recv()).bid) for _ in range(3)] == [2, 1, 1]


@cocotb.test
async def takes_as_many_bursts_as_it_may(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, outstanding=3)
    bench.slave.read_if.r_channel.pause = True
    bench.slave.write_if.b_channel.pause = True
    for number in range(6):
        await bench.master.send_read(Burst(IOVA + 4 * number, 1, 4))
        await bench.master.send_write(Burst(IOVA + 4 * number, 1, 4), [0], [0])
    await ClockCycles(dut.clk, 40)
    kinds = [each.is_write for each in bench.port.in_flight]
    assert (kinds.count(True), kinds.count(False)) == (3, 3)
    bench.slave.read_if.r_channel.pause = False
    bench.master.r.pause = True
    await ClockCycles(dut.clk, 40)
    reads = [each for each in bench.port.in_flight if not each.is_write]
    assert len(reads) == 3, "a burst that is being answered counts as well"
    bench.master.r.pause = False
    bench.slave.read_if.r_channel.pause = False
    bench.slave.write_if.b_channel.pause = False
    for _ in range(6):
        await bench.master.r.recv()
        await bench.master.b.recv()
    with pytest.raises(ValueError, match="outstanding=0"):
        AxiMemory(AxiBus.from_prefix(dut, "stock"), dut.clk, None, bench.port, outstanding=0)


@cocotb.test
async def wakes_for_whatever_comes_after_a_long_sleep(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    for _ in range(3):
        await ClockCycles(dut.clk, 40)
        bench.slave.read_if.ar_channel.pause = True
        bench.slave.write_if.w_channel.pause = True
        await ClockCycles(dut.clk, 2)
        assert (int(dut.axi_arready.value), int(dut.axi_wready.value)) == (0, 0)
        await ClockCycles(dut.clk, 40)
        reading = cocotb.start_soon(bench.read(IOVA, 4))
        writing = cocotb.start_soon(bench.write(IOVA, bytes(4)))
        await ClockCycles(dut.clk, 40)
        assert not reading.done()
        assert not writing.done()
        bench.slave.read_if.ar_channel.pause = False
        bench.slave.write_if.w_channel.pause = False
        assert await reading == (bytes(4), {OKAY})
        assert await writing == OKAY


@cocotb.test
async def a_reset_may_be_active_low(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, reset_active_level=False)
    assert int(dut.rst.value) == 0
    reading = cocotb.start_soon(bench.read(IOVA, 4))
    await ClockCycles(dut.clk, 20)
    assert int(dut.axi_arready.value) == 0, "in reset from the start"
    reading.cancel()


@cocotb.test
async def an_exclusive_write_counts_while_its_reservation_stands(dut: Any) -> None:
    await start(dut)
    monitor = ExclusiveMonitor()
    bench = Bench(dut, monitor=monitor)
    alias = IOVA + 0x10_0000
    bench.unit.tables.add(Mapping(alias, HOST, 0x1000))
    master, burst = bench.master, Burst(IOVA + 8, 1, 4)
    strobes = master.all_strobes(burst)

    async def exclusive(value: int, between: Any = None) -> int:
        master.lock = 1
        assert (await master.read(burst))[1] == [EXOKAY]
        master.lock = 0
        if between is not None:
            await between
        master.lock = 1
        shift = 8 * (8 % master.bus_bytes)
        response = await master.write(burst, [value << shift], strobes)
        master.lock = 0
        return response

    assert await exclusive(0x11) == EXOKAY
    assert bench.content(IOVA + 8, 1) == b"\x11"
    assert await exclusive(0x22, bench.read(IOVA, 16)) == EXOKAY
    assert await exclusive(0x33, bench.write(alias + 8, b"\x99" * 4)) == OKAY
    assert bench.content(IOVA + 8, 4) == b"\x99" * 4
    assert await exclusive(0x44, bench.write(IOVA + 12, bytes(4))) == EXOKAY
    master.lock = 1
    assert await master.write(burst, [0], strobes) == OKAY, "no reservation any more"
    assert bench.content(IOVA + 8, 1) == b"\x44"
    assert (await master.read(burst))[1] == [EXOKAY]
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)
    assert await master.write(burst, [0], strobes) == OKAY, "a reset took the reservation"
    blocked = Burst(IOVA + MAPPED, 1, 4)
    assert (await master.read(blocked))[1] == [Response.DECERR]
    assert await master.write(blocked, [0], master.all_strobes(blocked)) == Response.DECERR


@cocotb.test
@cocotb.parametrize(function=[False, True])
async def a_reset_of_the_requester_takes_its_reservations(dut: Any, function: bool) -> None:
    await start(dut)
    bench = Bench(dut, monitor=ExclusiveMonitor())
    master, burst = bench.master, Burst(IOVA + 8, 1, 4)
    master.lock = 1
    assert (await master.read(burst))[1] == [EXOKAY]
    (bench.port.reset if function else bench.platform.reset_masters)()
    assert await master.write(burst, [0], master.all_strobes(burst)) == OKAY
    assert (await master.read(burst))[1] == [EXOKAY]
    assert await master.write(burst, [0], master.all_strobes(burst)) == EXOKAY


@cocotb.test
async def without_a_monitor_an_exclusive_access_is_an_ordinary_one(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.master.lock = 1
    assert (await bench.read(IOVA, 4))[1] == {OKAY}
    assert await bench.write(IOVA, b"\x77" * 4) == OKAY
    assert bench.content(IOVA, 4) == b"\x77" * 4


@cocotb.test
@cocotb.parametrize(sent=[3, 5], data_first=[False, True])
async def a_burst_ends_with_its_last_beat(dut: Any, sent: int, data_first: bool) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.slave._stop()

    async def send() -> None:
        if data_first:
            await bench.master.send_data([0] * sent, [0] * sent)
            await ClockCycles(dut.clk, 20)
        await bench.master.send_address(Burst(IOVA, 4, 4))
        if not data_first:
            await ClockCycles(dut.clk, 20)
            await bench.master.send_data([0] * sent, [0] * sent)

    late = sent > 4 and not data_first
    what = "has no WLAST in its last beat" if late else f"has {sent} beats of data"
    with pytest.raises(
        AxiProtocolError, match=f"W: INCR burst of 4 x 4 bytes at 0x10000000 {what}"
    ):
        await serve_until_it_breaks(bench, send())


@cocotb.test
@cocotb.parametrize(data_first=[False, True])
async def a_burst_without_wlast_is_told(dut: Any, data_first: bool) -> None:
    """Not waited for: a master that never says which beat is its last would hang."""
    await start(dut)
    bench = Bench(dut)
    bench.slave._stop()

    async def send() -> None:
        if not data_first:
            await bench.master.send_address(Burst(IOVA, 2, 4))
            await ClockCycles(dut.clk, 10)
        for _ in range(2):
            await bench.master.w.send(AxiWTransaction(wdata=0, wstrb=0, wlast=0))
        await ClockCycles(dut.clk, 10)
        if data_first:
            await bench.master.send_address(Burst(IOVA, 2, 4))

    with pytest.raises(AxiProtocolError, match="has no WLAST in its last beat"):
        await serve_until_it_breaks(bench, send())


@cocotb.test
async def data_without_an_address_and_without_an_end_is_told(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.slave._stop()
    sending = bench.master.w.send
    task = cocotb.start_soon(
        serve_until_it_breaks(bench, sending(AxiWTransaction(wdata=0, wstrb=0, wlast=0)))
    )
    for _ in range(300):
        await sending(AxiWTransaction(wdata=0, wstrb=0, wlast=0))
    with pytest.raises(AxiProtocolError, match="W: 256 beats without WLAST, and no address"):
        await task


@cocotb.test(skip=cocotb.SIM_NAME.lower().startswith("verilator"))
async def an_unknown_identifier_is_told(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.slave._stop()
    dut.axi_awvalid.value = 1
    with pytest.raises(AxiProtocolError, match=r"AW: awid is [xX]+ while awvalid is 1"):
        await bench.slave._serve()


@cocotb.test(skip=cocotb.SIM_NAME.lower().startswith("verilator"))
async def an_unknown_last_beat_is_told(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.slave._stop()
    dut.axi_wlast.value = LogicArray("X")
    dut.axi_wvalid.value = 1
    with pytest.raises(AxiProtocolError, match=r"W: wlast is [xX] while wvalid is 1"):
        await bench.slave._serve()


async def serve_until_it_breaks(bench: Bench, sending: Any) -> None:
    """Serve writes in this task, so that what is raised ends here and not the test."""
    task = cocotb.start_soon(sending)
    try:
        await bench.slave._serve()
    finally:
        task.cancel()
