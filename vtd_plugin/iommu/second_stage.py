"""Second-stage translation: tables of 3, 4 or 5 levels with pages of 4 KiB, 2 MiB and 1 GiB (§3.7).

The same walk serves legacy mode, scalable second stage and the lower half of nesting; what differs
is which condition a failure is, and whether accessed and dirty bits are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from vtd_plugin.bus import Mapping, Memory, Translation
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.iommu.atomic import set_bits
from vtd_plugin.iommu.caches import StructureCache, StructureEntry
from vtd_plugin.iommu.page_entries import (
    ENTRY_BYTES,
    INDEX_BITS,
    INDEX_MASK,
    LARGEST_PAGE_LEVEL,
    PAGE_BITS,
    SecondStageFormat,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.encodings.capabilities import Capabilities

ALL_RIGHTS: Final = Translation.READABLE | Translation.WRITABLE


@dataclass(frozen=True, slots=True)
class StageConditions:
    """What a failure of the walk is called in one translation mode (§7.1.3)."""

    top_unreadable: Condition
    lower_unreadable: Condition
    reserved: Condition
    write_denied: Condition
    read_denied: Condition


LEGACY_CONDITIONS: Final = StageConditions(
    Condition.LCT_4_3, Condition.LSS_1, Condition.LSS_2, Condition.LGN_2, Condition.LGN_3
)
SCALABLE_CONDITIONS: Final = StageConditions(
    Condition.SSS_4, Condition.SSS_1, Condition.SSS_3, Condition.SGN_6, Condition.SGN_7
)


class SecondStageTables(NamedTuple):
    """The tables of one domain, as its context or PASID entry names them.

    Attributes:
        root: Host address of the top table.
        levels: 3, 4 or 5.
        domain_id: Tag of what is cached from them.
        update: Keep accessed and dirty bits (SSADE).
        update_allowed: Page walks snoop, so that updating is possible (§3.10).
    """

    root: int
    levels: int
    domain_id: int
    update: bool = False
    update_allowed: bool = True


class SecondStageLeaf(NamedTuple):
    """The end of a successful walk.

    Attributes:
        base: Host address of the page.
        mask: Its size minus one.
        rights: What all entries on the way allow together.
        entry: The leaf entry as it was read.
        entry_address: Host address of the leaf entry.
    """

    base: int
    mask: int
    rights: int
    entry: int
    entry_address: int


class SecondStage:
    """The walker of second-stage tables.

    Args:
        caps: What the unit is.
        memory: Where the tables are.
        cache: The second-stage paging-structure cache.
    """

    __slots__ = ("_cache", "_formats", "_memory", "format")

    def __init__(self, caps: Capabilities, memory: Memory, cache: StructureCache) -> None:
        self._memory = memory
        self._cache = cache
        self._formats = [SecondStageFormat(caps, ssirwe=ssirwe) for ssirwe in (False, True)]
        self.format = self._formats[0]

    def use_io_rights(self, ssirwe: bool) -> None:
        """Take rights from IR and IW instead of R and W (RTADDR.SSIRWE, §11.4.5)."""
        self.format = self._formats[ssirwe]

    def walk(
        self,
        tables: SecondStageTables,
        address: int,
        conditions: StageConditions,
        absent: Condition,
    ) -> SecondStageLeaf | Condition:
        """Find the page of an input address.

        Rights are collected, not judged: a reserved bit or an absent entry further down comes
        before a right that an upper entry withholds (§3.7.1).

        Args:
            tables: Where to walk.
            address: Input address, below the limit of the tables.
            conditions: What failures are called.
            absent: What an entry that allows nothing is called.
        """
        form = self.format
        read, fill = self._memory.read_u64, self._cache.fill
        level, table, rights = tables.levels, tables.root, ALL_RIGHTS
        cached = self._cache.lookup(tables.domain_id, None, address, tables.levels)
        if cached is not None:
            level, table, rights = cached.level, cached.table, cached.rights
        while True:
            shift = PAGE_BITS + INDEX_BITS * (level - 1)
            entry_address = table + (address >> shift & INDEX_MASK) * ENTRY_BYTES
            entry = read(entry_address)
            if entry is None:
                top = level == tables.levels
                return conditions.top_unreadable if top else conditions.lower_unreadable
            allowed = entry >> form.rights_shift & ALL_RIGHTS
            if not allowed:
                return absent
            leaf = level == 1 or (level <= LARGEST_PAGE_LEVEL and entry & form.page_size)
            if entry & (form.leaf_reserved if leaf else form.table_reserved)[level]:
                return conditions.reserved
            rights &= allowed
            if leaf:
                if not rights:
                    return absent
                mask = (1 << shift) - 1
                return SecondStageLeaf(
                    entry & form.address & ~mask, mask, rights, entry, entry_address
                )
            if tables.update:
                failed = self._set(tables, entry_address, entry, form.accessed)
                if failed is not None:
                    return failed
            table = entry & form.address
            level -= 1
            iova = address >> shift << shift
            fill(StructureEntry(tables.domain_id, None, level, iova, table, rights))

    def mark_used(
        self, tables: SecondStageTables, leaf: SecondStageLeaf, *, written: bool
    ) -> Condition | None:
        """Set the accessed bit, and for a write the dirty bit, of a leaf that is used (§3.7.2)."""
        if not tables.update:
            return None
        bits = self.format.accessed | (self.format.dirty if written else 0)
        return self._set(tables, leaf.entry_address, leaf.entry, bits)

    def _set(
        self, tables: SecondStageTables, entry_address: int, entry: int, bits: int
    ) -> Condition | None:
        if entry & bits == bits:
            return None
        if not tables.update_allowed:
            return Condition.SSS_5
        return None if set_bits(self._memory, entry_address, entry, bits) else Condition.SSS_6

    def mappings(self, tables: SecondStageTables, first: int, last: int) -> Iterator[Mapping]:
        """All pages within [first, last] that can be read or written, in order of address.

        Reads memory only: nothing is cached, marked or reported.
        """
        return self._mappings(tables.root, tables.levels, 0, ALL_RIGHTS, first, last)

    def _mappings(
        self, table: int, level: int, start: int, rights: int, first: int, last: int
    ) -> Iterator[Mapping]:
        form = self.format
        shift = PAGE_BITS + INDEX_BITS * (level - 1)
        low = max(first - start, 0) >> shift
        high = min((last - start) >> shift, INDEX_MASK)
        for index in range(low, high + 1):
            entry = self._memory.read_u64(table + index * ENTRY_BYTES)
            if not entry:
                continue
            allowed = rights & entry >> form.rights_shift
            if not allowed or entry & form.reserved(entry, level):
                continue
            iova = start | index << shift
            if not form.is_leaf(entry, level):
                yield from self._mappings(
                    entry & form.address, level - 1, iova, allowed, first, last
                )
                continue
            size = 1 << shift
            yield Mapping(
                iova,
                entry & form.address & -size,
                size,
                bool(allowed & Translation.READABLE),
                bool(allowed & Translation.WRITABLE),
            )
