"""Everything that makes a unit switch where addresses lead, as software or a platform does it.

`Commands` is software that gives those of the triggers that are no resets, for one master or
several: it has two sets of tables, and leads from the one to the other.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from testbenches.journal import PAGE
from vtd_plugin.software import Command, descriptors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from testbenches.journal import View
    from vtd_plugin.software import Domain, Driver, Pending


class Trigger(StrEnum):
    """What happens."""

    ENABLE = "TE on"
    DISABLE = "TE off"
    SET_ROOT = "SRTP"
    CONTEXT_REGISTER = "context invalidation, register"
    CONTEXT_QUEUE = "context invalidation, queue"
    IOTLB_REGISTER = "IOTLB invalidation, register"
    IOTLB_QUEUE = "IOTLB invalidation, queue"
    WARM_RESET = "warm reset"
    COLD_RESET = "cold reset"
    TWO_DOMAINS = "IOTLB invalidations of two domains, queue"
    UNMAP = "unmapping"
    FUNCTION_RESET = "function reset"


RESETS: Final = {Trigger.WARM_RESET: "warm", Trigger.COLD_RESET: "cold"}
THROUGH_REGISTERS: Final = frozenset({Trigger.CONTEXT_REGISTER, Trigger.IOTLB_REGISTER})
THROUGH_QUEUE: Final = frozenset({Trigger.CONTEXT_QUEUE, Trigger.IOTLB_QUEUE, Trigger.TWO_DOMAINS})
OF_ONE_MASTER: Final = tuple(
    each
    for each in Trigger
    if each not in (Trigger.TWO_DOMAINS, Trigger.UNMAP, Trigger.FUNCTION_RESET)
)
"""Those of a master that has nobody beside it, and that is not blocked."""


class Commands:
    """Software with tables in use, and others that the unit has not been told of.

    Args:
        driver: The driver that uses the ones.
        other: One that has built the others.
        trigger: What it is to give.

    Attributes:
        driver: The driver that uses the ones.
        domains: Its domains, by source-id.
    """

    def __init__(self, driver: Driver, other: Driver, trigger: Trigger) -> None:
        self.driver = driver
        self.domains: dict[int, Domain] = {}
        self._other = other
        self._trigger = trigger
        self._changed: Mapping[int, View] = {}

    def build(self, remapped: Mapping[int, View], changed: Mapping[int, View]) -> None:
        """Build both sets of tables, each with a domain and a view for every source-id."""
        self.domains = _build(self.driver, remapped)
        _build(self._other, changed)
        self._changed = changed

    def bring_up(self) -> None:
        """Turn translation on; if that is the trigger, everything before it."""
        if self._trigger is Trigger.ENABLE:
            self.driver.start_queue()
            self.driver.set_root(self.driver.root)
        else:
            self.driver.enable()

    def recover(self) -> None:
        """Bring the unit back to where it was after a reset, or where the command was to lead."""
        if self._trigger is Trigger.ENABLE:
            self.driver.enable()
        else:
            self.driver.recover_after_reset()

    def start(self, source_id: int) -> Pending:
        """Give the command, and return at once.

        Args:
            source_id: Whose tables change, where the command is not for all.
        """
        return self._actions[self._trigger](self, source_id)

    def _enable(self, _: int) -> Pending:
        return self.driver.commands.start(Command.TRANSLATION)

    def _disable(self, _: int) -> Pending:
        return self.driver.start_disable()

    def _set_root(self, _: int) -> Pending:
        return self.driver.start_set_root(self._other.root)

    def _change_context(self, source_id: int) -> Pending:
        """The context entry gets other tables; translations made by the old ones go as well."""
        entry = self._other.devices.root_table.read_context_entry(source_id)
        self.driver.devices.root_table.write_context_entry(source_id, entry.value)
        number = self.domains[source_id].domain_id
        context = descriptors.context_cache(number, source_id)
        return self.driver.start_invalidation(context, descriptors.iotlb(number))

    def _change_pages(self, source_id: int) -> Pending:
        domain, view = self.domains[source_id], self._changed[source_id]
        for iova in view.pages or ():
            domain.table.unmap(iova, PAGE)
        view.map_in(domain.table)
        return self.driver.start_invalidation(descriptors.iotlb(domain.domain_id))

    _actions: Final[dict[Trigger, Callable[[Commands, int], Pending]]] = {
        Trigger.ENABLE: _enable,
        Trigger.DISABLE: _disable,
        Trigger.SET_ROOT: _set_root,
        Trigger.CONTEXT_REGISTER: _change_context,
        Trigger.CONTEXT_QUEUE: _change_context,
        Trigger.IOTLB_REGISTER: _change_pages,
        Trigger.IOTLB_QUEUE: _change_pages,
        Trigger.TWO_DOMAINS: _change_pages,
    }


def _build(driver: Driver, views: Mapping[int, View]) -> dict[int, Domain]:
    driver.prepare()
    domains = {}
    for source_id, view in views.items():
        domains[source_id] = driver.create_domain()
        view.map_in(domains[source_id])
        driver.attach(source_id, domains[source_id])
    return domains
