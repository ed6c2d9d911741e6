"""One cell of the reset matrix: a trigger at a moment of a burst, and what is checked about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from hdl_bridge.axi import Latency
from testbenches.memory_side import Memory
from testbenches.moments import Direction, Moment, Stop
from testbenches.scene import Scene
from testbenches.sg import Register
from testbenches.stage import Stage
from testbenches.triggers import OF_ONE_MASTER, RESETS, Trigger

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLD: Final = 20
"""Clock cycles for which a burst is held after the trigger."""
WALK: Final = 80
"""Clock cycles of a walk, more than a burst is held."""
ORDERS: Final = ("masters-first", "units-first")


@dataclass(frozen=True, slots=True)
class Cell:
    """A case of the matrix.

    Attributes:
        trigger: What happens.
        order: Which half is reset first; empty for what is no reset.
        moment: When.
        direction: To which kind of burst; empty for an idle master.
        memory: What is between the master and its port.
    """

    trigger: Trigger
    order: str
    moment: Moment
    direction: str
    memory: Memory

    @property
    def name(self) -> str:
        """The case in words."""
        return f"{self.name_in_memory}, {self.memory}"

    @property
    def name_in_memory(self) -> str:
        """The same, among the cells of its memory."""
        parts = (self.trigger, self.order, self.moment, self.direction)
        return ", ".join(part for part in parts if part)

    @property
    def test(self) -> str:
        """The cocotb test of it, in `testbenches.cocotb_matrix`."""
        return f"every_byte_lands_where_it_must/cell={self.name_in_memory}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a run has checked of a cell.

    Attributes:
        cell: The cell.
        before: Bursts that began before the trigger.
        after: Bursts that began after it, before the master was done or reset.
        waited: Whether the command had bursts in flight to wait for.
        bytes_compared: Bytes of memory compared.
    """

    cell: Cell
    before: int
    after: int
    waited: bool
    bytes_compared: int

    def record(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def cells(memory: Memory) -> Iterator[Cell]:
    """All cells of a memory.

    Only in an AxiMemory do walks take time, so that a burst can be caught while it is translated.
    Memory that is not remapped is not walked for, so enabling has no such moment.
    """
    for trigger, moment in product(OF_ONE_MASTER, Moment):
        has_walks = memory is Memory.AXI_MEMORY and trigger is not Trigger.ENABLE
        if moment is Moment.WALK and not has_walks:
            continue
        directions = ("",) if moment is Moment.IDLE else tuple(Direction)
        for order, direction in product(ORDERS if trigger in RESETS else ("",), directions):
            yield Cell(trigger, order, moment, direction, memory)


def part(number: int, of: int, memory: Memory) -> list[str]:
    """The names of the cocotb tests of every `of`-th cell of a memory, from `number` on."""
    return [cell.test for cell in cells(memory)][number % of :: of]


async def check(dut: Any, cell: Cell) -> Checked:
    """Run a cell.

    Raises:
        AssertionError: Something is not as it must be.
    """
    latency = Latency(walk=WALK) if cell.moment is Moment.WALK else Latency()
    scene = await Scene.power_up(dut, latency=latency)
    stage = Stage(scene, cell.trigger)
    await stage.prepare()
    if cell.moment is not Moment.WALK:
        # Translations of all pages are at hand, and stale once tables change.
        await scene.run()
    run = _Run(scene, stage, cell)
    await (run.reset() if cell.trigger in RESETS else run.command())
    return run.checked()


class _Run:
    def __init__(self, scene: Scene, stage: Stage, cell: Cell) -> None:
        self._scene = scene
        self._stage = stage
        self._cell = cell
        self._copies = scene.random_copies()
        self._before = self._after = self._compared = 0
        self._waited = False

    def checked(self) -> Checked:
        return Checked(self._cell, self._before, self._after, self._waited, self._compared)

    async def command(self) -> None:
        """A command while the master is at the moment; all of its copies get done."""
        scene, cell = self._scene, self._cell
        stop = await self._reach()
        pending = self._stage.fire()
        release = stop.release if stop is not None else _nothing
        self._waited = await scene.until_drained(pending, HOLD, release)
        assert self._waited or cell.moment in (Moment.IDLE, Moment.ADDRESS)
        if stop is None:
            await scene.start(self._copies)
        await scene.host.wait_idle()
        self._count()
        self._compared += await scene.finish(self._copies)
        self._compared += await scene.run()
        assert not self._stage.driver.handle_faults()

    async def reset(self) -> None:
        """A reset at the moment; then firmware's DMA, recovery, and DMA by the old tables again."""
        scene = self._scene
        stop = await self._reach()
        gap = scene.rng.randrange(HOLD)
        # Where the unit comes first the master goes on into the gap, out of its hold.
        if stop is not None and self._cell.order == "units-first":
            stop.release()
        await scene.reset(RESETS[self._cell.trigger], self._cell.order, gap)
        if stop is not None:
            stop.release()
        self._count()
        self._compared += scene.after_reset(self._copies)
        assert await scene.master.read(Register.STATUS) == 0
        assert not self._stage.driver.translating
        self._compared += await scene.run()
        await self._stage.recover()
        self._compared += await scene.run()
        assert not self._stage.driver.handle_faults()

    async def _reach(self) -> Stop | None:
        scene, cell = self._scene, self._cell
        if cell.moment is Moment.IDLE:
            return None
        await scene.start(self._copies)
        await scene.until_bursts(scene.rng.randrange(2, 24))
        stop = Stop(scene, Direction(cell.direction))
        await stop.at(cell.moment)
        return stop

    def _count(self) -> None:
        scene, stage = self._scene, self._stage
        self._before = scene.journal.under(stage.old)
        self._after = scene.journal.under(stage.new)
        if self._cell.moment is not Moment.IDLE:
            assert self._before
            assert self._after or self._cell.trigger in RESETS


def _nothing() -> None:
    """There is nobody to let go on."""
