"""Requests with PASIDs from RTL, several address spaces at once, through every state switch."""

from __future__ import annotations

from typing import Any, Final

import cocotb
from cocotb.task import bridge

from testbenches.address_spaces import (
    FIRST,
    NESTED,
    SECOND,
    AddressSpaces,
    config,
    let_unit_set_accessed_bits,
    user,
)
from testbenches.cells import ORDERS
from testbenches.journal import DIRECT, PasidViews, View
from testbenches.moments import Direction, Moment, Stop
from testbenches.scene import DESTINATION, DEVICE, SOURCE, Scene
from testbenches.sg import Copy, Status
from vtd_plugin.encodings.registers import GCMD, IQT
from vtd_plugin.software import Command, FaultedRequest

HOLD: Final = 30


async def enabled(dut: Any) -> tuple[Scene, AddressSpaces]:
    """A scene in scalable mode with all address spaces."""
    scene = await Scene.power_up(dut, config())
    let_unit_set_accessed_bits(scene)
    driver = scene.driver()
    driver.prepare("scalable")
    spaces = AddressSpaces(scene, driver)
    spaces.attach_all()
    await bridge(driver.enable)("scalable")
    scene.journal.view = spaces.view
    return scene, spaces


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def every_kind_of_address_space_works_beside_the_others(dut: Any) -> None:
    scene, spaces = await enabled(dut)
    copies = spaces.copies()
    await scene.run(copies)
    assert {copy.user for copy in copies} == {user(pasid) for pasid in spaces.view.views}
    assert not spaces.driver.handle_faults()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def enabling_while_dma_without_pasid_runs(dut: Any) -> None:
    scene = await Scene.power_up(dut, config())
    let_unit_set_accessed_bits(scene)
    driver = scene.driver()
    driver.prepare("scalable")
    spaces = AddressSpaces(scene, driver)
    spaces.attach_all()
    driver.start_queue()
    driver.set_root(driver.root)
    copies = scene.random_copies()
    await scene.start(copies)
    await scene.until_bursts(9)
    scene.journal.switch_when(driver.registers.address(GCMD).__eq__, spaces.view)
    pending = driver.commands.start(Command.TRANSLATION)
    await scene.until_drained(pending, 0, lambda: None)
    await scene.finish(copies)
    await scene.run(spaces.copies())


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def the_root_changes_from_legacy_to_scalable_under_dma(dut: Any) -> None:
    scene = await Scene.power_up(dut, config())
    let_unit_set_accessed_bits(scene)
    driver = scene.driver()
    driver.prepare("legacy")
    spaces = AddressSpaces(scene, driver)
    await bridge(driver.enable)()
    scene.journal.view = spaces.view
    copies = scene.random_copies()
    stop = Stop(scene, Direction.WRITE)
    await scene.start(copies)
    await stop.at(Moment.DATA)
    cocotb.start_soon(_release_later(scene, stop))
    await bridge(driver.switch_to_scalable)()
    await scene.host.wait_idle()
    await scene.finish(copies)
    await bridge(spaces.attach_all)()
    scene.journal.view = spaces.view
    await scene.run(spaces.copies())
    assert not driver.handle_faults()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def the_root_changes_between_scalable_tables_under_dma(dut: Any) -> None:
    scene, spaces = await enabled(dut)
    other = scene.driver(1)
    other.prepare("scalable")
    changed = AddressSpaces(scene, other, 1)
    changed.attach_all()
    copies = spaces.copies()
    stop = Stop(scene, Direction.READ)
    await scene.start(copies)
    await scene.until_bursts(scene.rng.randrange(20, 80))
    await stop.at(Moment.DATA)
    before = len(scene.journal.bursts)
    scene.journal.switch_when(other.registers.address(GCMD).__eq__, changed.view)
    pending = spaces.driver.start_set_root(other.root)
    assert await scene.until_drained(pending, HOLD, stop.release)
    await scene.host.wait_idle()
    assert len(scene.journal.bursts) > before
    await scene.finish(copies)


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(kind=["warm", "cold"], order=ORDERS)
async def a_reset_comes_between_requests_with_pasids(dut: Any, kind: str, order: str) -> None:
    scene, spaces = await enabled(dut)
    copies = [copy for copy in spaces.copies() if copy.user]
    stop = Stop(scene, Direction.WRITE)
    await scene.start(copies)
    await scene.until_bursts(scene.rng.randrange(20, 80))
    await stop.at(Moment.DATA)
    await scene.reset(kind, order, 0)
    stop.release()
    scene.after_reset(copies)
    assert scene.journal.view is DIRECT
    await scene.run()
    await bridge(spaces.driver.recover_after_reset)()
    scene.journal.view = spaces.view
    await scene.run(spaces.copies())


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_pasid_is_taken_away_under_dma_and_the_others_go_on(dut: Any) -> None:
    scene, spaces = await enabled(dut)
    driver = spaces.driver
    await scene.run(spaces.copies())
    copy = Copy(SOURCE, DESTINATION, 64, user=user(SECOND))
    stop = Stop(scene, Direction.WRITE)
    await scene.start([copy])
    await stop.at(Moment.DATA)
    cocotb.start_soon(_release_later(scene, stop))
    left = PasidViews("left", {key: at for key, at in spaces.view.views.items() if key != SECOND})
    scene.journal.switch_when(driver.registers.address(IQT).__eq__, left)
    await bridge(driver.detach_pasid)(DEVICE, SECOND)
    # The wait was over after the burst, not before it.
    assert not any(each.is_write for each in scene.in_flight)
    await scene.finish([copy])
    await scene.start([copy])
    assert await scene.host.wait_idle() == Status.ERROR
    (report, *_) = driver.handle_faults()
    assert (report.name, report.pasid) == ("SPT.2", SECOND)
    scene.journal.bursts.clear()
    scene.image.check()
    await scene.run([each for each in spaces.copies() if each.user != user(SECOND)])


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def the_privilege_of_a_burst_is_seen(dut: Any) -> None:
    scene, spaces = await enabled(dut)
    driver = spaces.driver
    await scene.run([Copy(SOURCE, DESTINATION, 64, user=user(FIRST, privileged=True))])
    refused = Copy(SOURCE, DESTINATION, 64, user=user(NESTED, privileged=True))
    views = {**spaces.view.views, NESTED: View("supervisors kept out", {})}
    scene.journal.view = PasidViews("spaces", views)
    await scene.start([refused])
    assert await scene.host.wait_idle() == Status.ERROR
    (report, *_) = driver.handle_faults()
    assert (report.pasid, report.privileged, report.request) == (NESTED, True, FaultedRequest.READ)
    scene.journal.bursts.clear()
    scene.image.check()


async def _release_later(scene: Scene, stop: Stop) -> None:
    await scene.ticks(HOLD)
    stop.release()
