"""The native AXI4 memory, over bare wires."""

from __future__ import annotations

import ctypes
from itertools import cycle
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, cast

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Combine, RisingEdge
from cocotbext.axi import AxiResp

from hdl_bridge.axi import AxiProtocolError, AxiUser
from hdl_bridge.bursts import Burst, BurstType
from hdl_bridge.native import NativeMemory
from hdl_bridge.stall import StallInput
from tests.hdl_bridge.axi_bench import random_burst
from tests.hdl_bridge.native_bench import (
    HOST,
    IOVA,
    PAGES,
    RAM,
    SOURCE_ID,
    TABLES,
    stall_at_random,
    start,
)
from vtd_plugin.bus import UnclaimedAccess
from vtd_plugin.bus.testing import FakeRegisters, RecordingSink

if TYPE_CHECKING:
    from cocotb.task import Task

    from vtd_plugin import Platform

ELSEWHERE: Final = 0x18_0000
OKAY, SLVERR, DECERR = (int(each) for each in (AxiResp.OKAY, AxiResp.SLVERR, AxiResp.DECERR))

OTHER_PORT: Final = 15
MOST_PAGES: Final = 4095
"""Pages that the C side has room for, on all ports together."""

LEFT_BEHIND: Final[list[Platform]] = []
"""The platform of a test that ended in the middle of a burst."""


@cocotb.test
async def every_burst_lands_where_its_strobes_say(dut: Any) -> None:
    """Against a plain byte array that is written beat by beat."""
    bench = await start(dut)
    cocotb.start_soon(stall_at_random(dut, bench.rng))
    image = bytearray(bench.rng.randbytes(0x4000))
    bench.platform.write(0, image)
    width = bench.master.bus_bytes
    for _ in range(80):
        burst = random_burst(bench.rng, width)
        if bench.rng.random() < 0.5:
            words = [bench.rng.getrandbits(8 * width) for _ in range(burst.beats)]
            strobes = [
                possible & bench.rng.choice((possible, bench.rng.getrandbits(16)))
                for possible in bench.master.all_strobes(burst)
            ]
            stray = bench.master.stray_strobes(burst, bench.rng)
            sent = [one | other for one, other in zip(strobes, stray, strict=True)]
            assert await bench.master.write(burst, words, sent) == OKAY
            for (first, _), word, strobe in zip(burst.spans(), words, strobes, strict=True):
                base = first & -width
                for lane in range(width):
                    if strobe >> lane & 1:
                        image[base + lane] = word >> 8 * lane & 0xFF
            assert bench.platform.read(0, len(image)) == bytes(image), burst
        else:
            words, responses = await bench.master.read(burst)
            assert set(responses) == {OKAY}
            for (first, stop), word in zip(burst.spans(), words, strict=True):
                data = word.to_bytes(width, "little")[first % width :]
                assert data[: stop - first] == image[first:stop], burst


@cocotb.test
async def asks_once_for_each_page_and_direction(dut: Any) -> None:
    bench = await start(dut)
    bench.enable()
    data = bench.rng.randbytes(64)
    for offset in range(0, 0x400, 64):
        assert await bench.write(IOVA + offset, data) == OKAY
        assert await bench.read(IOVA + offset, 64) == (data, {OKAY})
    assert bench.memory.misses == 2
    assert bench.platform.read(HOST, 0x400) == data * 16


@cocotb.test
async def a_blocked_burst_touches_nothing_and_is_recorded(dut: Any) -> None:
    bench = await start(dut)
    bench.enable()
    before = bench.platform.read(0, RAM)
    assert await bench.write(IOVA + PAGES * 0x1000, b"\x55" * 64) == DECERR
    assert await bench.read(IOVA - 0x1000, 64) == (b"\xff" * 64, {DECERR})
    reports = bench.driver.handle_faults()
    assert [report.address for report in reports] == [IOVA + PAGES * 0x1000, IOVA - 0x1000]
    assert bench.platform.read(0, TABLES) == before[:TABLES]


@cocotb.test
async def listeners_and_observers_hear_of_each_burst_that_asks(dut: Any) -> None:
    bench = await start(dut)
    bench.enable()
    registers = FakeRegisters(0x100)
    bench.platform.add_mmio(0xC000_0000, 0x100, registers, dma=True)
    bench.driver.disable()
    heard: list[tuple[int, int, bool, bool]] = []
    bench.memory.listeners.append(
        lambda each: heard.append((each.iova, each.size, each.ok, each.ended))
    )
    seen: list[object] = []
    bench.platform.add_observer(seen.append)
    assert await bench.write(0x1040, bytes(64)) == OKAY
    assert await bench.write(0x1080, bytes(64)) == OKAY
    assert heard == [(0x1040, 64, True, False)], "the page served the second"
    width = bench.master.bus_bytes
    assert await bench.write(0xC000_0000, bytes(width)) == OKAY
    assert not any(isinstance(event, UnclaimedAccess) for event in seen)
    assert await bench.write(RAM, bytes(64)) == DECERR
    assert heard[1:] == [(0xC000_0000, width, True, False), (RAM, 64, False, False)]
    assert [event for event in seen if isinstance(event, UnclaimedAccess)] == [
        UnclaimedAccess(0x20, RAM, 64, write=True)
    ]


@cocotb.test
@cocotb.parametrize(reset=[False, True])
async def a_blocked_burst_is_in_flight_until_its_response_is_taken(dut: Any, reset: bool) -> None:
    bench = await start(dut)
    bench.enable()
    dut.stall.value = 1 << 2 | 1 << 4
    width = bench.master.bus_bytes
    writing = cocotb.start_soon(bench.write(IOVA - 0x1000, bytes(width)))
    reading = cocotb.start_soon(bench.read(IOVA - 0x1000, width))
    await ClockCycles(dut.clk, 10)
    assert [each.iova for each in bench.port.in_flight] == [IOVA - 0x1000] * 2
    if reset:
        bench.port.reset()
    dut.stall.value = 0
    response = SLVERR if reset else DECERR
    assert await writing == response
    assert await reading == (b"\xff" * width, {response})
    assert bench.port.in_flight == ()
    assert len(bench.driver.handle_faults()) == 2


@cocotb.test
async def an_instance_has_one_who_answers(dut: Any) -> None:
    bench = await start(dut)
    with pytest.raises(ValueError, match="another NativeMemory answers for"):
        NativeMemory(dut.memory, bench.port)
    for wrong in (dut, dut.memory.read_half, dut.axi_awvalid, None):
        with pytest.raises(TypeError, match="is no instance of axi_native_memory"):
            NativeMemory(wrong, bench.port)
    with pytest.raises(ValueError, match="needs 40 bits; AxUSER has 32"):
        NativeMemory(dut.memory, bench.port, user=AxiUser(translated=39))
    assert await bench.write(0x1000, bytes(64)) == OKAY


@cocotb.test
async def a_page_stays_where_it_was_until_it_is_invalidated(dut: Any) -> None:
    bench = await start(dut)
    domain = bench.enable()
    bench.platform.write(HOST, b"old page" * 8)
    bench.platform.write(ELSEWHERE, b"new page" * 8)
    assert (await bench.read(IOVA, 64))[0] == b"old page" * 8
    domain.unmap(IOVA, 0x1000)
    assert (await bench.read(IOVA, 64))[1] == {DECERR}
    domain.map(IOVA, ELSEWHERE, 0x1000)
    assert (await bench.read(IOVA, 64))[0] == b"new page" * 8


@cocotb.test
async def translation_off_shows_after_the_burst_in_flight_and_it_lands_where_it_was_to(
    dut: Any,
) -> None:
    bench = await start(dut)
    bench.enable()
    assert await bench.write(IOVA, bytes(64)) == OKAY  # so that the page is at hand
    data = bench.rng.randbytes(256)
    dut.stall.value = 1 << 1
    writing = cocotb.start_soon(bench.write(IOVA, data))
    await ClockCycles(dut.clk, 5)
    pending = bench.driver.start_disable()
    assert not pending.done
    dut.stall.value = 0
    assert await writing == OKAY
    await ClockCycles(dut.clk, 2)
    assert pending.done
    assert bench.platform.read(HOST, 256) == data
    assert bench.port.in_flight == ()


@cocotb.test
async def a_reset_of_the_platform_aborts_bursts_in_pages(dut: Any) -> None:
    bench = await start(dut)
    bench.enable()
    assert await bench.write(IOVA, b"\x11" * 64) == OKAY
    dut.stall.value = 1 << 1
    writing = cocotb.start_soon(bench.write(IOVA, b"\x22" * 64))
    await ClockCycles(dut.clk, 5)
    bench.platform.reset("warm")
    dut.stall.value = 0
    assert await writing == SLVERR
    assert bench.platform.read(HOST, 64) == b"\x11" * 64
    assert bench.port.in_flight == ()


@cocotb.test
async def a_reset_aborts_a_burst_that_a_drain_waits_for(dut: Any) -> None:
    bench = await start(dut)
    bench.enable()
    assert await bench.write(IOVA, b"\x11" * 64) == OKAY
    dut.stall.value = 1 << 1 | 1 << 4
    writing = cocotb.start_soon(bench.write(IOVA, b"\x22" * 64))
    reading = cocotb.start_soon(bench.read(IOVA, 64))
    await ClockCycles(dut.clk, 5)
    pending = bench.driver.start_disable()
    assert not pending.done
    bench.platform.reset_masters("warm")
    assert pending.done
    dut.stall.value = 0
    assert await writing == SLVERR
    assert await reading == (b"\xff" * 64, {SLVERR})
    assert bench.platform.read(HOST, 64) == b"\x11" * 64
    assert bench.port.in_flight == ()


@cocotb.test
async def a_reset_of_the_memory_leaves_nothing_in_use(dut: Any) -> None:
    bench = await start(dut)
    domain = bench.enable()
    cocotb.start_soon(stall_at_random(dut, bench.rng))
    for _ in range(25):
        running: list[Task[Any]] = [
            cocotb.start_soon(bench.write(IOVA, b"\x11" * 64)),
            cocotb.start_soon(bench.read(IOVA + bench.rng.choice((0x1000, 0x10_0000)), 64)),
        ]
        await ClockCycles(dut.clk, bench.rng.randrange(1, 40))
        dut.rst.value = 1
        await ClockCycles(dut.clk, 3)
        for task in running:
            task.cancel()
        for channel in (bench.master.aw, bench.master.w, bench.master.ar):
            channel.clear()
        for sink in (bench.master.b, bench.master.r):
            sink.clear()
        dut.rst.value = 0
        await ClockCycles(dut.clk, 3)
        domain.unmap(IOVA, PAGES * 0x1000)
        assert bench.port.in_flight == ()
        domain.map(IOVA, HOST, PAGES * 0x1000)


@cocotb.test
async def pages_that_no_line_has_room_for_are_given_back(dut: Any) -> None:
    bench = await start(dut)
    bench.enable()
    for _ in range(3):
        for page in range(PAGES):
            data = bench.rng.randbytes(64)
            assert await bench.write(IOVA + page * 0x1000, data) == OKAY
            assert bench.platform.read(HOST + page * 0x1000, 64) == data
    await ClockCycles(dut.clk, 3)
    assert len(bench.port.in_flight) == 4


@cocotb.test
async def bursts_go_through_the_bus_where_there_is_no_room_for_their_page(dut: Any) -> None:
    bench = await start(dut)
    bench.enable()
    library = ctypes.CDLL(None)
    page = ctypes.create_string_buffer(0x1000)
    grants = [library.native_host_grant(OTHER_PORT, 0, page) for _ in range(MOST_PAGES + 1)]
    assert grants[-1] == 0
    data = bench.rng.randbytes(64)
    for _ in range(2):
        assert await bench.write(IOVA, data) == OKAY
        assert await bench.read(IOVA, 64) == (data, {OKAY})
    assert bench.memory.misses == 4
    await ClockCycles(dut.clk, 2)
    assert bench.port.in_flight == ()
    library.native_host_open(OTHER_PORT)


@cocotb.test
async def interrupts_and_registers_go_through_the_bus(dut: Any) -> None:
    bench = await start(dut)
    sink = RecordingSink()
    bench.platform.add_interrupt_sink(sink)
    registers = FakeRegisters()
    bench.platform.add_mmio(0xC000_0000, 0x1000, registers, dma=True)
    message = Burst(0xFEE0_0010, 1, 4)
    lane = message.address % bench.master.bus_bytes
    word = 0x4123 << 8 * lane
    assert await bench.master.write(message, [word], [0xF << lane]) == OKAY
    assert [(each.address, each.data) for each in sink.messages] == [(0xFEE0_0010, 0x4123)]
    wide = Burst(0xFEE0_0000, 1, bench.master.bus_bytes)
    for strobe in (0b1011, 0b0110, 0b1001, *((0xFF, 0x1F) if wide.beat_bytes > 4 else ())):
        assert await bench.master.write(wide, [0], [strobe]) == DECERR
    assert len(sink.messages) == 1
    data = bench.rng.randbytes(16)
    assert await bench.write(0xC000_0040, data) == OKAY
    assert await bench.read(0xC000_0040, 16) == (data, {OKAY})
    assert bytes(registers.content[0x40:0x50]) == data
    assert await bench.read(0xD000_0000, 16) == (b"\xff" * 16, {DECERR})


@cocotb.test
async def under_a_pasid_the_interrupt_window_is_memory(dut: Any) -> None:
    """What is mapped there is leased as elsewhere; what is not is blocked."""
    bench = await start(dut, SMTS=1, SSTS=1, PASID=1, PSS=7)
    sink = RecordingSink()
    bench.platform.add_interrupt_sink(sink)
    bench.driver.enable("scalable")
    domain = bench.driver.create_domain(levels=4)
    domain.map(0xFEE0_0000, HOST, 0x1000)
    bench.driver.attach_pasid(SOURCE_ID, 5, second_stage=domain)
    bench.master.user = 1 << 20 | 5
    message = Burst(0xFEE0_0010, 1, 4)
    lane = message.address % bench.master.bus_bytes
    bench.master.b.pause = True
    writing = cocotb.start_soon(bench.master.write(message, [0x4123 << 8 * lane], [0xF << lane]))
    await RisingEdge(dut.axi_bvalid)
    await ClockCycles(dut.clk, 2)
    assert [each.iova for each in bench.port.in_flight] == [0xFEE0_0010]
    bench.master.b.pause = False
    assert await writing == OKAY
    await RisingEdge(dut.clk)
    assert len(bench.port.in_flight) == 1, "the page is at hand"
    assert bench.platform.read(HOST + 0x10, 4) == (0x4123).to_bytes(4, "little")
    beyond = Burst(0xFEE0_1010, 1, 4)
    assert await bench.master.write(beyond, [0x4123 << 8 * lane], [0xF << lane]) == DECERR
    assert [report.address for report in bench.driver.handle_faults()] == [0xFEE0_1000]
    bench.master.user = 1 << 20 | 5
    every = (1 << 8 * bench.master.bus_bytes) - 1
    apart = Burst(0xFEE0_0020, 1, bench.master.bus_bytes)
    assert await bench.master.write(apart, [every], [0b1001]) == OKAY
    assert bench.platform.read(HOST + 0x20, 4) == b"\xff\0\0\xff"
    assert sink.messages == []


LIMIT: Final = 200
"""Clock cycles after which what should have ended the test has not."""

BROKEN: Final = (
    Burst(0x2FF8, 4, 4),
    Burst(0x2000, 3, 4, BurstType.WRAP),
    Burst(0x2002, 2, 4, BurstType.WRAP),
    Burst(0x2000, 17, 4, BurstType.FIXED),
    Burst(0x2000, 1, 32),
    Burst(0x2000, 1, 4, cast("BurstType", 3)),
)


@cocotb.test(expect_error=AxiProtocolError)
@cocotb.parametrize(burst=BROKEN, at_hand=[False, True], write=[False, True])
async def a_burst_that_breaks_a_rule_ends_the_test(
    dut: Any, burst: Burst, at_hand: bool, write: bool
) -> None:
    bench = await start(dut)
    if at_hand:
        await bench.write(0x2000, bytes(64))
        await bench.read(0x2000, 64)
    await (bench.master.send_address(burst) if write else bench.master.send_read(burst))
    await ClockCycles(dut.clk, LIMIT)


@cocotb.test(expect_error=AxiProtocolError)
@cocotb.parametrize(page=[0x2000, 0xC000_0000], at_hand=[False, True], sent=[1, 4])
async def write_data_that_is_not_as_long_as_announced_ends_the_test(
    dut: Any, page: int, at_hand: bool, sent: int
) -> None:
    """Data that is too long has no WLAST where its burst ends."""
    bench = await start(dut)
    bench.platform.add_mmio(0xC000_0000, 0x1000, FakeRegisters(), dma=True)
    width = bench.master.bus_bytes
    if at_hand:
        await bench.write(page, bytes(4 * width))
    await bench.master.send_address(Burst(page, 2, width))
    await bench.master.send_data([(1 << 8 * width) - 1] * sent, [(1 << width) - 1] * sent)
    await ClockCycles(dut.clk, LIMIT)


@cocotb.test
async def a_test_that_ended_in_an_error_leaves_nothing_to_the_next(dut: Any) -> None:
    bench = await start(dut)
    data = bench.rng.randbytes(64)
    for page in (0x2000, 0x3000):
        assert await bench.write(page, data) == OKAY
        assert await bench.read(page, 64) == (data, {OKAY})


@cocotb.test
async def a_reset_before_a_page_is_taken_gives_it_back(dut: Any) -> None:
    bench = await start(dut)
    burst = Burst(0x3000, 1, 4)
    for _ in range(8):
        await bench.master.send_read(burst)
        while not (dut.axi_arvalid.value and dut.axi_arready.value):
            await RisingEdge(dut.clk)
        dut.rst.value = 1
        await ClockCycles(dut.clk, 2)
        bench.master.ar.clear()
        bench.master.r.clear()
        dut.rst.value = 0
        await ClockCycles(dut.clk, 3)
        assert len(bench.port.in_flight) <= 1


@cocotb.test
async def axuser_tells_pages_apart(dut: Any) -> None:
    bench = await start(dut)
    bench.enable()
    assert (await bench.read(IOVA, 64))[1] == {OKAY}
    bench.master.user = 1 << 20 | 5  # in legacy mode a request with a PASID is blocked
    assert (await bench.read(IOVA, 64))[1] == {DECERR}
    bench.master.user = 0
    assert (await bench.read(IOVA, 64))[1] == {OKAY}


@cocotb.test
@cocotb.parametrize(
    (
        ("channel", "handshake"),
        [
            ("write_if.aw_channel", "awready"),
            ("write_if.w_channel", "wready"),
            ("write_if.b_channel", "bvalid"),
            ("read_if.ar_channel", "arready"),
            ("read_if.r_channel", "rvalid"),
        ],
    )
)
async def channels_pause_under_the_names_of_cocotbext_axi(
    dut: Any, channel: str, handshake: str
) -> None:
    bench = await start(dut)
    paused = attrgetter(channel)(StallInput(dut.stall, dut.clk))
    signal = getattr(dut, f"axi_{handshake}")
    paused.pause = True
    await ClockCycles(dut.clk, 2)
    running: list[Task[Any]] = [
        cocotb.start_soon(bench.write(IOVA, bytes(64))),
        cocotb.start_soon(bench.read(IOVA, 64)),
    ]
    for _ in range(60):
        await RisingEdge(dut.clk)
        assert not signal.value
    assert [task.done() for task in running].count(False) == 1
    paused.set_pause_generator(cycle([True, True, False]))
    await Combine(*running)


@cocotb.test
async def a_test_may_end_in_the_middle_of_a_burst(dut: Any) -> None:
    bench = await start(dut)
    bench.enable()
    assert await bench.write(IOVA, b"\x11" * 64) == OKAY
    dut.stall.value = 1 << 1
    cocotb.start_soon(bench.write(IOVA, b"\x22" * 64))
    await ClockCycles(dut.clk, 5)
    LEFT_BEHIND.append(bench.platform)


@cocotb.test
async def memory_of_an_earlier_test_is_not_touched(dut: Any) -> None:
    """It comes after the one above, whose beats still stand on the wires."""
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    dut.stall.value = 0
    assert dut.axi_wvalid.value
    await ClockCycles(dut.clk, 5)
    assert LEFT_BEHIND[-1].read(HOST, 64) == b"\x11" * 64
