"""First-stage translation: the processor's own tables, 4 or 5 levels (§3.6), nested or not (§3.8).

Nested, every table address and the result are guest addresses that go through second-stage tables
first. Execute permission, SMEP and the global bit are ignored, as revision 4 and later do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vtd_plugin.bus import Mapping, Memory, Translation
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.iommu.atomic import set_bits
from vtd_plugin.iommu.caches import StructureCache, StructureEntry
from vtd_plugin.iommu.page_entries import (
    ENTRY_BYTES,
    INDEX_BITS,
    INDEX_MASK,
    PAGE_BITS,
    USER,
    WRITE,
    FirstStageFormat,
)
from vtd_plugin.iommu.second_stage import SCALABLE_CONDITIONS, SecondStage, SecondStageTables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.encodings.capabilities import Capabilities

TABLE_WRITABLE: Final = 4
"""The table that comes next may be written: its entries' accessed bits can be set (§3.8.1)."""

_ADDRESS_BITS: Final = 64


class FirstStageTables(NamedTuple):
    """The first-stage tables of one PASID, as its PASID entry names them.

    Attributes:
        root: Address of the top table; a guest address when nested.
        levels: 4 or 5.
        domain_id: Tag of what is cached from them.
        pasid: Tag of what is cached from them.
        second: The second-stage tables below; None when not nested.
        limit_bits: Width of the guest addresses that the second stage takes.
        extended_accessed: Keep the extended-accessed bit too (EAFE).
        update_allowed: Page walks snoop, so that bits can be set (§3.10).
    """

    root: int
    levels: int
    domain_id: int
    pasid: int
    second: SecondStageTables | None = None
    limit_bits: int = _ADDRESS_BITS
    extended_accessed: bool = False
    update_allowed: bool = True


class FirstStageLeaf(NamedTuple):
    """The end of a successful walk.

    Attributes:
        base: Address of the page; a guest address when nested.
        mask: Its size minus one.
        rights: `USER`, `WRITE` as all entries on the way have them, and `TABLE_WRITABLE` for the
            table of the leaf.
        entry: The leaf entry as it was read.
        entry_address: Host address of the leaf entry.
        level: Level of the table that the leaf stands in.
    """

    base: int
    mask: int
    rights: int
    entry: int
    entry_address: int
    level: int


def is_canonical(address: int, levels: int) -> bool:
    """Whether the bits above the highest translated one all repeat it (§3.6)."""
    top = PAGE_BITS + INDEX_BITS * levels - 1
    upper = address >> top
    return upper in (0, (1 << _ADDRESS_BITS - top) - 1)


def rights_of(leaf: FirstStageLeaf, *, privileged: bool, write_protect: bool) -> int:
    """What a request may do with a page (§3.6.1).

    Args:
        leaf: The page.
        privileged: The request has supervisor privilege.
        write_protect: Supervisor writes respect R/W (WPE).

    Returns:
        An OR of `Translation.READABLE` and `Translation.WRITABLE`; 0 for a user request to a
        supervisor page.
    """
    if privileged:
        writable = leaf.rights & WRITE or not write_protect
    elif leaf.rights & USER:
        writable = leaf.rights & WRITE
    else:
        return 0
    return Translation.READABLE | (Translation.WRITABLE if writable else 0)


class FirstStage:
    """The walker of first-stage tables.

    Args:
        caps: What the unit is.
        memory: Where the tables are.
        cache: The first-stage paging-structure cache.
        second: The walker of second-stage tables, for nesting.
    """

    __slots__ = ("_cache", "_memory", "_second", "format")

    def __init__(
        self, caps: Capabilities, memory: Memory, cache: StructureCache, second: SecondStage
    ) -> None:
        self._memory = memory
        self._cache = cache
        self._second = second
        self.format = FirstStageFormat(caps)

    def walk(self, tables: FirstStageTables, address: int) -> FirstStageLeaf | Condition:
        """Find the page of a canonical input address.

        The accessed bit is set in every entry as it is used, but for the leaf: whether that one is
        used depends on rights that are judged later (`mark_used`).

        Args:
            tables: Where to walk.
            address: Input address.
        """
        form = self.format
        cached = self._cache.lookup(tables.domain_id, tables.pasid, address, tables.levels)
        if cached is not None:
            level, table, rights = cached.level, cached.table, cached.rights
        else:
            level, rights = tables.levels, USER | WRITE
            top = self._table(tables, tables.root, Condition.SFS_6)
            if isinstance(top, Condition):
                return top
            table, rights = top[0], rights | top[1]
        while True:
            shift = PAGE_BITS + INDEX_BITS * (level - 1)
            entry_address = table + (address >> shift & INDEX_MASK) * ENTRY_BYTES
            entry = self._memory.read_u64(entry_address)
            if entry is None:
                return Condition.SFS_4 if level == tables.levels else Condition.SFS_1
            if not entry & form.present:
                return Condition.SFS_2
            if entry & form.reserved(entry, level):
                return Condition.SFS_3
            rights = form.narrow(rights, entry)
            if form.is_leaf(entry, level):
                mask = (1 << shift) - 1
                base = entry & form.address & ~mask
                if tables.second is not None and base >> tables.limit_bits:
                    return Condition.SFS_5
                return FirstStageLeaf(base, mask, rights, entry, entry_address, level)
            found = self._descend(tables, entry, entry_address, rights)
            if isinstance(found, Condition):
                return found
            table, writable = found
            rights = rights & ~TABLE_WRITABLE | writable
            level -= 1
            iova = address >> shift << shift
            self._cache.fill(
                StructureEntry(tables.domain_id, tables.pasid, level, iova, table, rights)
            )

    def _descend(
        self, tables: FirstStageTables, entry: int, entry_address: int, rights: int
    ) -> tuple[int, int] | Condition:
        """Use an entry that points to a table: mark it, and find the table."""
        failed = self._set(tables, entry_address, entry, rights, self._accessed_bits(tables))
        if failed is not None:
            return failed
        pointer = entry & self.format.address
        if tables.second is not None and pointer >> tables.limit_bits:
            return Condition.SFS_5
        return self._table(tables, pointer, Condition.SFS_7)

    def _table(
        self, tables: FirstStageTables, pointer: int, unreadable: Condition
    ) -> tuple[int, int] | Condition:
        """Host address of a table, and `TABLE_WRITABLE` or 0.

        Nested, the second stage must let the table be read, and with its accessed and dirty bits
        in use written as well, since using an entry counts as writing it (§3.8.1).
        """
        second = tables.second
        if second is None:
            return pointer, TABLE_WRITABLE
        page = self._second.walk(second, pointer, SCALABLE_CONDITIONS, Condition.SSS_2)
        if isinstance(page, Condition):
            return page
        needed = Translation.READABLE | (Translation.WRITABLE if second.update else 0)
        if needed & ~page.rights:
            return unreadable
        failed = self._second.mark_used(second, page, written=second.update)
        if failed is not None:
            return failed
        writable = TABLE_WRITABLE if page.rights & Translation.WRITABLE else 0
        return page.base | pointer & page.mask, writable

    def mark_used(
        self, tables: FirstStageTables, leaf: FirstStageLeaf, *, written: bool
    ) -> Condition | None:
        """Set the accessed bit, and for a write the dirty bit, of a leaf that is used (§3.6.2)."""
        bits = self._accessed_bits(tables) | (self.format.dirty if written else 0)
        return self._set(tables, leaf.entry_address, leaf.entry, leaf.rights, bits)

    def _accessed_bits(self, tables: FirstStageTables) -> int:
        form = self.format
        return form.accessed | (form.extended_accessed if tables.extended_accessed else 0)

    def _set(
        self, tables: FirstStageTables, entry_address: int, entry: int, rights: int, bits: int
    ) -> Condition | None:
        if entry & bits == bits:
            return None
        if not tables.update_allowed:
            return Condition.SFS_9
        if not rights & TABLE_WRITABLE:
            return Condition.SFS_8
        return None if set_bits(self._memory, entry_address, entry, bits) else Condition.SFS_10

    # --- what listeners are told

    def mappings(
        self,
        tables: FirstStageTables,
        first: int,
        last: int,
        *,
        privileged: bool,
        write_protect: bool,
    ) -> Iterator[Mapping]:
        """All pages within [first, last] that a request of that privilege may use.

        Reads memory only: nothing is cached, marked or reported.
        """
        for page, leaf in self._leaves(
            tables, tables.root, tables.levels, 0, USER | WRITE, first, last
        ):
            rights = rights_of(leaf, privileged=privileged, write_protect=write_protect)
            if rights:
                yield from self._onward(tables, page, leaf, rights)

    def _leaves(
        self,
        tables: FirstStageTables,
        pointer: int,
        level: int,
        start: int,
        rights: int,
        first: int,
        last: int,
    ) -> Iterator[tuple[int, FirstStageLeaf]]:
        table = self._peek(tables, pointer)
        if table is None:
            return
        form = self.format
        shift = PAGE_BITS + INDEX_BITS * (level - 1)
        for index in range(INDEX_MASK + 1):
            iova = self._extended(tables, start | index << shift)
            if iova > last or iova + (1 << shift) - 1 < first:
                continue
            address = table + index * ENTRY_BYTES
            entry = self._memory.read_u64(address) or 0
            if not entry & form.present or entry & form.reserved(entry, level):
                continue
            left = form.narrow(rights, entry)
            if form.is_leaf(entry, level):
                mask = (1 << shift) - 1
                base = entry & form.address & ~mask
                yield iova, FirstStageLeaf(base, mask, left, entry, address, level)
            else:
                below = entry & form.address
                yield from self._leaves(tables, below, level - 1, iova, left, first, last)

    @staticmethod
    def _extended(tables: FirstStageTables, address: int) -> int:
        """The canonical address with these lower bits."""
        width = PAGE_BITS + INDEX_BITS * tables.levels
        if address >> width - 1 & 1:
            return address | (1 << _ADDRESS_BITS) - (1 << width)
        return address

    def _peek(self, tables: FirstStageTables, pointer: int) -> int | None:
        if tables.second is None:
            return pointer
        if pointer >> tables.limit_bits:
            return None
        page = next(self._second.mappings(tables.second, pointer, pointer), None)
        if page is None or not page.readable:
            return None
        return page.address + pointer - page.iova

    def _onward(
        self, tables: FirstStageTables, iova: int, leaf: FirstStageLeaf, rights: int
    ) -> Iterator[Mapping]:
        """A page of the first stage, or the pieces that the second stage makes of it."""
        size = leaf.mask + 1
        writable = bool(rights & Translation.WRITABLE)
        if tables.second is None:
            yield Mapping(iova, leaf.base, size, readable=True, writable=writable)
            return
        for page in self._second.mappings(tables.second, leaf.base, leaf.base + leaf.mask):
            piece = page.part(leaf.base, leaf.base + leaf.mask)
            if piece.readable or (writable and piece.writable):
                yield Mapping(
                    iova + piece.iova - leaf.base,
                    piece.address,
                    piece.size,
                    piece.readable,
                    writable and piece.writable,
                )
