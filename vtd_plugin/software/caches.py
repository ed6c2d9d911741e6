"""The caches of a unit, kept in step with the tables in memory (chapter 6).

Whoever changes a table says here what has to be forgotten. Whether a unit needs to hear it, and
whether it can, is decided in one place.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from vtd_plugin.encodings.registers import GSTS
from vtd_plugin.encodings.structures import DeviceTlbInvalidate, PasidDeviceTlbInvalidate
from vtd_plugin.software.commands import Command, GlobalCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.encodings._layout import Layout
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
