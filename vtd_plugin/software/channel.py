"""How software reaches one unit: registers, global commands and invalidations.

Everything that is programmed of a unit goes this way, whatever it is for. Invalidations go through
the queue or through registers; who asks for them need not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.software.caches import CacheKeeper
from vtd_plugin.software.commands import Command, GlobalCommand
from vtd_plugin.software.probe import probe
from vtd_plugin.software.queue import InvalidationQueue
from vtd_plugin.software.register_invalidation import RegisterInvalidation

if TYPE_CHECKING:
    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator
    from vtd_plugin.software.mmio import Registers
    from vtd_plugin.software.polling import Pending


class UnitChannel:
    """What all parts of software share of one unit.

    Args:
        cpu: The processor to write tables and queues with.
        registers: The registers of the unit.
        frames: Where tables and queues come from.
        use_queue: Whether to invalidate through the queue; None: wherever there is one.

    Attributes:
        registers: The registers of the unit.
        commands: The global commands of the unit.
        unit: What was found out about the unit.
        queue: The invalidation queue; None where registers are used instead.
        keeper: Who tells the unit of changed tables.

    Raises:
        ValueError: The unit cannot be used the way that `use_queue` demands.
        MemoryError: No frames are left.
    """

    def __init__(
        self,
        cpu: Cpu,
        registers: Registers,
        frames: FrameAllocator,
        *,
        use_queue: bool | None = None,
    ) -> None:
        self._cpu = cpu
        self._frames = frames
        self.registers = registers
        self.commands = GlobalCommand(registers)
        self.unit = probe(registers.capabilities, use_queue)
        self.queue: InvalidationQueue | None = None
        if self.unit.uses_queue:
            wide = self.unit.wide_descriptors
            self.queue = InvalidationQueue(registers, cpu, frames, wide=wide)
        self._invalidator = self.queue or RegisterInvalidation(registers)
        self.keeper = CacheKeeper(registers, self._invalidator)

    def start_queue(self) -> None:
        """Have the unit use our own queue, or none where registers are used.

        Raises:
            Timeout: The unit does not finish a command.
        """
        if self.commands.is_on(Command.QUEUE):
            if self.queue is not None and self.queue.is_current:
                return
            self.commands.run(Command.QUEUE, on=False)
        if self.queue is not None:
            self.queue.enable()

    def invalidate(self, *what: Layout) -> None:
        """Carry out invalidations and wait until they are done.

        Args:
            *what: Descriptors, see `vtd_plugin.software.descriptors`.

        Raises:
            ValueError: The unit is used without a queue, and registers cannot do it.
            InvalidationRefused: The unit did nothing.
            QueueStopped: An error stopped the queue.
            Timeout: The unit does not finish.
        """
        self.start_invalidation(*what).finish()

    def start_invalidation(self, *what: Layout) -> Pending:
        """Begin invalidations; requests in flight that they drain may delay them (section 6.5.4).

        Args:
            *what: Descriptors, see `vtd_plugin.software.descriptors`.

        Returns:
            What to wait for.

        Raises:
            ValueError: The unit is used without a queue, and registers cannot do it.
            InvalidationRefused: The unit did nothing.
            QueueStopped: The queue is full, and an error keeps it so.
            Timeout: The unit does not finish what has to come first.
        """
        return self._invalidator.start(*what)
