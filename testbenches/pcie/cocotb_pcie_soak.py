"""Everything at random, for two engines on PCIe: what happens, when, and how slow everything is.

Each seed is a test of its own: a command, a reset, or a command that a reset overtakes comes at a
random cycle while both engines copy between the same addresses, each in a domain of its own; then
they copy again, and at last into pages that are not mapped. All of memory is compared each time.
The environment has the seeds.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import cocotb

from testbenches.journal import DIRECT, PAGE
from testbenches.pcie.scene import DESTINATION, PAGES, SOURCE, Scene
from testbenches.pcie.stage import Stage
from testbenches.sg import Copy
from testbenches.soak_seeds import seeds_of_this_simulation
from testbenches.triggers import RESETS, Trigger
from vtd_plugin.bus import ResetOrder
from vtd_plugin.encodings.registers import GSTS

if TYPE_CHECKING:
    from testbenches.pcie.side import Side

_LONGEST_GAP: Final = 200
"""Clock cycles between the halves of a reset, or a command and a reset."""


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(seed=seeds_of_this_simulation())
async def test_nothing_is_lost(dut: Any, seed: int) -> None:
    """Every byte of memory is what it must be, and every command ends when it must."""
    random.seed(seed)
    scene = await Scene.power_up(dut)
    trigger = scene.rng.choice(list(Trigger))
    stage = Stage(scene, trigger)
    scene.hold_back()
    copies = scene.random_copies()
    await scene.start(copies)
    await scene.some_way_into(copies)
    if trigger in RESETS:
        await _reset_platform(scene, stage, RESETS[trigger])
    elif trigger is Trigger.FUNCTION_RESET:
        await _reset_function(scene, stage.chosen)
    else:
        await _command(scene, stage)
    scene.image.check()
    await scene.run()
    await _run_into_nothing(scene)
    scene.check_faults(stage.driver)


async def _command(scene: Scene, stage: Stage) -> None:
    """A command; while it waits there may be a reset, of one of the engines or of everything."""
    drains = [cocotb.start_soon(scene.until_drained(*each)) for each in stage.fire()]
    dice = scene.rng.random()
    if dice < 0.5:
        await scene.ticks(scene.rng.randrange(1, _LONGEST_GAP))
    if dice < 0.25:
        for drained in drains:
            drained.cancel()
        await _reset_platform(scene, stage, scene.rng.choice([*RESETS.values()]))
        return
    if dice < 0.5:
        await _reset_function(scene, scene.rng.choice(scene.sides))
    else:
        await scene.finish()
    for drained in drains:
        await drained


async def _reset_function(scene: Scene, side: Side) -> None:
    """One engine is reset, and the other one does not notice."""
    others = [other for other in scene.sides if other is not side]
    scene.reset_function(side)
    await scene.abandon(side)
    await scene.finish(*others)


async def _reset_platform(scene: Scene, stage: Stage, kind: str) -> None:
    """Firmware's DMA after a reset, and recovery with the tables that are still in memory."""
    order = scene.rng.choice(list(ResetOrder))
    await scene.reset(kind, order, scene.rng.randrange(_LONGEST_GAP))
    await scene.abandon()
    assert stage.driver.registers.read(GSTS).value == 0
    scene.image.check()
    await scene.run()
    stage.recover()


async def _run_into_nothing(scene: Scene) -> None:
    """Copies that leave what is mapped, in the source or in the destination."""
    if any(side.journal.view is DIRECT for side in scene.sides):
        return
    copies = []
    for _ in scene.sides:
        inside, size = scene.rng.randrange(0, 512, 4), PAGES * PAGE
        source, destination = SOURCE, DESTINATION
        if scene.rng.random() < 0.5:
            source += size - inside
        else:
            destination += size - inside
        copies.append(Copy(source, destination, inside + 256))
    await scene.run(copies)
