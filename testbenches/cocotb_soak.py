"""Everything at random: what happens, when, and how often each channel is held back.

Each seed is a test of its own: a command, a reset, or a command that a reset overtakes comes at a
random cycle while the master copies under random back-pressure; then it copies again, and at last
into a page that is not mapped. All of memory is compared each time. The environment has the seeds.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import cocotb

from testbenches.cells import ORDERS
from testbenches.cocotb_reset import KINDS, LONGEST_GAP, works_again
from testbenches.journal import View
from testbenches.master import pause_all
from testbenches.scene import DESTINATION, SOURCE, Scene
from testbenches.sg import Copy, Status
from testbenches.soak_seeds import seeds_of_this_simulation
from testbenches.stage import Stage
from testbenches.triggers import OF_ONE_MASTER, RESETS

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_WAIT: Final = 20
"""Clock cycles that a command is left to wait, at most, before a reset overtakes it."""


@cocotb.test
@cocotb.parametrize(seed=seeds_of_this_simulation())
async def nothing_is_lost(dut: Any, seed: int) -> None:
    random.seed(seed)
    scene = await Scene.power_up(dut)
    trigger = scene.rng.choice(OF_ONE_MASTER)
    stage = Stage(scene, trigger)
    await stage.prepare()
    pause_all(scene.memory, scene.rng, duty=scene.rng.uniform(0, 0.5))
    copies = scene.random_copies()
    await scene.start(copies)
    await scene.ticks(scene.rng.randrange(1, 600))
    if trigger in RESETS:
        await _reset(stage, copies, RESETS[trigger])
    else:
        await _command(stage, copies)
    await _run_into_nothing(scene, stage)


async def _command(stage: Stage, copies: Sequence[Copy]) -> None:
    """A command, which a reset may overtake while it waits for bursts."""
    scene = stage.scene
    pending = stage.fire()
    if scene.rng.random() < 0.4:
        await scene.watch_drain(pending, scene.rng.randrange(_LONGEST_WAIT))
        await _reset(stage, copies, scene.rng.choice(KINDS))
    else:
        await scene.until_drained(pending, 0, lambda: None)
        await scene.finish(copies)
        await scene.run()


async def _reset(stage: Stage, copies: Sequence[Copy], kind: str) -> None:
    """A reset in the middle of copies, and all that must work afterwards."""
    scene = stage.scene
    await scene.reset(kind, scene.rng.choice(ORDERS), scene.rng.randrange(LONGEST_GAP))
    scene.after_reset(copies)
    await works_again(stage)


async def _run_into_nothing(scene: Scene, stage: Stage) -> None:
    """A copy out of a page that no view maps, if anything is remapped by now."""
    view = scene.journal.view
    if view.pages is None:
        return
    missing = SOURCE - 0x1000
    scene.journal.view = View("nothing there", view.pages)
    await scene.start([Copy(missing, DESTINATION, 64)])
    assert await scene.host.wait_idle() == Status.ERROR
    assert {report.address for report in stage.driver.handle_faults()} == {missing}
    scene.journal.bursts.clear()
    scene.image.check()
