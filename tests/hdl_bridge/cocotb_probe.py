"""The probe of a port that leases its pages."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from hdl_bridge.native import NativeMemory
from hdl_bridge.probe import show
from testbenches.master import Master
from testbenches.sg import Copy, SgHost, Status
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

SOURCE_ID = "00:05.0"
IOVA = 0x8000_0000
HOST = 0x20_0000
CHAIN, FROM, TO = 0, 0x1000, 0x2000


@cocotb.test
async def test_a_page_shows_when_it_is_leased_and_not_with_each_burst(dut: Any) -> None:
    """What is in flight are the leases; the last request is that of the last page."""
    master = await Master.power_up(dut)
    platform = Platform(4 << 20, load_entry_points=False)
    platform.add_unit(VtdUnit())
    driver = Driver(platform, frames=FrameAllocator(0x10_0000, 0x10_0000))
    driver.enable()
    domain = driver.create_domain()
    domain.map(IOVA, HOST, 0x4000)
    driver.attach(SOURCE_ID, domain)
    memory = NativeMemory(dut.memory, platform, SOURCE_ID)
    show(dut.probe, platform, memory)
    engine = SgHost(master, platform)
    engine.write_chain([Copy(IOVA + FROM, IOVA + TO, 1024)], [HOST + CHAIN])
    await master.leave_reset()
    await engine.start(IOVA + CHAIN)
    assert Status.DONE in await engine.wait_idle()
    await ClockCycles(dut.clk, 2)
    names = ("remapped", "request_iova", "request_bytes", "request_is_write", "in_flight")
    shown = [int(getattr(dut.probe, name).value) for name in names]
    assert shown == [1, IOVA + TO, 64, 1, memory.misses]
    assert memory.misses == len((CHAIN, FROM, TO))
    assert int(dut.probe.request_address.value) == HOST + TO
    domain.unmap(IOVA, 0x4000)
    await ClockCycles(dut.clk, 2)
    assert int(dut.probe.in_flight.value) == 0
