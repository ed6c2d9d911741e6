"""Paging structures: what a driver does with ranges of addresses.

Sections 3.6 and 3.7; the parts that both stages share. Nothing here tells a unit about a change:
that is for whoever knows which devices and domain-ids use the tree, see `domains`.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from typing import TYPE_CHECKING

from vtd_plugin.software.pages import (
    PAGE_4K,
    PAGE_SIZES,
    Change,
    Run,
    check_page_size,
    leaf_level,
    runs,
    span,
)
from vtd_plugin.software.tree import TableTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator


class PageTable(TableTree):
    """A tree of tables that maps pages of an address space.

    Args:
        cpu: The processor to write the tables with.
        frames: Where tables come from.
        levels: Depth of the tree.
        page_sizes: The page sizes that `map` may choose from, in bytes.
        preset_accessed: Set the accessed bits of every entry, and the dirty bit of writable
            leaves, as software must for a unit that cannot update them (section 3.10).
        present_bits: The bits of an entry of which one at least is set if it is present.

    Attributes:
        levels: Depth of the tree.
        root: Physical address of the top table.
        page_sizes: The page sizes that `map` chooses from, ascending.

    Raises:
        ValueError: The stage has no tree of that depth, or there is no such page size.
        MemoryError: No frame is left.
    """

    def __init__(
        self,
        cpu: Cpu,
        frames: FrameAllocator,
        levels: int,
        *,
        page_sizes: Iterable[int],
        preset_accessed: bool,
        present_bits: int,
    ) -> None:
        self.page_sizes = tuple(sorted(page_sizes))
        for size in self.page_sizes:
            check_page_size(size, PAGE_SIZES)
        super().__init__(cpu, frames, levels, present_bits=present_bits)
        self._preset_accessed = preset_accessed

    def map(
        self,
        iova: int,
        address: int,
        size: int,
        *,
        read: bool = True,
        write: bool = True,
        page_size: int | None = None,
        **leaf_fields: int,
    ) -> Change:
        """Map a range of addresses none of which is mapped yet.

        Args:
            iova: First address as a device sees it.
            address: Physical address that it stands for.
            size: Bytes, a multiple of 4 KiB.
            read: Whether devices may read.
            write: Whether devices may write.
            page_size: Use pages of this size only; by default the largest that fit.
            **leaf_fields: Further fields of the leaf entries by their architectural names.

        Returns:
            What to tell the unit.

        Raises:
            ValueError: The range is misaligned, too large or mapped already, or the stage has no
                such rights.
            TypeError: The leaf entries have no such field.
            MemoryError: No frame is left for a table.
        """
        if page_size is not None:
            check_page_size(page_size, self.page_sizes)
        self._check_range(iova, size)
        fields = self._rights(read=read, write=write) | leaf_fields
        plan = list(runs(iova, address, size, (page_size,) if page_size else self.page_sizes))
        for run in plan:
            self._check_free(run)
        count_before = len(self._tables)
        for run in plan:
            self._write_leaves(run, fields)
        return Change(pointers_changed=len(self._tables) != count_before)

    def unmap(self, iova: int, size: int) -> Change:
        """Make a range of addresses not present; what is not mapped in it stays so.

        Args:
            iova: First address as a device sees it.
            size: Bytes, a multiple of 4 KiB.

        Returns:
            What to tell the unit, and the tables that became empty.

        Raises:
            ValueError: The range is misaligned or too large, or it cuts a page in two.
        """
        self._check_whole_pages(iova, size)
        first = self._offset(iova)
        unlinked: list[int] = []
        self._clear(self.root, self.levels, 0, range(first, first + size), unlinked)
        return Change(pointers_changed=bool(unlinked), unlinked=tuple(unlinked))

    def protect(self, iova: int, size: int, *, read: bool = True, write: bool = True) -> Change:
        """Change the rights of the pages mapped in a range; nothing else of them changes.

        Args:
            iova: First address as a device sees it.
            size: Bytes, a multiple of 4 KiB.
            read: Whether devices may read.
            write: Whether devices may write.

        Returns:
            What to tell the unit.

        Raises:
            ValueError: The range is misaligned or too large, it cuts a page in two, or the stage
                has no such rights.
        """
        self._check_whole_pages(iova, size)
        fields = self._rights(read=read, write=write)
        if self._preset_accessed:
            # A page that becomes writable needs its dirty bit; one that ceases to be keeps it.
            fields |= {name: bit for name, bit in self._accessed(fields).items() if bit}
        for page in self.pages(iova, size):
            level = leaf_level(page.size)
            self.write_entry(page.iova, level, self.LEAVES[level](page.entry).replace(**fields))
        return Change(pointers_changed=False)

    def free(self, change: Change) -> None:
        """Give back the tables that a change unlinked, after the unit was told of it.

        Args:
            change: What `unmap` returned.
        """
        for table in change.unlinked:
            self._frames.free(table)

    def free_all(self) -> None:
        """Give back every table: the end of the tree, after the unit has stopped using it."""
        for table in self._tables:
            self._frames.free(table)
        self._tables.clear()

    @abstractmethod
    def _rights(self, *, read: bool, write: bool) -> dict[str, int]:
        """The fields of a leaf that give rights; ValueError if the stage has no such rights."""

    @abstractmethod
    def _accessed(self, fields: Mapping[str, int]) -> dict[str, int]:
        """The accessed and dirty bits that hardware would set in a leaf with these fields."""

    def _leaf(self, level: int, address: int, fields: Mapping[str, int]) -> int:
        """An entry that maps a page."""
        size = {"PS": 1} if level > 1 else {}
        preset = self._accessed(fields) if self._preset_accessed else {}
        return self.LEAVES[level].pack(**{"ADDR_address": address} | size | preset | dict(fields))

    def _write_leaves(self, run: Run, fields: Mapping[str, int]) -> None:
        """Write neighbouring leaves in one go."""
        table = self._make_table(run.iova, run.level)
        size = span(run.level)
        # The address lies in place in an entry, so neighbours differ by the page size.
        first = self._leaf(run.level, run.address, fields)
        last = self._leaf(run.level, run.address + (run.count - 1) * size, fields)
        raw = struct.pack(f"<{run.count}Q", *range(first, last + 1, size))
        self._cpu.write(self._slot(table, run.iova, run.level), raw)

    def _check_range(self, iova: int, size: int) -> None:
        if size < PAGE_4K or (iova | size) % PAGE_4K:
            raise ValueError(f"{iova:#x}, {size:#x} bytes: not a range of whole 4-KiB pages")
        first = self._offset(iova)
        if self._offset(iova + size - 1) != first + size - 1:
            raise ValueError(f"{iova:#x}, {size:#x} bytes: not one range of the address space")

    def _check_free(self, run: Run) -> None:
        size = run.count * span(run.level)
        page = next(self.pages(run.iova, size), None)
        if page is not None:
            raise ValueError(f"{page.iova:#x} is mapped already, to {page.address:#x}")

    def _check_whole_pages(self, iova: int, size: int) -> None:
        self._check_range(iova, size)
        for page in filter(None, (self.lookup(iova), self.lookup(iova + size - 1))):
            if page.iova < iova or page.iova + page.size > iova + size:
                raise ValueError(
                    f"{iova:#x}, {size:#x} bytes: cuts the {page.size:#x}-byte page at "
                    f"{page.iova:#x} in two"
                )
