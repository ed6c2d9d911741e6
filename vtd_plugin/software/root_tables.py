"""Root and context tables: from a source-id to the entry that says how to translate its requests.

Sections 3.4.2, 3.4.3 and 9.1 to 9.4. Context tables are made when they are first needed, and stay.
Telling the unit about a change is not done here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from vtd_plugin.bus.source_id import parse_source_id
from vtd_plugin.encodings._layout import Layout
from vtd_plugin.encodings.structures import (
    ContextEntry,
    RootEntry,
    ScalableContextEntry,
    ScalableRootEntry,
)
from vtd_plugin.software.cpu import read_entry, write_entry
from vtd_plugin.software.frames import FRAME_BYTES

if TYPE_CHECKING:
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator

_FUNCTIONS: Final = 256
"""Functions of one bus: 32 devices with 8 each."""

RootT = TypeVar("RootT", bound=Layout)
ContextT = TypeVar("ContextT", bound=Layout)


class RootTable(ABC, Generic[RootT, ContextT]):
    """A root table with its context tables.

    Args:
        cpu: The processor to write the tables with.
        frames: Where tables come from.

    Attributes:
        address: Physical address of the root table.

    Raises:
        MemoryError: No frame is left.
    """

    _ROOT: type[RootT]
    _CONTEXT: type[ContextT]

    def __init__(self, cpu: Cpu, frames: FrameAllocator) -> None:
        self._cpu = cpu
        self._frames = frames
        self._tables: list[int] = []
        self.address = self._new_table()

    def root_entry_address(self, bus: int) -> int:
        """Physical address of the root entry of a bus.

        Args:
            bus: Bus number, 0 to 0xFF.
        """
        return self.address + bus * (self._ROOT.BITS // 8)

    def read_root_entry(self, bus: int) -> RootT:
        """The root entry of a bus.

        Args:
            bus: Bus number, 0 to 0xFF.
        """
        return read_entry(self._cpu, self.root_entry_address(bus), self._ROOT)

    def write_root_entry(self, bus: int, value: int) -> None:
        """Write any bits as the root entry of a bus, legal or not.

        Args:
            bus: Bus number, 0 to 0xFF.
            value: The bits of the entry.

        Raises:
            ValueError: `value` is wider than the entry.
        """
        write_entry(self._cpu, self.root_entry_address(bus), self._ROOT, value)

    def context_entry_address(self, source_id: int | str) -> int | None:
        """Physical address of a context entry; None where no table holds it.

        Args:
            source_id: Who asks.
        """
        bus, function = divmod(parse_source_id(source_id), _FUNCTIONS)
        table = self._context_table(self.read_root_entry(bus), function)
        return None if table is None else table + self._slot(function)

    def read_context_entry(self, source_id: int | str) -> ContextT:
        """The context entry of a source-id, all zero where no table holds it.

        Args:
            source_id: Who asks.
        """
        address = self.context_entry_address(source_id)
        if address is None:
            return self._CONTEXT(0)
        return read_entry(self._cpu, address, self._CONTEXT)

    def write_context_entry(self, source_id: int | str, value: int) -> None:
        """Write any bits as the context entry of a source-id, legal or not.

        The context table and the root entry are made as needed.

        Args:
            source_id: Who asks.
            value: The bits of the entry.

        Raises:
            ValueError: `value` is wider than the entry.
            MemoryError: No frame is left.
        """
        bus, function = divmod(parse_source_id(source_id), _FUNCTIONS)
        root = self.read_root_entry(bus)
        table = self._context_table(root, function)
        if table is None:
            table = self._new_table()
            self.write_root_entry(bus, self._with_table(root, function, table))
        write_entry(self._cpu, table + self._slot(function), self._CONTEXT, value)

    def free_all(self) -> None:
        """Give back every table: the end of them, after the unit has stopped using them."""
        for table in self._tables:
            self._frames.free(table)
        self._tables.clear()

    @abstractmethod
    def _context_table(self, root: RootT, function: int) -> int | None:
        """The context table of a function; None if the root entry has none."""

    @abstractmethod
    def _with_table(self, root: RootT, function: int, table: int) -> int:
        """The root entry with a context table put in for a function."""

    def _slot(self, function: int) -> int:
        entry_bytes = self._CONTEXT.BITS // 8
        return function * entry_bytes % FRAME_BYTES

    def _new_table(self) -> int:
        table = self._frames.allocate()
        self._cpu.write(table, bytes(FRAME_BYTES))
        self._tables.append(table)
        return table


class LegacyRootTable(RootTable[RootEntry, ContextEntry]):
    """The tables of legacy mode: a context table has the 256 functions of a bus (section 3.4.2)."""

    _ROOT = RootEntry
    _CONTEXT = ContextEntry

    def _context_table(self, root: RootEntry, function: int) -> int | None:  # noqa: ARG002
        return root.CTP_address if root.P else None

    def _with_table(self, root: RootEntry, function: int, table: int) -> int:  # noqa: ARG002
        return root.replace(P=1, CTP_address=table)


class ScalableRootTable(RootTable[ScalableRootEntry, ScalableContextEntry]):
    """The tables of scalable mode: two context tables a bus, 128 functions each (section 3.4.3)."""

    _ROOT = ScalableRootEntry
    _CONTEXT = ScalableContextEntry

    def _context_table(self, root: ScalableRootEntry, function: int) -> int | None:
        if function < _FUNCTIONS // 2:
            return root.LCTP_address if root.LP else None
        return root.UCTP_address if root.UP else None

    def _with_table(self, root: ScalableRootEntry, function: int, table: int) -> int:
        if function < _FUNCTIONS // 2:
            return root.replace(LP=1, LCTP_address=table)
        return root.replace(UP=1, UCTP_address=table)
