"""What a master, and software, learn of a burst that is blocked."""

from __future__ import annotations

from typing import Any, Final

import cocotb
from cocotb.task import bridge
from cocotb.triggers import RisingEdge

from hdl_bridge.bursts import Response
from testbenches.journal import PAGE, View
from testbenches.scene import CHAIN, DESTINATION, DEVICE, SOURCE, Scene
from testbenches.sg import Copy, Status
from vtd_plugin.encodings.registers import FSTS
from vtd_plugin.software import Domain, Driver, Event, FaultedRequest

MESSAGE: Final = (0xFEE0_1000, 0x4041)
COPY: Final = Copy(SOURCE, DESTINATION, 64)


class Watched:
    """Notes the error responses that the RTL is given."""

    def __init__(self, dut: Any) -> None:
        self.errors: list[tuple[str, int]] = []
        self._dut = dut
        for channel in ("r", "b"):
            cocotb.start_soon(self._watch(channel))

    async def _watch(self, channel: str) -> None:
        valid = getattr(self._dut, f"m_axi_{channel}valid")
        ready = getattr(self._dut, f"m_axi_{channel}ready")
        response = getattr(self._dut, f"m_axi_{channel}resp")
        edge = RisingEdge(self._dut.clk)
        while True:
            await edge
            if valid.value and ready.value and int(response.value):
                self.errors.append((channel, int(response.value)))


async def without(dut: Any, missing: int) -> tuple[Scene, Driver, Watched, Domain]:
    """A scene in which one page is not mapped, and faults are reported by message."""
    scene = await Scene.power_up(dut)
    driver = scene.driver()
    whole = scene.random_view("whole")
    view = View("gap", {iova: at for iova, at in (whole.pages or {}).items() if iova != missing})
    driver.prepare()
    domain = driver.create_domain()
    view.map_in(domain)
    driver.attach(DEVICE, domain)
    driver.program_event(Event.FAULT, *MESSAGE)
    await bridge(driver.enable)()
    scene.journal.view = view
    return scene, driver, Watched(dut), domain


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_read_of_an_unmapped_page_is_blocked_and_reported(dut: Any) -> None:
    scene, driver, watched, _ = await without(dut, SOURCE)
    await scene.start([COPY])
    assert await scene.host.wait_idle() == Status.ERROR
    assert await scene.host.error_address() == SOURCE
    assert watched.errors
    assert set(watched.errors) == {("r", Response.DECERR)}
    await check_report(scene, driver, FaultedRequest.READ, SOURCE)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_write_to_an_unmapped_page_is_blocked_and_reported(dut: Any) -> None:
    scene, driver, watched, _ = await without(dut, DESTINATION)
    await scene.start([COPY])
    assert await scene.host.wait_idle() == Status.ERROR
    assert await scene.host.error_address() == DESTINATION
    assert watched.errors == [("b", Response.DECERR)]
    await check_report(scene, driver, FaultedRequest.WRITE, DESTINATION)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_descriptor_that_cannot_be_read_stops_the_engine(dut: Any) -> None:
    scene, driver, watched, _ = await without(dut, CHAIN)
    await scene.start([COPY])
    assert await scene.host.wait_idle() == Status.ERROR
    assert await scene.host.error_address() == CHAIN
    assert set(watched.errors) == {("r", Response.DECERR)}
    await check_report(scene, driver, FaultedRequest.READ, CHAIN)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_copy_into_a_gap_stops_at_its_border(dut: Any) -> None:
    scene, driver, watched, _ = await without(dut, DESTINATION + PAGE)
    copy = Copy(SOURCE, DESTINATION + PAGE - 128, 256)
    await scene.start([copy])
    assert await scene.host.wait_idle() == Status.ERROR
    assert await scene.host.error_address() >= DESTINATION + PAGE
    blocked = {burst.transfer.iova for burst in scene.journal.writes() if not burst.transfer.ok}
    assert blocked
    assert len(watched.errors) == len(blocked)
    reports = driver.handle_faults()
    assert {report.address for report in reports} == {DESTINATION + PAGE}
    scene.journal.bursts = [burst for burst in scene.journal.bursts if burst.transfer.ok]
    assert scene.journal.settle([copy], scene.beat_bytes) == 128
    scene.image.check()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_page_mapped_after_its_fault_is_reached(dut: Any) -> None:
    scene, driver, _, domain = await without(dut, SOURCE)
    await scene.start([COPY])
    assert await scene.host.wait_idle() == Status.ERROR
    await check_report(scene, driver, FaultedRequest.READ, SOURCE)
    whole = View("whole", {**(scene.journal.view.pages or {}), SOURCE: SOURCE})
    domain.map(SOURCE, SOURCE, PAGE)
    scene.journal.view = whole
    await scene.run([COPY])


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def an_unknown_requester_reaches_nothing(dut: Any) -> None:
    scene = await Scene.power_up(dut)
    driver = scene.driver()
    await bridge(driver.enable)()
    scene.journal.view = View("nothing", {})
    await scene.start([COPY])
    assert await scene.host.wait_idle() == Status.ERROR
    (report,) = driver.handle_faults()
    assert report.name == "LRT.2"
    assert report.source_id == scene.port.source_id
    scene.journal.bursts.clear()
    scene.image.check()


async def check_report(scene: Scene, driver: Driver, request: FaultedRequest, address: int) -> None:
    """One fault: recorded, told by one message, cleared by software, and no byte has moved."""
    assert [(each.address, each.data) for each in scene.interrupts] == [MESSAGE]
    reports = driver.handle_faults()
    assert {report.request for report in reports} == {request}
    assert {report.address for report in reports} == {address}
    assert {report.source_id for report in reports} == {scene.port.source_id}
    assert driver.registers.read(FSTS).value == 0
    scene.journal.bursts.clear()
    scene.image.check()
