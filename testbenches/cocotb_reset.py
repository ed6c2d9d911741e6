"""Resets in the middle of what software does: a burst, an enable sequence, an invalidation.

A reset at every moment of a burst is the matter of the matrix; here it comes at random cycles, and
in the middle of software's own sequences.
"""

from __future__ import annotations

from typing import Any, Final

import cocotb
from cocotb.task import bridge

from testbenches.cells import ORDERS
from testbenches.journal import DIRECT
from testbenches.master import pause_all
from testbenches.moments import Direction, Moment, Stop
from testbenches.scene import DEVICE, Scene
from testbenches.stage import Stage
from testbenches.triggers import Trigger
from vtd_plugin.encodings.registers import GSTS
from vtd_plugin.software import Command, descriptors

KINDS: Final = ("warm", "cold")
LONGEST_GAP: Final = 40


async def works_again(stage: Stage) -> None:
    """Firmware's DMA, recovery, and DMA through the tables that are still in memory."""
    assert stage.driver.registers.read(GSTS).value == 0
    await stage.scene.run()
    await stage.recover()
    await stage.scene.run()
    assert not stage.driver.handle_faults()


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(kind=KINDS, order=ORDERS)
async def a_reset_may_come_at_any_cycle(dut: Any, kind: str, order: str) -> None:
    stage = Stage(await Scene.power_up(dut), Trigger.WARM_RESET)
    scene = stage.scene
    await stage.prepare()
    pause_all(scene.memory, scene.rng, duty=0.2)
    for _ in range(2):
        copies = scene.random_copies()
        await scene.start(copies)
        await scene.ticks(scene.rng.randrange(1, 500))
        await scene.reset(kind, order, scene.rng.randrange(LONGEST_GAP))
        scene.after_reset(copies)
        await works_again(stage)


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(kind=KINDS, order=ORDERS, step=["queue", "root", "translation"])
async def a_reset_may_come_in_the_middle_of_enabling(
    dut: Any, kind: str, order: str, step: str
) -> None:
    stage = Stage(await Scene.power_up(dut), Trigger.ENABLE)
    scene, driver = stage.scene, stage.driver
    copies = scene.random_copies()
    driver.prepare()
    domain = driver.create_domain()
    stage.remapped.map_in(domain)
    driver.attach(DEVICE, domain)
    stop = Stop(scene, Direction.WRITE)
    await scene.start(copies)
    await stop.at(Moment.DATA)
    driver.start_queue()
    if step != "queue":
        pending = driver.start_set_root(driver.root)
        assert not pending.done
    if step == "translation":
        scene.journal.view = stage.remapped
        pending = driver.commands.start(Command.TRANSLATION)
        assert not pending.done
    await scene.reset(kind, order, scene.rng.randrange(LONGEST_GAP))
    stop.release()
    scene.after_reset(copies)
    # No command of before the reset is finished after it.
    await scene.ticks(LONGEST_GAP)
    assert driver.registers.read(GSTS).value == 0
    await scene.run()
    await bridge(driver.enable)()
    scene.journal.view = stage.remapped
    await scene.run()


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(kind=KINDS, order=ORDERS, trigger=[Trigger.IOTLB_QUEUE, Trigger.IOTLB_REGISTER])
async def a_reset_may_come_in_the_middle_of_an_invalidation(
    dut: Any, kind: str, order: str, trigger: Trigger
) -> None:
    stage = Stage(await Scene.power_up(dut), trigger)
    scene, driver = stage.scene, stage.driver
    await stage.prepare()
    copies = scene.random_copies()
    stop = Stop(scene, Direction.READ)
    await scene.start(copies)
    await stop.at(Moment.DATA)
    pending = driver.start_invalidation(descriptors.iotlb())
    assert not pending.done
    status = None if driver.queue is None else scene.image.read(driver.queue.address + 4096, 4)
    await scene.reset(kind, order, scene.rng.randrange(LONGEST_GAP))
    stop.release()
    scene.after_reset(copies)
    await scene.ticks(LONGEST_GAP)
    if driver.queue is not None and order == "units-first":
        # The unit forgot its queue before the burst ended: its wait is never written.
        assert scene.image.read(driver.queue.address + 4096, 4) == status
    await works_again(stage)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_function_reset_of_the_master_leaves_the_unit_as_it_is(dut: Any) -> None:
    stage = Stage(await Scene.power_up(dut), Trigger.DISABLE)
    scene = stage.scene
    await stage.prepare()
    copies = scene.random_copies()
    await scene.start(copies)
    await scene.until_bursts(10)
    await scene.master.pulse_reset()
    scene.after_reset(copies)
    assert stage.driver.translating
    assert scene.journal.view is not DIRECT
    await scene.run()
