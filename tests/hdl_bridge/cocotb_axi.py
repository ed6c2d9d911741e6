"""A requester port behind AXI, over bare wires: what holds for a stock slave and for our own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import cocotb
import pytest
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.types import LogicArray
from cocotbext.axi import AxiBus, AxiRam, AxiResp

from hdl_bridge.axi import AxiUser
from hdl_bridge.bursts import Burst, BurstType
from hdl_bridge.probe import show
from hdl_bridge.reset import ResetLine, reset_platform
from testbenches.master import pause_all
from tests.hdl_bridge.axi_bench import (
    HOST,
    IOVA,
    MAPPED,
    SOURCE_ID,
    SUBORDINATE,
    Bench,
    random_burst,
    start,
    subordinate,
)
from tests.hdl_bridge.raw_master import RawMaster
from vtd_plugin import VtdConfig, VtdUnit
from vtd_plugin.bus import Answer, Mapping, Platform, Requester
from vtd_plugin.bus.testing import FakeRegisters, FakeUnit, RecordingSink
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from cocotb.task import Task

OKAY, SLVERR, DECERR = (int(each) for each in (AxiResp.OKAY, AxiResp.SLVERR, AxiResp.DECERR))


@cocotb.test
async def does_with_every_burst_what_a_stock_ram_does(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.unit.enable(False)
    stock_bus = AxiBus.from_prefix(dut, "stock")
    stock = AxiRam(stock_bus, dut.clk, dut.rst, size=0x4000)
    stock_master = RawMaster(stock_bus, dut)
    pause_all(bench.slave, bench.rng, 0.3)
    content = bench.rng.randbytes(0x4000)
    stock.write(0, content)
    bench.platform.write(0, content)
    for _ in range(60):
        burst = random_burst(bench.rng, bench.master.bus_bytes)
        if bench.rng.random() < 0.5:
            bits = 8 * bench.master.bus_bytes
            words = [bench.rng.getrandbits(bits) for _ in range(burst.beats)]
            possible = bench.master.all_strobes(burst)
            strobes = [each & bench.rng.choice((each, bench.rng.getrandbits(16)))
                       for each in possible]  # fmt: skip
            stray = bench.master.stray_strobes(burst, bench.rng)
            sent = [one | other for one, other in zip(strobes, stray, strict=True)]
            assert await bench.master.write(burst, words, sent) == OKAY
            assert await stock_master.write(burst, words, strobes) == OKAY
            assert bench.platform.read(0, 0x4000) == stock.read(0, 0x4000), burst
        else:
            got, responses = await bench.master.read(burst)
            wanted, _ = await stock_master.read(burst)
            assert set(responses) == {OKAY}
            for mine, theirs, strobe in zip(
                got, wanted, bench.master.all_strobes(burst), strict=True
            ):
                mask = sum(0xFF << 8 * lane for lane in range(16) if strobe >> lane & 1)
                assert mine == theirs & mask, burst
    if os.environ[SUBORDINATE] == "AxiRam":
        assert bench.slave.read(0, 0x4000) == stock.read(0, 0x4000)


@cocotb.test
async def asks_once_for_each_burst_and_goes_where_it_is_told(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    data = bench.rng.randbytes(256)
    assert await bench.write(IOVA + 0x1100, data) == OKAY
    assert bench.content(IOVA + 0x1100, 256) == data
    assert await bench.read(IOVA + 0x1100, 256) == (data, {OKAY})
    asked = [(each.address, each.size) for each in bench.unit.requests]
    assert asked == [(IOVA + 0x1100, 256)] * 2


@cocotb.test
async def lanes_that_are_not_written_may_be_unknown(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    word: Any = LogicArray("X" * (8 * bench.master.bus_bytes - 16) + "1010010100001111")
    assert await bench.master.write(Burst(IOVA, 1, 4), [word], [0b11]) == OKAY
    assert bench.content(IOVA, 4) == bytes([0x0F, 0xA5, 0, 0])


@cocotb.test
@cocotb.parametrize(on_fault=["DECERR", "SLVERR"])
async def a_blocked_burst_touches_nothing(dut: Any, on_fault: str) -> None:
    await start(dut)
    bench = Bench(dut, on_fault=on_fault)
    wanted = DECERR if on_fault == "DECERR" else SLVERR
    before = bench.platform.read(0, 4 << 20)
    assert await bench.write(IOVA + MAPPED, b"\x5a" * 64) == wanted
    assert (await bench.read(IOVA + MAPPED, 64))[1] == {wanted}
    bench.unit.block(IOVA, Answer.CA)
    assert await bench.write(IOVA, b"\x5a" * 64) == wanted
    data, responses = await bench.read(IOVA, 64)
    assert (data, responses) == (b"\xff" * 64, {wanted})
    assert bench.platform.read(0, 4 << 20) == before
    assert await bench.write(IOVA + 0x1000, b"\x5a" * 64) == OKAY
    assert bench.port.in_flight == ()


@cocotb.test
async def where_nothing_answers_is_a_decode_error(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, on_fault="SLVERR")
    bench.unit.enable(False)
    assert await bench.write(64 << 20, bytes(16)) == DECERR
    assert (await bench.read(64 << 20, 16))[1] == {DECERR}


@cocotb.test
async def is_in_flight_until_the_last_response_is_accepted(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.master.b.pause = True
    bench.master.r.pause = True
    writing = cocotb.start_soon(bench.write(IOVA, b"\x77" * 16))
    reading = cocotb.start_soon(bench.read(IOVA + 0x1000, 64))
    await ClockCycles(dut.clk, 60)
    assert sorted(each.iova for each in bench.port.in_flight) == [IOVA, IOVA + 0x1000]
    assert int(dut.axi_bvalid.value) == 1
    bench.master.b.pause = False
    await writing
    await RisingEdge(dut.clk)
    assert [each.iova for each in bench.port.in_flight] == [IOVA + 0x1000]
    bench.master.r.pause = False
    await reading
    await RisingEdge(dut.clk)
    assert bench.port.in_flight == ()
    assert len(bench.unit.ended) == 2


@cocotb.test
async def is_in_flight_from_the_edge_at_which_its_address_is_accepted(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.slave.read_if.r_channel.pause = True
    bench.slave.write_if.w_channel.pause = True
    for number in range(3):
        await bench.master.send_read(Burst(IOVA + 0x1000 * number, 8, 4))
        await bench.master.send_address(Burst(IOVA + 0x1000 * number, 8, 4))
    accepted = [0, 0]
    for _ in range(40):
        for direction, prefix in enumerate(("ar", "aw")):
            valid = getattr(dut, f"axi_{prefix}valid").value == 1
            accepted[direction] += valid and getattr(dut, f"axi_{prefix}ready").value == 1
        await RisingEdge(dut.clk)
        kinds = [each.is_write for each in bench.port.in_flight]
        assert [kinds.count(False), kinds.count(True)] == accepted
    assert min(accepted) >= 2
    last = accepted[0] - 1
    bench.unit.tables.clear()
    bench.unit.refresh()
    bench.slave.read_if.r_channel.pause = False
    for number in range(last + 1):
        for _ in range(8):
            assert int((await bench.master.r.recv()).rresp) == OKAY, f"burst {number}"


@cocotb.test
async def a_reset_of_the_requester_shows_in_all_that_is_not_shown_yet(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.platform.write(HOST, b"\x5a" * 64)
    bench.slave.read_if.r_channel.pause = True
    bench.slave.write_if.b_channel.pause = True
    reading = cocotb.start_soon(bench.read(IOVA, 32))
    writing = cocotb.start_soon(bench.write(IOVA + 0x1000, bytes(32)))
    await ClockCycles(dut.clk, 40)
    bench.port.reset()
    bench.slave.read_if.r_channel.pause = False
    bench.slave.write_if.b_channel.pause = False
    assert await reading == (b"\xff" * 32, {SLVERR})
    assert await writing == SLVERR


@cocotb.test
async def a_burst_keeps_the_translation_it_began_with(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.slave.write_if.w_channel.pause = True
    writing = cocotb.start_soon(bench.write(IOVA, b"\x33" * 16))
    while not bench.port.in_flight:
        await RisingEdge(dut.clk)
    bench.unit.tables.clear()
    bench.unit.refresh()
    bench.slave.write_if.w_channel.pause = False
    assert await writing == OKAY
    assert bench.content(IOVA, 16) == b"\x33" * 16
    assert await bench.write(IOVA, b"\x44" * 16) == DECERR


@cocotb.test
async def an_interrupt_is_one_dword_whatever_the_bus_width(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    sink = RecordingSink()
    bench.platform.add_interrupt_sink(sink)
    bus_bytes = bench.master.bus_bytes
    for address in (0xFEE0_1000, 0xFEE0_1004):
        burst = Burst(address & -bus_bytes, 1, bus_bytes)
        lane = address % bus_bytes
        word, strobe = 0x4021 << 8 * lane, 0xF << lane
        assert await bench.master.write(burst, [word], [strobe]) == OKAY
    sent = [(each.address, each.data, each.source_id) for each in sink.messages]
    assert sent == [(0xFEE0_1000, 0x4021, 0x20), (0xFEE0_1004, 0x4021, 0x20)]
    narrow = Burst(0xFEE0_1008, 1, 4)
    lane = 8 % bus_bytes
    assert await bench.master.write(narrow, [0x22 << 8 * lane], [0xF << lane]) == OKAY
    assert sink.messages[-1].data == 0x22
    # One dword in narrow beats is one, two dwords at one address are none.
    four = Burst(0xFEE0_1000, 4, 1)
    assert await bench.master.write(four, [0x31, 0, 0, 0], bench.master.all_strobes(four)) == OKAY
    assert sink.messages[-1].data == 0x31
    fixed = Burst(0xFEE0_1000, 2, 4, BurstType.FIXED)
    assert await bench.master.write(fixed, [0x11, 0x22], [0xF, 0xF]) == DECERR
    assert sink.messages[-1].data == 0x31
    # Less than a dword, none of it, more than one, more than one beat, and what the unit blocks.
    before = len(sink.messages)
    assert await bench.master.write(narrow, [0], [0x3 << lane]) == DECERR
    assert await bench.master.write(narrow, [0], [0]) == OKAY
    for strobe in (0b1011 << lane, 0b0110 << lane, 0b1001 << lane):
        assert await bench.master.write(narrow, [0], [strobe]) == DECERR
    if bus_bytes > 4:
        wide = Burst(0xFEE0_1000, 1, bus_bytes)
        for strobe in (0xFF, 0x1F, 0x3C, 0xF0 | 1, 0x81, (1 << bus_bytes) - 1):
            assert await bench.master.write(wide, [0], [strobe]) == DECERR
    assert await bench.write(0xFEE0_1000, bytes(8)) == DECERR
    bench.unit.block(0xFEE0_1000)
    assert await bench.write(0xFEE0_1000, bytes(4)) == DECERR
    assert len(sink.messages) == before
    assert bench.port.in_flight == ()


@cocotb.test
async def where_a_pasid_is_remapped_the_interrupt_window_is_memory(dut: Any) -> None:
    """In flight until the response is taken, and every byte that is selected lands."""
    await start(dut)
    platform = Platform(4 << 20, load_entry_points=False)
    platform.add_unit(VtdUnit(VtdConfig(SMTS=1, SSTS=1, PASID=1, PSS=7)))
    sink = RecordingSink()
    platform.add_interrupt_sink(sink)
    driver = Driver(platform, frames=FrameAllocator(0x20_0000, 0x10_0000))
    driver.enable("scalable")
    domain = driver.create_domain(levels=4)
    domain.map(0xFEE0_0000, HOST, 0x1000)
    driver.attach_pasid(SOURCE_ID, 5, second_stage=domain)
    bus = AxiBus.from_prefix(dut, "axi")
    port = platform.requester(SOURCE_ID)
    subordinate(bus, dut, port, pasid=5)
    master = RawMaster(bus, dut)
    master.b.pause = True
    burst = Burst(0xFEE0_0010, 1, master.bus_bytes)
    word = int.from_bytes(bytes(range(1, 1 + master.bus_bytes)), "little")
    writing = cocotb.start_soon(master.write(burst, [word], [0b1001]))
    await RisingEdge(dut.axi_bvalid)
    await ClockCycles(dut.clk, 2)
    assert [each.iova for each in port.in_flight] == [0xFEE0_0010]
    master.b.pause = False
    assert await writing == OKAY
    assert platform.read(HOST + 0x10, 8) == bytes([1, 0, 0, 4, 0, 0, 0, 0])
    assert await master.write(Burst(0xFEE0_1010, 1, 4), [1], [0xF]) == DECERR
    assert sink.messages == []
    await RisingEdge(dut.clk)
    assert port.in_flight == ()


@cocotb.test
async def each_beat_to_registers_is_an_access_of_its_own(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.unit.enable(False)
    registers = FakeRegisters()
    bench.platform.add_mmio(0xC000_0000, 0x1000, registers, dma=True)
    width = bench.master.bus_bytes
    widest = min(width, 8)
    for beat in (1 << number for number in range(width.bit_length())):
        registers.accesses.clear()
        burst = Burst(0xC000_0040, 4, beat)
        strobes = bench.master.all_strobes(burst)
        assert await bench.master.write(burst, [0] * 4, strobes) == OKAY
        assert set((await bench.master.read(burst))[1]) == {OKAY}
        size = min(beat, widest)
        offsets = range(0x40, 0x40 + 4 * beat, size)
        wanted = [(kind, offset, size) for kind in ("write", "read") for offset in offsets]
        assert registers.accesses == wanted


@cocotb.test
async def a_reset_of_the_slave_leaves_nothing_in_flight(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    pause_all(bench.slave, bench.rng, 0.5)
    bench.master.r.set_pause_generator(iter(lambda: bench.rng.random() < 0.5, None))
    for _ in range(25):
        running: list[Task[Any]] = [
            cocotb.start_soon(bench.write(IOVA, b"\x11" * 64)),
            cocotb.start_soon(bench.read(IOVA + 0x1000, 64)),
        ]
        await ClockCycles(dut.clk, bench.rng.randrange(1, 70))
        dut.rst.value = 1
        await ClockCycles(dut.clk, 3)
        for task in running:
            task.cancel()
        assert bench.port.in_flight == ()
        for sink in (bench.master.b, bench.master.r, bench.master.aw, bench.master.w):
            sink.clear()
        bench.master.ar.clear()
        dut.rst.value = 0
        await ClockCycles(dut.clk, 3)
    assert len({id(each) for each in bench.unit.ended}) == len(bench.unit.ended)
    assert any(each.aborted for each in bench.unit.ended)
    assert await bench.write(IOVA, b"\x22" * 64) == OKAY
    assert await bench.read(IOVA, 64) == (b"\x22" * 64, {OKAY})


@cocotb.test
async def a_reset_of_the_platform_ends_bursts_with_an_error(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.slave.write_if.w_channel.pause = True
    bench.master.r.pause = True
    writing = cocotb.start_soon(bench.write(IOVA, b"\x66" * 16))
    reading = cocotb.start_soon(bench.read(IOVA, 64))
    await ClockCycles(dut.clk, 30)
    bench.platform.reset_masters()
    assert bench.port.in_flight == ()
    bench.slave.write_if.w_channel.pause = False
    bench.master.r.pause = False
    assert await writing == SLVERR
    assert SLVERR in (await reading)[1]
    assert bench.content(IOVA, 16) == bytes(16)
    assert await bench.write(IOVA, b"\x22" * 16) == OKAY


@cocotb.test
async def every_request_carries_the_options(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, pasid=0x12345, privileged=True)
    await bench.write(IOVA, bytes(4))
    await bench.read(IOVA, 4)
    carried = [(each.attributes.pasid, each.attributes.privileged) for each in bench.unit.requests]
    assert carried == [(0x12345, True)] * 2


@cocotb.test
async def the_user_signals_say_what_each_request_carries(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, user=AxiUser(), no_snoop=True)
    layouts = [0, 0x12345 | 1 << 20, 1 << 20 | 1 << 21, 7 | 1 << 20 | 1 << 22, 1 << 23, 7 << 21 | 5]
    for bench.master.user in layouts:
        await bench.write(IOVA, bytes(4))
        await bench.read(IOVA, 4)
    attributes = [request.attributes for request in bench.unit.requests]
    assert all(each.no_snoop for each in attributes)
    carried = [(each.pasid, each.privileged, each.execute, int(each.address_type))
               for each in attributes]  # fmt: skip
    wanted = [
        (None, False, False, 0),
        (0x12345, False, False, 0),
        (0, True, False, 0),
        (7, False, True, 0),
        (None, False, False, 2),
        (None, False, False, 2),
    ]
    assert carried == [each for each in wanted for _ in ("write", "read")]


@cocotb.test
async def a_bus_without_user_signals_cannot_tell(dut: Any) -> None:
    await start(dut)
    port = Platform(4096, load_entry_points=False).requester(SOURCE_ID)
    with pytest.raises(ValueError, match="has no awuser"):
        subordinate(AxiBus.from_prefix(dut, "stock"), dut, port, user=AxiUser())


@cocotb.test
async def an_assigned_device_reaches_what_its_host_has_mapped(dut: Any) -> None:
    await start(dut)
    platform = Platform(4 << 20, load_entry_points=False)
    unit = platform.add_unit(FakeUnit([Mapping(IOVA, HOST, MAPPED)]))
    assigned: Requester = platform.assign(SOURCE_ID)
    bus = AxiBus.from_prefix(dut, "axi")
    subordinate(bus, dut, assigned)
    master = RawMaster(bus, dut)
    burst = Burst(IOVA + 0x40, 1, 4)
    assert await master.write(burst, [0x55], [0xF]) == OKAY
    assert platform.read(HOST + 0x40, 1) == b"\x55"
    unit.tables.clear()
    unit.refresh()
    assert await master.write(burst, [0x66], [0xF]) == DECERR
    assert platform.read(HOST + 0x40, 1) == b"\x55"


@cocotb.test
async def the_probe_shows_what_the_port_does(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    stop = show(dut.probe, bench.platform, bench.bridge)
    await RisingEdge(dut.clk)
    probe = dut.probe
    assert int(probe.remapped.value) == 1
    await bench.write(IOVA + 0x80, b"\x01" * 16)
    await ClockCycles(dut.clk, 2)
    shown = [int(getattr(probe, name).value) for name in
             ("request_iova", "request_bytes", "request_is_write", "request_address",
              "request_blocked", "in_flight")]  # fmt: skip
    assert shown == [IOVA + 0x80, 16, 1, HOST + 0x80, 0, 0]
    await bench.read(0x5000, 4)
    await ClockCycles(dut.clk, 2)
    shown = [int(getattr(probe, name).value) for name in
             ("request_blocked", "faults", "fault_iova", "fault_code")]  # fmt: skip
    assert shown == [1, 1, 0x5000, 0xFF]
    await bench.write(0xFEE0_0000, (0x31).to_bytes(4, "little"))
    bench.unit.enable(False)
    await ClockCycles(dut.clk, 2)
    shown = [int(getattr(probe, name).value) for name in
             ("interrupts", "interrupt_data", "switches", "remapped")]  # fmt: skip
    assert shown == [1, 0x31, 1, 0]
    stop()
    bench.unit.enable()
    await ClockCycles(dut.clk, 2)
    assert int(probe.remapped.value) == 0


@cocotb.test
@cocotb.parametrize(order=["masters-first", "units-first"])
async def a_platform_and_its_rtl_are_reset_in_either_order(dut: Any, order: str) -> None:
    await start(dut)
    bench = Bench(dut)
    line = bench.platform.add_device(ResetLine("master", dut.rst, dut.clk, cycles=5))
    running = cocotb.start_soon(reset_platform(bench.platform, dut.clk, "cold", order, gap=20))
    await ClockCycles(dut.clk, 10)
    masters_done, units_done = bool(line.kinds), bool(bench.unit.resets)
    assert (masters_done, units_done) == (order == "masters-first", order == "units-first")
    await running
    assert line.kinds == bench.unit.resets == ["cold"]
    if order == "units-first":
        await RisingEdge(dut.clk)
        assert int(dut.rst.value) == 1
    await line.released()
    await RisingEdge(dut.clk)
    assert int(dut.rst.value) == 0
    bench.unit.enable()
    await ClockCycles(dut.clk, 2)
    assert await bench.write(IOVA, b"\x12" * 4) == OKAY
