"""Translation turned on, off and led to other tables, with a master idle and busy."""

from __future__ import annotations

from typing import Any, Final

import cocotb
from cocotb.task import bridge

from testbenches.journal import DIRECT
from testbenches.master import pause_all
from testbenches.moments import Direction, Moment, Stop
from testbenches.scene import DEVICE, Scene
from testbenches.sg import Status
from testbenches.stage import Stage
from testbenches.triggers import Trigger
from vtd_plugin.encodings.registers import GCMD
from vtd_plugin.software import Command

HOLD: Final = 30


async def staged(dut: Any, trigger: Trigger) -> Stage:
    stage = Stage(await Scene.power_up(dut), trigger)
    await stage.prepare()
    return stage


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_whole_driver_enables_a_unit_whose_master_is_busy(dut: Any) -> None:
    scene = await Scene.power_up(dut)
    pause_all(scene.memory, scene.rng)
    driver = scene.driver()
    view = scene.random_view("remapped")
    driver.prepare()
    domain = driver.create_domain()
    view.map_in(domain)
    driver.attach(DEVICE, domain)
    copies = scene.random_copies()
    await scene.start(copies)
    await scene.until_bursts(9)
    gcmd = driver.registers.address(GCMD)
    writes: list[int] = []

    def is_third_command(address: int) -> bool:
        # Queue, root table, translation: one bit at a time, in this order (section 11.4.4.1).
        if address == gcmd:
            writes.append(address)
        return len(writes) == 3

    scene.journal.switch_when(is_third_command, view)
    await bridge(driver.enable)()
    assert scene.journal.view is view
    await scene.host.wait_idle()
    assert scene.journal.under(DIRECT)
    assert scene.journal.under(view)
    await scene.finish(copies)
    await scene.run()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def turning_off_waits_for_every_burst_of_random_back_pressure(dut: Any) -> None:
    stage = await staged(dut, Trigger.DISABLE)
    scene = stage.scene
    pause_all(scene.memory, scene.rng, duty=0.6)
    waits = 0
    for _ in range(2):
        copies = scene.random_copies()
        await scene.start(copies)
        await scene.until_bursts(scene.rng.randrange(2, 40))
        waits += await scene.until_drained(stage.fire(), 0, lambda: None)
        assert not stage.driver.translating
        await scene.finish(copies)
        await bridge(stage.driver.commands.run)(Command.TRANSLATION)
        scene.journal.view = stage.old
        await scene.run()
    assert waits


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def software_that_polls_lets_the_master_go_on(dut: Any) -> None:
    stage = await staged(dut, Trigger.DISABLE)
    scene = stage.scene
    copies = scene.random_copies()
    stop = Stop(scene, Direction.READ)
    await scene.start(copies)
    await stop.at(Moment.DATA)
    cocotb.start_soon(_later(scene, stop))
    before = len(scene.journal.bursts)
    scene.journal.view = DIRECT
    await bridge(stage.driver.disable)()
    assert not stage.driver.translating
    await scene.host.wait_idle()
    assert len(scene.journal.bursts) > before
    await scene.finish(copies)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_stopped_master_lets_go_of_what_it_had(dut: Any) -> None:
    stage = await staged(dut, Trigger.SET_ROOT)
    scene = stage.scene
    copies = scene.random_copies()
    await scene.start(copies)
    await scene.until_bursts(12)
    await scene.host.stop()
    assert not scene.in_flight
    assert not await scene.until_drained(stage.fire(), 0, lambda: None)
    scene.journal.settle(copies, scene.beat_bytes)
    scene.image.check()
    assert await scene.host.wait_idle() == Status(0)
    await scene.run()


async def _later(scene: Scene, stop: Stop) -> None:
    await scene.ticks(HOLD)
    stop.release()
