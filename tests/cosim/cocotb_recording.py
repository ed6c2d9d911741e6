"""What is recorded of platforms, one after the other; all but the last test need waveforms."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus

from hdl_bridge.axi import AxiMemory
from testbenches.master import Master
from testbenches.sg import Copy, SgHost, Status
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.cosim import record
from vtd_plugin.software import Driver, FrameAllocator

SOURCE_ID = "00:05.0"
IOVA = 0x8000_0000
MISSING = 0x9000_0000
HOST = 0x20_0000
PAGES = 0x4000
STATE = ("translation", "root_table", "queue", "fault_pending", "draining", "iotlb_entries")


@cocotb.test
async def test_all_of_it_is_recorded(dut: Any) -> None:
    master = await Master.power_up(dut)
    platform = Platform(4 << 20, load_entry_points=False)
    unit = platform.add_unit(VtdUnit(VtdConfig(IR=1)))
    memory = AxiMemory(
        AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, platform.requester(SOURCE_ID)
    )
    record(platform, {unit: dut.unit, memory: dut.probe})
    driver = Driver(platform, frames=FrameAllocator(0x10_0000, 0x10_0000))
    driver.enable()
    domain = driver.create_domain()
    domain.map(IOVA, HOST, PAGES)
    driver.attach(SOURCE_ID, domain)
    driver.interrupts.enable()
    interrupt = driver.interrupts.map(SOURCE_ID, vector=0x41, destination=2)
    platform.requester(SOURCE_ID).write(interrupt.address, interrupt.data.to_bytes(4, "little"))
    engine = SgHost(master, platform)
    engine.write_chain([Copy(IOVA + 0x1000, IOVA + 0x2000, 64)], [HOST])
    await master.leave_reset()
    assert memory.write_if is not None
    responses = memory.write_if.b_channel
    responses.pause = True
    await engine.start(IOVA)
    while not any(transfer.iova == IOVA + 0x2000 for transfer in memory.requester.port.in_flight):
        await ClockCycles(dut.clk, 1)
    pending = domain.start_unmap(IOVA, PAGES)
    await ClockCycles(dut.clk, 20)
    assert not pending.done
    assert int(dut.unit.draining.value) == 1
    responses.pause = False
    assert Status.DONE in await engine.wait_idle()
    assert pending.done
    pending.finish()
    await engine.start(MISSING)
    assert Status.ERROR in await engine.wait_idle()
    await ClockCycles(dut.clk, 1)
    assert int(dut.unit.fault_iova.value) == MISSING
    platform.reset("cold")
    await ClockCycles(dut.clk, 2)
    assert {name: int(getattr(dut.unit, name).value) for name in STATE} == dict.fromkeys(STATE, 0)


@cocotb.test
async def test_another_platform_is_counted_afresh(dut: Any) -> None:
    master = await Master.power_up(dut)
    platform = Platform(4 << 20, load_entry_points=False)
    units = [VtdUnit(name="first"), VtdUnit(name="second")]
    for number, unit in enumerate(units):
        scope = [SOURCE_ID] if number else ["00:06.0"]
        platform.add_unit(unit, base=0xFED9_0000 + 0x1000 * number, scope=scope)
    recording = record(platform, {units[1]: dut.unit})
    await ClockCycles(master.dut.clk, 1)
    assert int(dut.unit.faults.value) == int(dut.unit.walks.value) == 0
    for number, source_id in enumerate(("00:06.0", SOURCE_ID)):
        frames = FrameAllocator(0x10_0000 * (number + 1), 0x10_0000)
        driver = Driver(platform, frames=frames, base=0xFED9_0000 + 0x1000 * number)
        driver.enable()
        driver.attach(source_id, driver.create_domain())
        assert not platform.requester(source_id).read(MISSING + number, 4).ok
    await ClockCycles(master.dut.clk, 1)
    assert int(dut.unit.faults.value) == 1
    assert int(dut.unit.fault_iova.value) == MISSING + 1
    recording.stop()
    platform.requester(SOURCE_ID).read(MISSING, 4)
    await ClockCycles(master.dut.clk, 1)
    assert int(dut.unit.faults.value) == 1


@cocotb.test
async def test_nothing_is_shown_without_waveforms(dut: Any) -> None:
    await Master.power_up(dut)
    platform = Platform(4 << 20, load_entry_points=False)
    unit = platform.add_unit(VtdUnit())
    record(platform, {unit: dut.unit, SOURCE_ID: dut.probe})
    driver = Driver(platform, frames=FrameAllocator(0x10_0000, 0x10_0000))
    driver.enable()
    driver.attach(SOURCE_ID, driver.create_domain())
    assert not platform.requester(SOURCE_ID).read(MISSING, 4).ok
    await ClockCycles(dut.clk, 1)
    assert int(dut.unit.faults.value) == int(dut.probe.faults.value) == 0
