"""A scene of a soak ready for a trigger, for both engines or for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from testbenches.journal import DIRECT, PAGE, View
from testbenches.pcie.scene import DESTINATION, PAGES, SOURCE
from testbenches.triggers import THROUGH_QUEUE, THROUGH_REGISTERS, Commands, Trigger

if TYPE_CHECKING:
    from testbenches.journal import Request
    from testbenches.pcie.scene import Scene
    from testbenches.pcie.side import Side
    from vtd_plugin.software import Pending

Given: TypeAlias = "tuple[Pending, list[Request]]"
"""A command: what software waits for, and the requests that it has to wait for."""


class Stage:
    """A scene in its old views, ready for a trigger.

    Attributes:
        driver: Software, with the tables in use.
        recovered: Where each engine is led when software has recovered from a reset.
        chosen: The engine that is meant, where only one is.
    """

    def __init__(self, scene: Scene, trigger: Trigger) -> None:
        """Build both sets of tables, and turn translation on unless that is the trigger."""
        use_queue = trigger in THROUGH_QUEUE or (
            trigger not in THROUGH_REGISTERS and scene.rng.random() < 0.7
        )
        self._scene = scene
        self._trigger = trigger
        self.chosen = scene.rng.choice(scene.sides)
        self.driver, other = (scene.driver(each, use_queue=use_queue) for each in range(2))
        self._commands = Commands(self.driver, other, trigger)
        source_ids = [side.port.source_id for side in scene.sides]
        self._remapped = {each: scene.random_view("remapped") for each in source_ids}
        self.recovered: dict[int, View] = dict(self._remapped)
        self._changed = {each: scene.random_view("changed") for each in source_ids}
        self._commands.build(self._remapped, self._changed)
        self._commands.bring_up()
        if trigger is not Trigger.ENABLE:
            scene.see(self._remapped)

    def recover(self) -> None:
        """What software does after a reset, with the tables that are still in memory."""
        self._commands.recover()
        self._scene.see(self.recovered)

    def fire(self) -> list[Given]:
        """Give the command, or two; no time passes."""
        given = self._fire()
        self.recovered = {side.port.source_id: side.journal.view for side in self._scene.sides}
        return given

    def _fire(self) -> list[Given]:
        sides = self._scene.sides
        if self._trigger is Trigger.UNMAP:
            return [self._unmap(self.chosen)]
        if self._trigger is Trigger.TWO_DOMAINS:
            # The second wait of a queue is over when the first one is, too.
            first, second = (self._give(side) for side in sides)
            return [first, (second[0], first[1] + second[1])]
        is_for_all = self._trigger in (Trigger.ENABLE, Trigger.DISABLE, Trigger.SET_ROOT)
        return [self._give(*(sides if is_for_all else [self.chosen]))]

    def _give(self, *sides: Side) -> Given:
        """A command that leads engines from the tables in use to the others."""
        older = [request for side in sides for request in side.older()]
        for side in sides:
            side.journal.view = self._new(side.port.source_id)
        return self._commands.start(sides[0].port.source_id), older

    def _new(self, source_id: int) -> View:
        if self._trigger is Trigger.DISABLE:
            return DIRECT
        views = self._remapped if self._trigger is Trigger.ENABLE else self._changed
        return views[source_id]

    def _unmap(self, side: Side) -> Given:
        """A page, or all, of the source or the destination of an engine is mapped no more."""
        source_id, rng = side.port.source_id, self._scene.rng
        first, size = rng.choice((SOURCE, DESTINATION)), PAGES * PAGE
        if rng.random() < 0.5:
            first, size = first + PAGE * rng.randrange(PAGES), PAGE
        older = side.older(first, first + size - 1)
        old = self._remapped[source_id]
        gone = range(first, first + size)
        left = {iova: at for iova, at in (old.pages or {}).items() if iova not in gone}
        side.journal.view = View("unmapped", left, old.blocks)
        return self._commands.domains[source_id].start_unmap(first, size), older
