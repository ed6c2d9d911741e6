"""The interrupt side of the unit (chapter 5).

Interrupt requests pass in compatibility format: the interrupt remapping table pointer is latched
and the enable bits are mirrored, but no entry is looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.bus import Fault, InterruptMessage
from vtd_plugin.encodings.registers import IRTA

if TYPE_CHECKING:
    from vtd_plugin.iommu.registers import RegisterFile


class Interrupts:
    """Interrupt requests of the unit's requesters.

    Args:
        registers: The unit's registers.
    """

    __slots__ = ("_registers", "table")

    def __init__(self, registers: RegisterFile) -> None:
        self._registers = registers
        self.table = IRTA(0)

    def latch_table(self) -> None:
        """SIRTP: use the table that IRTA names from now on (§11.4.10)."""
        self.table = self._registers.load(IRTA)

    def invalidate(self, index: int | None, index_mask: int) -> None:
        """Drop cached table entries: there are none, since none is looked up."""

    def changed(self) -> None:
        """IRE: remapping of interrupts was turned on or off."""

    def reset(self) -> None:
        """No table."""
        self.table = IRTA(0)

    def resolve(self, source_id: int, address: int, data: int) -> InterruptMessage | Fault:
        """What leaves for the processors when a requester writes `data` to the interrupt range."""
        return InterruptMessage(address, data, source_id)
