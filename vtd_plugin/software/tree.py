"""A tree of 4-KiB tables of 8-byte entries in memory: finding, making and emptying tables.

Sections 3.6 and 3.7: both stages have this shape, `second_stage` and `first_stage` say what an
entry looks like. Level 1 is the table that maps 4-KiB pages; leaves of levels 2 and 3 map 2 MiB and
1 GiB. Entries are read back from memory each time, so what somebody else wrote there counts.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final

from vtd_plugin.software.pages import PAGE_4K, TABLE_ENTRIES, Page, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator

_ENTRY_BYTES: Final = 8
_ALL: Final = range(TABLE_ENTRIES)


class TableTree(ABC):
    """A tree of tables, entry by entry.

    Args:
        cpu: The processor to write the tables with.
        frames: Where tables come from.
        levels: Depth of the tree.

        present_bits: The bits of an entry of which one at least is set if it is present.

    Attributes:
        levels: Depth of the tree.
        root: Physical address of the top table.

    Raises:
        ValueError: The stage has no tree of that depth.
        MemoryError: No frame is left.
    """

    LEVELS: ClassVar[tuple[int, ...]]
    """The depths that the stage has."""
    POINTERS: ClassVar[Mapping[int, type[Layout]]]
    """What an entry that points to a table looks like, by level."""
    LEAVES: ClassVar[Mapping[int, type[Layout]]]
    """What an entry that maps a page looks like, by level."""

    def __init__(self, cpu: Cpu, frames: FrameAllocator, levels: int, *, present_bits: int) -> None:
        if levels not in self.LEVELS:
            raise ValueError(f"{levels:#x} levels are none of {self.LEVELS}")
        self._cpu = cpu
        self._frames = frames
        self._tables: set[int] = set()
        self._present_bits = present_bits
        self._page_size_bits = {
            level: leaf.mask("PS") for level, leaf in self.LEAVES.items() if level > 1
        }
        self.levels = levels
        self.root = self._new_table()

    @property
    def tables(self) -> frozenset[int]:
        """Physical addresses of the tables in use, the top one too."""
        return frozenset(self._tables)

    def lookup(self, iova: int) -> Page | None:
        """The page that maps an address; None if it is not mapped.

        Args:
            iova: An address as a device sees it.

        Raises:
            ValueError: The tree has no such address.
        """
        return next(self.pages(iova, 1), None)

    def pages(self, iova: int = 0, size: int | None = None) -> Iterator[Page]:
        """The pages mapped in a range, upwards.

        Args:
            iova: First address of the range.
            size: Bytes in the range; by default up to the last address of the tree.

        Raises:
            ValueError: The tree has no such address.
        """
        first = self._offset(iova)
        after = span(self.levels + 1) if size is None else first + size
        yield from self._pages_below(self.root, self.levels, 0, range(first, after))

    def entry_address(self, iova: int, level: int) -> int | None:
        """Physical address of the entry that a walk uses; None where no table holds it.

        Args:
            iova: An address as a device sees it.
            level: 1 for the entry of a 4-KiB page, up to the number of levels.

        Raises:
            ValueError: There is no such level or address, or a larger page covers it.
        """
        table, found_level = self._walk(iova, level)
        return self._slot(table, iova, level) if found_level == level else None

    def read_entry(self, iova: int, level: int) -> int | None:
        """The bits of the entry that a walk uses; None where no table holds it.

        Args:
            iova: An address as a device sees it.
            level: 1 for the entry of a 4-KiB page, up to the number of levels.

        Raises:
            ValueError: There is no such level or address, or a larger page covers it.
        """
        address = self.entry_address(iova, level)
        return None if address is None else self._read(address)

    def write_entry(self, iova: int, level: int, value: int) -> None:
        """Write any 64 bits as the entry that a walk uses, legal or not.

        Tables above it are made as needed. A table that the old entry pointed to is the caller's
        from now on.

        Args:
            iova: An address as a device sees it.
            level: 1 for the entry of a 4-KiB page, up to the number of levels.
            value: The bits of the entry.

        Raises:
            ValueError: There is no such level or address, a larger page covers it, or `value` is
                wider than 64 bits.
        """
        if value >> 64:
            raise ValueError(f"{value:#x} does not fit the 64 bits of an entry")
        self._write(self._slot(self._make_table(iova, level), iova, level), value)

    # What the stages differ in.

    @abstractmethod
    def _pointer(self, level: int, table: int) -> int:
        """An entry that points to a table and withholds no right."""

    @abstractmethod
    def _offset(self, iova: int) -> int:
        """The part of an address that the tree looks at; ValueError if the rest is wrong."""

    @abstractmethod
    def _iova(self, offset: int) -> int:
        """The address whose `_offset` this is."""

    # The tree.

    def _new_table(self) -> int:
        table = self._frames.allocate()
        self._cpu.write(table, bytes(PAGE_4K))
        self._tables.add(table)
        return table

    def _walk(self, iova: int, level: int) -> tuple[int, int]:
        """The lowest table there is on the way down to a level, and its level."""
        if not 1 <= level <= self.levels:
            raise ValueError(f"level {level:#x} is not within 1 to {self.levels}")
        table = self.root
        for upper in range(self.levels, level, -1):
            value = self._read(self._slot(table, iova, upper))
            if not value & self._present_bits:
                return table, upper
            if self._is_leaf(upper, value):
                raise ValueError(f"{iova:#x} is in a page of {span(upper):#x} bytes")
            table = self._child(upper, value)
        return table, level

    def _make_table(self, iova: int, level: int) -> int:
        """The table of a level that a walk uses, made where it is missing."""
        table, found_level = self._walk(iova, level)
        for upper in range(found_level, level, -1):
            child = self._new_table()
            self._write(self._slot(table, iova, upper), self._pointer(upper, child))
            table = child
        return table

    def _slot(self, table: int, iova: int, level: int) -> int:
        """Physical address of the entry for an address in a table."""
        index = self._offset(iova) // span(level) % TABLE_ENTRIES
        return table + index * _ENTRY_BYTES

    def _read(self, address: int) -> int:
        return int.from_bytes(self._cpu.read(address, _ENTRY_BYTES), "little")

    def _write(self, address: int, value: int) -> None:
        self._cpu.write(address, value.to_bytes(_ENTRY_BYTES, "little"))

    def _is_leaf(self, level: int, value: int) -> bool:
        return level == 1 or bool(value & self._page_size_bits.get(level, 0))

    def _child(self, level: int, value: int) -> int:
        return self.POINTERS[level](value).address_of("ADDR")

    def _entries(self, table: int, indices: range) -> list[int]:
        raw = self._cpu.read(table + indices.start * _ENTRY_BYTES, len(indices) * _ENTRY_BYTES)
        return list(struct.unpack(f"<{len(indices)}Q", raw))

    def _pages_below(self, table: int, level: int, base: int, wanted: range) -> Iterator[Page]:
        """The pages below a table that translates the addresses from `base` on."""
        indices = _indices(level, base, wanted)
        for index, value in zip(indices, self._entries(table, indices), strict=True):
            offset = base + index * span(level)
            if not value & self._present_bits:
                continue
            if self._is_leaf(level, value):
                address = self.LEAVES[level](value).address_of("ADDR")
                yield Page(self._iova(offset), address, span(level), value)
            else:
                yield from self._pages_below(self._child(level, value), level - 1, offset, wanted)

    def _clear(self, table: int, level: int, base: int, wanted: range, unlinked: list[int]) -> bool:
        """Make everything wanted below a table not present; whether the table is empty then."""
        entries = self._entries(table, _ALL)
        indices = _indices(level, base, wanted)
        for index in indices:
            value, offset = entries[index], base + index * span(level)
            if not value & self._present_bits:
                continue
            if not self._is_leaf(level, value):
                child = self._child(level, value)
                if not self._clear(child, level - 1, offset, wanted, unlinked):
                    continue
                self._unlink(child, unlinked)
            entries[index] = 0
        part = entries[indices.start : indices.stop]
        raw = b"".join(value.to_bytes(_ENTRY_BYTES, "little") for value in part)
        self._cpu.write(table + indices.start * _ENTRY_BYTES, raw)
        return not any(value & self._present_bits for value in entries)

    def _unlink(self, table: int, unlinked: list[int]) -> None:
        # A table that a raw entry brought in is not ours to give back.
        if table in self._tables:
            self._tables.remove(table)
            unlinked.append(table)


def _indices(level: int, base: int, wanted: range) -> range:
    """The entries of a table, which translates the addresses from `base` on, in a range."""
    first = max(wanted.start - base, 0) // span(level)
    after = -(-(wanted.stop - base) // span(level))
    return range(first, min(after, TABLE_ENTRIES))
