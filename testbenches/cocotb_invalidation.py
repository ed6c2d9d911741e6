"""Stale translations: what a unit may keep until it is told, and what it must not keep after."""

from __future__ import annotations

from typing import Any, Final

import cocotb
from cocotb.task import bridge

from testbenches.journal import PAGE, View
from testbenches.moments import Direction, Moment, Stop
from testbenches.scene import DESTINATION, DEVICE, SOURCE, Scene
from testbenches.sg import Copy
from vtd_plugin.encodings.registers import IQT
from vtd_plugin.software import Domain, Driver, descriptors

HOLD: Final = 30
COPY: Final = Copy(SOURCE, DESTINATION, 256)
"""Out of the first page of the source, into the first of the destination."""


class Remapped:
    """A scene with one domain."""

    def __init__(self, scene: Scene, *, use_queue: bool) -> None:
        self.scene = scene
        self.driver: Driver = scene.driver(use_queue=use_queue)
        self.view = scene.random_view("first")
        self.driver.prepare()
        self.domain: Domain = self.driver.create_domain()
        self.view.map_in(self.domain)
        self.driver.attach(DEVICE, self.domain)

    @classmethod
    async def power_up(cls, dut: Any, *, use_queue: bool = True) -> Remapped:
        remapped = cls(await Scene.power_up(dut), use_queue=use_queue)
        await bridge(remapped.driver.enable)()
        remapped.scene.journal.view = remapped.view
        return remapped

    def move(self, iova: int) -> View:
        """Let a page lead elsewhere, and tell nobody; what it is once the unit knows."""
        pages = dict(self.view.pages or {})
        pages[iova] = 0x8_0000 + PAGE * next(
            number for number in range(128) if 0x8_0000 + PAGE * number not in pages.values()
        )
        self.domain.table.unmap(iova, PAGE)
        self.domain.table.map(iova, pages[iova], PAGE)
        self.view = View("moved", pages)
        return self.view


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(use_queue=[True, False])
async def a_cached_page_is_used_until_it_is_invalidated(dut: Any, use_queue: bool) -> None:
    remapped = await Remapped.power_up(dut, use_queue=use_queue)
    scene, driver = remapped.scene, remapped.driver
    await scene.run([COPY])
    moved = remapped.move(DESTINATION)
    await scene.run([COPY])  # the journal still has the old view: so must the bytes
    number = remapped.domain.domain_id
    await bridge(driver.invalidate_iotlb)(number, SOURCE)
    await scene.run([COPY])  # the page beside it was not meant
    await bridge(driver.invalidate_iotlb)(number, DESTINATION)
    scene.journal.view = moved
    await scene.run([COPY])


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_wait_is_written_only_when_what_it_waits_for_has_drained(dut: Any) -> None:
    remapped = await Remapped.power_up(dut)
    scene, driver = remapped.scene, remapped.driver
    await scene.run([COPY])
    for direction in Direction:
        moved = remapped.move(DESTINATION)
        stop = Stop(scene, direction)
        await scene.start([COPY])
        await stop.at(Moment.DATA)
        tail = driver.registers.address(IQT)
        scene.journal.switch_when(tail.__eq__, moved)
        pending = driver.start_invalidation(descriptors.iotlb(remapped.domain.domain_id))
        assert not pending.done
        assert await scene.until_drained(pending, HOLD, stop.release)
        await scene.finish([COPY])


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def unmapping_under_way_lets_the_last_burst_land_before_the_page_is_given_back(
    dut: Any,
) -> None:
    remapped = await Remapped.power_up(dut)
    scene = remapped.scene
    copy = Copy(SOURCE, DESTINATION, 64)
    stop = Stop(scene, Direction.WRITE)
    await scene.start([copy])
    await stop.at(Moment.DATA)
    pending = remapped.domain.start_unmap(DESTINATION, PAGE)
    assert await scene.until_drained(pending, HOLD, stop.release)
    # Nothing of the engine can reach the page any more: software may use it for something else.
    page = scene.journal.view.address(DESTINATION)
    assert page is not None
    await scene.finish([copy])
    scene.image.write(page, scene.rng.randbytes(PAGE))
    assert not scene.port.begin(DESTINATION, 4, write=True).ok
    scene.image.check()


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(use_queue=[True, False])
async def a_context_entry_is_used_until_it_is_invalidated(dut: Any, use_queue: bool) -> None:
    remapped = await Remapped.power_up(dut, use_queue=use_queue)
    scene, driver = remapped.scene, remapped.driver
    await scene.run([COPY])
    other = driver.create_domain()
    view = scene.random_view("other")
    view.map_in(other)
    root = driver.devices.root_table
    old = root.read_context_entry(DEVICE)
    new = old.replace(SSPTPTR_address=other.table.root, DID=other.domain_id)
    root.write_context_entry(DEVICE, new)
    # Pages that nobody has asked for yet are still looked up by the old entry.
    beside = Copy(SOURCE + PAGE, DESTINATION + PAGE, 256)
    await scene.run([beside])
    await bridge(driver.invalidate_context)(remapped.domain.domain_id, scene.port.source_id)
    await bridge(driver.invalidate_iotlb)(remapped.domain.domain_id)
    scene.journal.view = view
    await scene.run([COPY, beside])


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def many_invalidations_while_dma_runs_lose_no_byte(dut: Any) -> None:
    remapped = await Remapped.power_up(dut)
    scene, driver = remapped.scene, remapped.driver
    copies = scene.random_copies()
    await scene.start(copies)
    for _ in range(8):
        await scene.ticks(scene.rng.randrange(1, 60))
        number = remapped.domain.domain_id
        what = scene.rng.choice(
            (
                descriptors.context_cache(),
                descriptors.context_cache(number, scene.port.source_id),
                descriptors.iotlb(),
                descriptors.iotlb(number),
                descriptors.iotlb_pages(driver.unit.capabilities, number, SOURCE, 4 * PAGE),
            )
        )
        await bridge(driver.invalidate)(what)
    await scene.finish(copies)
    assert not driver.handle_faults()
