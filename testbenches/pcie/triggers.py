"""What happens to the engines of a soak: commands of a driver, and resets.

A `Stage` has tables in use and, beside them, others that the unit has not been told of. It fires a
command that leads from the old to the new, for both engines or for one of them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

from testbenches.journal import DIRECT, PAGE, View
from testbenches.pcie.scene import DESTINATION, PAGES, SOURCE
from vtd_plugin.software import Command, descriptors

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbenches.journal import Request
    from testbenches.pcie.scene import Scene
    from testbenches.pcie.side import Side
    from vtd_plugin.software import Domain, Driver, Pending


class Trigger(StrEnum):
    """What happens."""

    ENABLE = "TE on"
    DISABLE = "TE off"
    SET_ROOT = "SRTP"
    CONTEXT = "context invalidation"
    DOMAIN = "domain invalidation"
    DOMAINS = "invalidations of both domains"
    UNMAP = "page invalidation"
    FUNCTION_RESET = "function reset"
    WARM_RESET = "warm reset"
    COLD_RESET = "cold reset"


RESETS: Final = {Trigger.WARM_RESET: "warm", Trigger.COLD_RESET: "cold"}


Given: TypeAlias = "list[tuple[Pending, list[Request]]]"
"""Commands: what software waits for, and the requests that each has to wait for."""


class Stage:
    """A scene in its old views, ready for a trigger.

    Attributes:
        driver: Software, with the tables in use.
        remapped: Where its tables lead each engine.
        chosen: The number of the engine that is meant, where only one is.
    """

    def __init__(self, scene: Scene, trigger: Trigger) -> None:
        """Build both sets of tables, and turn translation on unless that is the trigger."""
        use_queue = trigger is Trigger.DOMAINS or scene.rng.random() < 0.7
        self._scene = scene
        self._trigger = trigger
        self.chosen = scene.rng.randrange(len(scene.sides))
        self.driver, self._other = (scene.driver(each, use_queue=use_queue) for each in range(2))
        self.remapped = [scene.random_view("remapped") for _ in scene.sides]
        self._changed = [scene.random_view("changed") for _ in scene.sides]
        self._domains = self._build(self.driver, self.remapped)
        self._build(self._other, self._changed)
        if trigger is Trigger.ENABLE:
            self.driver.start_queue()
            self.driver.set_root(self.driver.root)
        else:
            self.driver.enable()
            self.see(self.remapped)

    def see(self, views: list[View]) -> None:
        """Let addresses lead each engine to places of its own."""
        for side, view in zip(self._scene.sides, views, strict=True):
            side.journal.view = view

    def fire(self) -> Given:
        """Give the command, or two; no time passes."""
        return self._actions[self._trigger](self)

    def _build(self, driver: Driver, views: list[View]) -> list[Domain]:
        driver.prepare()
        domains = []
        for side, view in zip(self._scene.sides, views, strict=True):
            domain = driver.create_domain()
            assert view.pages is not None
            for iova, address in view.pages.items():
                domain.map(iova, address, PAGE)
            driver.attach(side.port.source_id, domain)
            domains.append(domain)
        return domains

    def _older(self) -> list[Request]:
        return [transfer for side in self._scene.sides for transfer in side.older()]

    def _enable(self) -> Given:
        older = self._older()
        self.see(self.remapped)
        return [(self.driver.commands.start(Command.TRANSLATION), older)]

    def _disable(self) -> Given:
        older = self._older()
        self._scene.see(DIRECT)
        return [(self.driver.start_disable(), older)]

    def _set_root(self) -> Given:
        older = self._older()
        self.see(self._changed)
        return [(self.driver.start_set_root(self._other.root), older)]

    def _change_context(self) -> Given:
        """The context entry gets other tables; translations made by the old ones go as well."""
        side, number = self._side, self._domains[self.chosen].domain_id
        entry = self._other.devices.root_table.read_context_entry(side.port.source_id)
        self.driver.devices.root_table.write_context_entry(side.port.source_id, entry.value)
        older = side.older()
        side.journal.view = self._changed[self.chosen]
        context = descriptors.context_cache(number, side.port.source_id)
        return [(self.driver.start_invalidation(context, descriptors.iotlb(number)), older)]

    def _change_domain(self) -> Given:
        return [self._move_pages(self.chosen)]

    def _change_domains(self) -> Given:
        """The second wait of a queue is over when the first one is, too."""
        first, second = (self._move_pages(number) for number in range(2))
        return [first, (second[0], first[1] + second[1])]

    def _move_pages(self, number: int) -> tuple[Pending, list[Request]]:
        """All pages of a domain lead elsewhere."""
        side, domain, view = self._scene.sides[number], self._domains[number], self._changed[number]
        assert view.pages is not None
        for iova, address in view.pages.items():
            domain.table.unmap(iova, PAGE)
            domain.table.map(iova, address, PAGE)
        older = side.older()
        side.journal.view = view
        return self.driver.start_invalidation(descriptors.iotlb(domain.domain_id)), older

    def _unmap(self) -> Given:
        """A page, or all, of the source or the destination of one engine is mapped no more."""
        side, domain, rng = self._side, self._domains[self.chosen], self._scene.rng
        first, size = rng.choice((SOURCE, DESTINATION)), PAGES * PAGE
        if rng.random() < 0.5:
            first, size = first + PAGE * rng.randrange(PAGES), PAGE
        older = side.older(first, first + size - 1)
        pages = self.remapped[self.chosen].pages
        assert pages is not None
        gone = range(first, first + size)
        side.journal.view = View(
            "unmapped", {iova: pages[iova] for iova in pages if iova not in gone}
        )
        return [(domain.start_unmap(first, size), older)]

    @property
    def _side(self) -> Side:
        return self._scene.sides[self.chosen]

    _actions: Final[dict[Trigger, Callable[[Stage], Given]]] = {
        Trigger.ENABLE: _enable,
        Trigger.DISABLE: _disable,
        Trigger.SET_ROOT: _set_root,
        Trigger.CONTEXT: _change_context,
        Trigger.DOMAIN: _change_domain,
        Trigger.DOMAINS: _change_domains,
        Trigger.UNMAP: _unmap,
    }
