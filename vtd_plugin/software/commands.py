"""Global commands: translation, root pointer, queue, interrupt remapping, write buffer.

Section 11.4.4. Every write of GCMD presents the whole wanted state, so software starts from GSTS
without its one-shot bits, changes one bit, writes, and polls the status that belongs to the bit.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.registers import GCMD, GSTS

if TYPE_CHECKING:
    from vtd_plugin.software.mmio import Registers
    from vtd_plugin.software.polling import Pending

_ONE_SHOT: Final = GSTS.mask("RTPS", "FLS", "WBFS", "IRTPS")
"""Status bits that must not be written back: they would start a command (section 11.4.4.1)."""


class Command(Enum):
    """A bit of GCMD. The first four words are levels, the others start something once.

    Attributes:
        bit: The field of GCMD.
        status: The field of GSTS that tells when it is done.
    """

    TRANSLATION = ("TE", "TES")
    QUEUE = ("QIE", "QIES")
    INTERRUPT_REMAPPING = ("IRE", "IRES")
    COMPATIBILITY_INTERRUPTS = ("CFI", "CFIS")
    SET_ROOT_TABLE = ("SRTP", "RTPS")
    SET_INTERRUPT_TABLE = ("SIRTP", "IRTPS")
    FLUSH_WRITE_BUFFER = ("WBF", "WBFS")

    def __init__(self, bit: str, status: str) -> None:
        self.bit = bit
        self.status = status


class GlobalCommand:
    """The global command register of one unit.

    No two commands may be under way at once: finish one before the next is started.

    Args:
        registers: The registers of the unit.
    """

    __slots__ = ("_registers",)

    def __init__(self, registers: Registers) -> None:
        self._registers = registers

    def start(self, command: Command, *, on: bool = True) -> Pending:
        """Write one command and return at once.

        Args:
            command: Which one.
            on: Whether a level is to be set; one-shot commands are always on.

        Returns:
            What to wait for.
        """
        kept = self._registers.read(GSTS).value & ~_ONE_SHOT
        bit = GCMD.mask(command.bit)
        self._registers.write(GCMD, kept | bit if on else kept & ~bit)
        # The write-buffer flush is the odd one: its status is set while it runs (section 11.4.4.2).
        wanted = on and command is not Command.FLUSH_WRITE_BUFFER
        return self._registers.pending(GSTS, **{command.status: int(wanted)})

    def run(self, command: Command, *, on: bool = True) -> None:
        """Write one command and wait until it is done.

        Args:
            command: Which one.
            on: Whether a level is to be set; one-shot commands are always on.

        Raises:
            Timeout: Its status never changed.
        """
        self.start(command, on=on).finish()

    def is_on(self, command: Command) -> bool:
        """Whether the status of a command is set.

        Args:
            command: Which one.
        """
        return bool(self._registers.read(GSTS).value & GSTS.mask(command.status))
