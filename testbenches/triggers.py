"""Everything that makes a unit switch where addresses lead, as software or a platform does it.

A `Stage` prepares two views, old and new, and fires one trigger that leads from the old to the new.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from testbenches.journal import DIRECT, View
from testbenches.scene import DEVICE, Scene
from vtd_plugin.encodings.registers import GCMD, IOTLB, IQT
from vtd_plugin.software import Command, Driver, descriptors

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.encodings._register import Register
    from vtd_plugin.software import Domain, Pending


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


RESETS: Final = {Trigger.WARM_RESET: "warm", Trigger.COLD_RESET: "cold"}
THROUGH_REGISTERS: Final = frozenset({Trigger.CONTEXT_REGISTER, Trigger.IOTLB_REGISTER})


class Stage:
    """A scene in its old view, ready for a trigger.

    Attributes:
        scene: The scene.
        driver: Software, with the tables in use.
        old: Where addresses lead at first.
        new: Where they lead afterwards.
    """

    def __init__(self, scene: Scene, trigger: Trigger) -> None:
        self.scene = scene
        self.trigger = trigger
        use_queue = trigger not in THROUGH_REGISTERS
        self.driver = scene.driver(use_queue=use_queue)
        self.remapped = scene.random_view("remapped")
        # Other tables, which nobody has told the unit of.
        self._other = scene.driver(1, use_queue=use_queue)
        self._changed = scene.random_view("changed")
        self.old = DIRECT if trigger is Trigger.ENABLE else self.remapped
        self.new = {Trigger.ENABLE: self.remapped, Trigger.DISABLE: DIRECT}.get(
            trigger, DIRECT if trigger in RESETS else self._changed
        )

    async def prepare(self) -> None:
        """Build tables, and turn translation on unless that is the trigger."""
        self._domain = self._build(self.driver, self.remapped)
        self._build(self._other, self._changed)
        if self.trigger is Trigger.ENABLE:
            await self.scene.software(self._all_but_translation)
        else:
            await self.scene.software(self.driver.enable)
            self.scene.journal.view = self.remapped

    def fire(self) -> Pending:
        """Do what is not a reset; no time passes, and the view changes with the command."""
        is_command = self._is_command
        self.scene.journal.switch_when(is_command, self.new)
        pending = self._actions[self.trigger](self)
        assert self.scene.journal.view is self.new
        return pending

    def _build(self, driver: Driver, view: View) -> Domain:
        driver.prepare()
        domain = driver.create_domain()
        self.scene.map_view(domain, view)
        driver.attach(DEVICE, domain)
        return domain

    def _all_but_translation(self) -> None:
        self.driver.start_queue()
        self.driver.set_root(self.driver.root)

    def _is_command(self, address: int) -> bool:
        if self.trigger in (Trigger.CONTEXT_QUEUE, Trigger.IOTLB_QUEUE):
            return address == self._address(IQT)
        if self.trigger in THROUGH_REGISTERS:
            return address == self._address(IOTLB)
        return address == self._address(GCMD)

    def _address(self, register: type[Register]) -> int:
        return self.driver.registers.address(register)

    def _enable(self) -> Pending:
        return self.driver.commands.start(Command.TRANSLATION)

    def _disable(self) -> Pending:
        return self.driver.start_disable()

    def _set_root(self) -> Pending:
        return self.driver.start_set_root(self._other.root)

    def _change_context(self) -> Pending:
        """The context entry gets other tables; translations made by the old ones go as well."""
        entry = self._other.devices.root_table.read_context_entry(DEVICE)
        self.driver.devices.root_table.write_context_entry(DEVICE, entry.value)
        number = self._domain.domain_id
        context = descriptors.context_cache(number, self.scene.port.source_id)
        return self.driver.start_invalidation(context, descriptors.iotlb(number))

    def _change_pages(self) -> Pending:
        assert self._changed.pages is not None
        table = self._domain.table
        for iova, address in self._changed.pages.items():
            table.unmap(iova, 4096)
            table.map(iova, address, 4096)
        return self.driver.start_invalidation(descriptors.iotlb(self._domain.domain_id))

    _actions: Final[dict[Trigger, Callable[[Stage], Pending]]] = {
        Trigger.ENABLE: _enable,
        Trigger.DISABLE: _disable,
        Trigger.SET_ROOT: _set_root,
        Trigger.CONTEXT_REGISTER: _change_context,
        Trigger.CONTEXT_QUEUE: _change_context,
        Trigger.IOTLB_REGISTER: _change_pages,
        Trigger.IOTLB_QUEUE: _change_pages,
    }
