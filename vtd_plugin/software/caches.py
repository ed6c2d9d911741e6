"""What a unit has cached, and how it is told that tables in memory changed (chapter 6).

`CacheKeeper` is for those who change tables: it knows what a unit needs to hear. `CacheControl` is
for those who want an invalidation for its own sake.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from vtd_plugin.encodings.registers import GSTS
from vtd_plugin.encodings.structures import DeviceTlbInvalidate, PasidDeviceTlbInvalidate
from vtd_plugin.software import descriptors
from vtd_plugin.software.commands import Command, GlobalCommand
from vtd_plugin.software.pages import PAGE_4K
from vtd_plugin.software.probe import probe
from vtd_plugin.software.queue import InvalidationQueue
from vtd_plugin.software.register_invalidation import RegisterInvalidation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator
    from vtd_plugin.software.mmio import Registers
    from vtd_plugin.software.polling import Pending


class Invalidator(Protocol):
    """Whoever carries out invalidations: `InvalidationQueue` or `RegisterInvalidation`."""

    @property
    def enabled(self) -> bool:
        """Whether invalidations can be carried out now."""

    def start(self, *descriptors: Layout) -> Pending:
        """Begin invalidations; requests in flight that they drain may make them take long."""


class CacheKeeper:
    """Keeps the caches of one unit in step with the tables in memory.

    While invalidations cannot be carried out, before the unit is enabled or after it was reset,
    there is nothing to be forgotten that enabling it does not drop. Devices are told only while
    the unit translates (section 4.3): before it stops, they forget everything.

    Args:
        registers: The registers of the unit.
        invalidator: Who carries out invalidations.

    Attributes:
        capabilities: What the unit can do.
    """

    __slots__ = ("_commands", "_invalidator", "_muted", "_registers", "capabilities")

    def __init__(self, registers: Registers, invalidator: Invalidator) -> None:
        self._registers = registers
        self._invalidator = invalidator
        self._commands = GlobalCommand(registers)
        self._muted = False
        self.capabilities = registers.capabilities

    @property
    def caching_mode(self) -> bool:
        """Whether what was not present may be cached as well (CAP.CM, section 6.1)."""
        return bool(self.capabilities.CAP.CM)

    def start(self, *descriptors: Layout) -> Pending:
        """Begin invalidations.

        Args:
            *descriptors: What to forget, in the order context, PASID, IOTLB, device-TLB.

        Returns:
            What to wait for.

        Raises:
            InvalidationRefused: The unit did nothing.
            QueueStopped: The queue is full, and an error keeps it so.
            Timeout: The unit does not finish.
        """
        wanted = [item for item in descriptors if self._can_be_sent(item)]
        if self._muted or not wanted or not self._invalidator.enabled:
            return self._registers.pending(GSTS)  # no field to wait for: done
        return self._invalidator.start(*wanted)

    def run(self, *descriptors: Layout) -> None:
        """Carry out invalidations and wait until they are done.

        Args:
            *descriptors: What to forget, in the order context, PASID, IOTLB, device-TLB.

        Raises:
            InvalidationRefused: The unit did nothing.
            QueueStopped: An error stopped the queue.
            Timeout: The unit does not finish.
        """
        self.start(*descriptors).finish()

    def entries_added(self, *descriptors: Layout) -> None:
        """Tell the unit of entries that were not present before (section 6.5.3.3).

        Args:
            *descriptors: What has to be forgotten if the unit caches what is not present.

        Raises:
            InvalidationRefused: The unit did nothing.
            QueueStopped: An error stopped the queue.
            Timeout: The unit does not finish.
        """
        if self.caching_mode and descriptors:
            self.run(*descriptors)
        elif self.capabilities.CAP.RWBF:
            # The new entries may still sit in a write buffer (section 6.8).
            self._commands.run(Command.FLUSH_WRITE_BUFFER)

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Tell the unit nothing meanwhile: for tables that it does not use yet."""
        self._muted = True
        try:
            yield
        finally:
            self._muted = False

    def _can_be_sent(self, descriptor: Layout) -> bool:
        to_device = isinstance(descriptor, DeviceTlbInvalidate | PasidDeviceTlbInvalidate)
        return not to_device or self._commands.is_on(Command.TRANSLATION)


class CacheControl:
    """The caches of one unit.

    Args:
        cpu: The processor to write the queue with.
        registers: The registers of the unit.
        frames: Where the queue comes from.
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

    def invalidate_context(
        self, domain_id: int | None = None, source_id: int | None = None
    ) -> None:
        """Forget context entries: all, those of a domain, or that of a device in a domain.

        Args:
            domain_id: The domain.
            source_id: The device, with its domain.

        Raises:
            ValueError: `source_id` is given without `domain_id`.
            Timeout: The unit does not finish.
        """
        self.invalidate(descriptors.context_cache(domain_id, source_id))

    def invalidate_iotlb(
        self,
        domain_id: int | None = None,
        iova: int | None = None,
        size: int = PAGE_4K,
        *,
        leaves_only: bool = False,
    ) -> None:
        """Forget translations: all, those of a domain, or those of a range of a domain.

        Args:
            domain_id: The domain.
            iova: First address of the range, with its domain.
            size: Bytes in the range.
            leaves_only: Whether no entry that points to a table has changed (IH=1).

        Raises:
            ValueError: `iova` is given without `domain_id`.
            Timeout: The unit does not finish.
        """
        if iova is None:
            self.invalidate(descriptors.iotlb(domain_id))
            return
        if domain_id is None:
            raise ValueError(f"address {iova:#x} is given without a domain-id")
        caps = self.unit.capabilities
        self.invalidate(
            descriptors.iotlb_pages(caps, domain_id, iova, size, leaves_only=leaves_only)
        )
