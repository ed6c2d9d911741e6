"""A scene ready for a trigger.

A `Stage` prepares two views, old and new, and fires one trigger that leads from the old to the new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cocotb.task import bridge

from testbenches.journal import DIRECT
from testbenches.triggers import RESETS, THROUGH_QUEUE, THROUGH_REGISTERS, Commands, Trigger
from vtd_plugin.encodings.registers import GCMD, IOTLB, IQT

if TYPE_CHECKING:
    from testbenches.scene import Scene
    from vtd_plugin.encodings._register import Register
    from vtd_plugin.software import Pending


class Stage:
    """A scene in its old view, ready for a trigger.

    Attributes:
        scene: The scene.
        trigger: What is going to happen.
        driver: Software, with the tables in use.
        remapped: Where these lead.
        old: Where addresses lead at first.
        new: Where they lead afterwards.
        recovered: Where they lead when software has recovered from a reset.
    """

    def __init__(self, scene: Scene, trigger: Trigger) -> None:
        self.scene = scene
        self.trigger = trigger
        use_queue = trigger not in THROUGH_REGISTERS
        self.driver = scene.driver(use_queue=use_queue)
        self._commands = Commands(self.driver, scene.driver(1, use_queue=use_queue), trigger)
        self.remapped = scene.random_view("remapped")
        self._changed = scene.random_view("changed")
        self.recovered = self.remapped
        self.old = DIRECT if trigger is Trigger.ENABLE else self.remapped
        self.new = {Trigger.ENABLE: self.remapped, Trigger.DISABLE: DIRECT}.get(
            trigger, DIRECT if trigger in RESETS else self._changed
        )

    async def prepare(self) -> None:
        """Build tables, and turn translation on unless that is the trigger."""
        source_id = self.scene.port.source_id
        self._commands.build({source_id: self.remapped}, {source_id: self._changed})
        await bridge(self._commands.bring_up)()
        self.scene.journal.view = self.old

    def fire(self) -> Pending:
        """Do what is not a reset; no time passes, and the view changes with the command."""
        self.scene.journal.switch_when(self._is_command, self.new)
        pending = self._commands.start(self.scene.port.source_id)
        assert self.scene.journal.view is self.new
        self.recovered = self.new
        return pending

    async def recover(self) -> None:
        """What software does after a reset, with the tables that are still in memory."""
        await bridge(self._commands.recover)()
        self.scene.journal.view = self.recovered

    def _is_command(self, address: int) -> bool:
        if self.trigger in THROUGH_QUEUE:
            return address == self._address(IQT)
        if self.trigger in THROUGH_REGISTERS:
            return address == self._address(IOTLB)
        return address == self._address(GCMD)

    def _address(self, register: type[Register]) -> int:
        return self.driver.registers.address(register)
