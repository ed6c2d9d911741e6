"""Software that takes pages away from a master in RTL while a burst is in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
import pytest
from cocotb.task import bridge
from cocotb.triggers import ClockCycles, RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiBus

from hdl_bridge.axi import AxiMemory
from hdl_bridge.waiting import until
from testbenches.master import CLOCK_NS, Master
from testbenches.sg import Copy, SgHost, Status
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable

ENGINE = "00:05.0"
IOVA = 0x8000_0000
HOST = 0x20_0000
SOURCE, DESTINATION = 0x1000, 0x2000
PAGE = 0x1000
BURST = bytes(range(64))
HOLD = 50
"""Clock cycles for which the response of a burst is held back."""


def cycles_passed() -> int:
    return round(get_sim_time("ns") / CLOCK_NS)


class Bench:
    """A burst of the engine that is in flight until `let_go`, and a driver."""

    def __init__(self, dut: Any, master: Master, wait: Callable[[], None] | None) -> None:
        self.dut = dut
        platform = Platform(4 << 20, load_entry_points=False)
        platform.add_unit(VtdUnit())
        options: dict[str, Any] = {"poll_limit": 500} | ({"wait": wait} if wait else {})
        self.driver = Driver(platform, frames=FrameAllocator(0x10_0000, 0x10_0000), **options)
        self.driver.enable()  # called by a coroutine: there is nothing to wait for yet
        self.domain = self.driver.create_domain()
        self.domain.map(IOVA, HOST, 4 * PAGE)
        self.driver.attach(ENGINE, self.domain)
        self.platform = platform
        self.port = platform.requester(ENGINE)
        bus = AxiBus.from_prefix(dut, "m_axi")
        write_if = AxiMemory(bus, dut.clk, dut.rst, self.port).write_if
        assert write_if is not None
        self.responses = write_if.b_channel
        self.engine = SgHost(master, platform)

    @classmethod
    async def holding_a_burst(cls, dut: Any, wait: Callable[[], None] | None = None) -> Bench:
        master = await Master.power_up(dut)
        bench = cls(dut, master, wait)
        bench.responses.pause = True
        bench.platform.write(HOST + SOURCE, BURST)
        copy = Copy(IOVA + SOURCE, IOVA + DESTINATION, len(BURST))
        bench.engine.write_chain([copy], [HOST])
        await master.leave_reset()
        await bench.engine.start(IOVA)
        while not any(burst.is_write for burst in bench.port.in_flight):
            await RisingEdge(dut.clk)
        return bench

    def let_go(self) -> None:
        self.responses.pause = False

    async def check_that_it_waits(self, call: cocotb.task.Task[None]) -> None:
        """Whether a call waits for the burst, and the burst keeps its translation."""
        await ClockCycles(self.dut.clk, HOLD)
        assert not call.done()
        assert self.port.in_flight
        self.let_go()
        await call
        assert not self.port.in_flight
        assert Status.ERROR not in await self.engine.wait_idle()
        assert self.platform.read(HOST + DESTINATION, len(BURST)) == BURST


@cocotb.test
async def test_a_bridged_call_waits_for_a_burst(dut: Any) -> None:
    bench = await Bench.holding_a_burst(dut, until(RisingEdge(dut.clk)))
    unmap = bridge(bench.domain.unmap)(IOVA + DESTINATION, PAGE)
    await bench.check_that_it_waits(cocotb.start_soon(unmap))


@cocotb.test
async def test_a_call_without_a_start_half_waits_too(dut: Any) -> None:
    bench = await Bench.holding_a_burst(dut, until(RisingEdge(dut.clk)))
    detach = bridge(bench.driver.detach)(ENGINE)
    await bench.check_that_it_waits(cocotb.start_soon(detach))


@cocotb.test
async def test_what_was_started_is_finished_through_a_bridge(dut: Any) -> None:
    bench = await Bench.holding_a_burst(dut, until(Timer(CLOCK_NS, "ns")))
    pending = bench.domain.start_unmap(IOVA + DESTINATION, PAGE)
    assert not pending.done
    await bench.check_that_it_waits(cocotb.start_soon(bridge(pending.finish)()))
    assert pending.done


@cocotb.test
async def test_a_coroutine_that_calls_directly_is_told_what_to_write(dut: Any) -> None:
    bench = await Bench.holding_a_burst(dut, until(RisingEdge(dut.clk)))
    before = cycles_passed()
    with pytest.raises(RuntimeError, match=r"write `await bridge\(call\)\(arguments\)`"):
        bench.domain.unmap(IOVA + DESTINATION, PAGE)
    assert cycles_passed() == before
    bench.let_go()


@cocotb.test
async def test_a_driver_without_a_wait_says_that_no_time_passed(dut: Any) -> None:
    bench = await Bench.holding_a_burst(dut)
    with pytest.raises(Timeout, match=r"no time passed .* `wait` .*hdl_bridge\.waiting\.until"):
        bench.domain.unmap(IOVA + DESTINATION, PAGE)
    with pytest.raises(Timeout, match=r"no time passed .* `wait` .*hdl_bridge\.waiting\.until"):
        await bridge(bench.driver.disable)()
    bench.let_go()


@cocotb.test
async def test_a_burst_that_never_ends_is_a_timeout(dut: Any) -> None:
    bench = await Bench.holding_a_burst(dut, until(RisingEdge(dut.clk)))
    before = cycles_passed()
    with pytest.raises(Timeout, match=r"after 500 polls, wanted TES=0x0$"):
        await bridge(bench.driver.disable)()
    assert cycles_passed() - before == 500
    bench.let_go()


@cocotb.test
async def test_each_call_waits_for_the_trigger_once(dut: Any) -> None:
    await Master.power_up(dut)
    for trigger in (RisingEdge(dut.clk), Timer(CLOCK_NS, "ns"), ClockCycles(dut.clk, 1)):
        wait = bridge(until(trigger))
        await RisingEdge(dut.clk)
        before = cycles_passed()
        for _ in range(3):
            await wait()
        assert cycles_passed() - before == 3, trigger
    wrong: Any
    for wrong in (dut.clk, RisingEdge, 1):
        with pytest.raises(TypeError, match="is no trigger"):
            until(wrong)
