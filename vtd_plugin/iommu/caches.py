"""The translation caches and their tags (§6.2).

Staleness is real: an entry stays until an invalidation that covers it or until it is evicted, and
what it holds is used as it is, whatever the tables in memory say by now. Which entries an
invalidation covers is decided in `invalidation`; this module only stores, finds and drops.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from vtd_plugin.bus import Translation
from vtd_plugin.iommu.config import Replacement, VtdConfig

if TYPE_CHECKING:
    from vtd_plugin.encodings.codes import PageTableType
    from vtd_plugin.encodings.faults import Condition

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """A cache of so many entries with a replacement rule.

    Args:
        capacity: Entries it holds; with 0 nothing is ever found.
        replacement: Which entry makes room.
        seed: Seed of random replacement.
    """

    __slots__ = ("_capacity", "_entries", "_random", "_refresh", "get")

    def __init__(self, capacity: int, replacement: Replacement, seed: int) -> None:
        if capacity < 0:
            raise ValueError(f"a cache of {capacity} entries; 0 or more are allowed")
        self._capacity = capacity
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._random = None
        if replacement is Replacement.RANDOM:
            self._random = random.Random(seed)  # noqa: S311 - not for secrets
        self._refresh = self._entries.move_to_end
        # But for LRU a hit changes nothing, so that a look-up is the dictionary's own.
        self.get: Callable[[K], V | None] = (
            self._get_and_refresh if replacement is Replacement.LRU else self._entries.get
        )

    def _get_and_refresh(self, key: K) -> V | None:
        entry = self._entries.get(key)
        if entry is not None:
            self._refresh(key)
        return entry

    def put(self, key: K, entry: V) -> V | None:
        """Store an entry; returns the one it replaces or, when full, evicts."""
        if not self._capacity:
            return None
        gone = self._entries.get(key)
        if gone is None and len(self._entries) >= self._capacity:
            gone = self._evict()
        self._entries[key] = entry
        self._refresh(key)
        return gone

    def _evict(self) -> V:
        if self._random is None:
            return self._entries.popitem(last=False)[1]
        victim = self._random.randrange(len(self._entries))
        return self._entries.pop(next(islice(self._entries, victim, None)))

    def drop(self, covered: Callable[[K, V], bool]) -> int:
        """Drop every entry that `covered` names; returns how many."""
        keys = [key for key, entry in self._entries.items() if covered(key, entry)]
        for key in keys:
            del self._entries[key]
        return len(keys)

    def clear(self) -> int:
        """Drop everything; returns how many entries that was."""
        count = len(self._entries)
        self._entries.clear()
        return count

    def values(self) -> Iterator[V]:
        """The entries, in no promised order."""
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)


_SMALL_PAGE_MASK: Final = 0xFFF
_WRITABLE: Final = Translation.WRITABLE
_ALL_RIGHTS: Final = Translation.READABLE | Translation.WRITABLE


class IotlbEntry(Translation):
    """One page of one requester's address space, as the walk left it (§6.2.4).

    Attributes:
        tag: Who it belongs to, as `request_tag` makes it.
        iova: First address of the page.
        domain_id: Domain of the context or PASID entry it was made with.
        pasid: PASID for invalidation; RID_PASID for a request without.
        page_tables: Which tables made it; None in legacy mode, whose tables are second-stage.
        suppressed: Fault processing is disabled for the requester (FPD).
        snoop: The page asks for snooped accesses (§3.10).
        memory_type: Type of the page as `MemoryType` has it (§3.11).
        unready: The rights that are missing, or need another walk: where writing is allowed but
            the dirty bit is still to be set, it has `WRITABLE` (§3.6.2, §3.7.2).
        condition: Set on a cached failure (caching mode): what blocks every request to the page.
    """

    __slots__ = (
        "condition",
        "domain_id",
        "iova",
        "memory_type",
        "page_tables",
        "pasid",
        "snoop",
        "suppressed",
        "tag",
        "unready",
    )

    def __init__(
        self,
        base: int,
        mask: int,
        rights: int,
        *,
        tag: int,
        iova: int,
        domain_id: int,
        pasid: int = 0,
        page_tables: PageTableType | None = None,
        suppressed: bool = False,
        snoop: bool = False,
        memory_type: int = 6,
        dirty: bool = True,
        condition: Condition | None = None,
    ) -> None:
        super().__init__(base, mask, rights)
        self.tag = tag
        self.iova = iova & ~mask
        self.domain_id = domain_id
        self.pasid = pasid
        self.page_tables = page_tables
        self.suppressed = suppressed
        self.snoop = snoop
        self.memory_type = memory_type
        self.unready = ~rights & _ALL_RIGHTS if dirty else ~rights & _ALL_RIGHTS | _WRITABLE
        self.condition = condition

    def part(self, iova: int) -> IotlbEntry:
        """The 4-KiB piece of the page that holds `iova`."""
        piece = IotlbEntry(
            self.address(iova) & ~_SMALL_PAGE_MASK,
            _SMALL_PAGE_MASK,
            self.rights,
            tag=self.tag,
            iova=iova,
            domain_id=self.domain_id,
            pasid=self.pasid,
            page_tables=self.page_tables,
            suppressed=self.suppressed,
            snoop=self.snoop,
            memory_type=self.memory_type,
        )
        piece.unready = self.unready
        return piece

    def overlaps(self, first: int, last: int) -> bool:
        """Whether any byte of the page lies in [first, last] of the requester's addresses."""
        return self.iova <= last and first <= self.iova + self.mask


_PAGE_SHIFTS: Final = (12, 21, 30)
_SIZE_CLASS: Final = {(1 << shift) - 1: number for number, shift in enumerate(_PAGE_SHIFTS)}
_TAG_SHIFT: Final = 54
"""A key is the tag, two bits that say the page size, and up to 52 bits of page number."""


def request_tag(source_id: int, pasid: int | None, *, privileged: bool = False) -> int:
    """What the IOTLB looks up by beside the address: source-id, PASID, privilege (§6.2.1).

    Without a PASID there is no privilege.
    """
    if pasid is None:
        return source_id
    return source_id | pasid + 1 << 16 | privileged << 37


class Iotlb:
    """The IOTLB: pages of 4 KiB, 2 MiB and 1 GiB, looked up by request tag and address."""

    __slots__ = ("_cache", "_get", "_large")

    def __init__(self, config: VtdConfig) -> None:
        self._cache: BoundedCache[int, IotlbEntry] = BoundedCache(
            config.cache_sizes.iotlb, config.replacement, config.seed
        )
        self._get = self._cache.get
        self._large = False

    def lookup(self, tag: int, iova: int) -> IotlbEntry | None:
        """The entry that covers `iova`, if one is cached."""
        key = tag << _TAG_SHIFT
        entry = self._get(key | iova >> 12)
        if entry is None and self._large:
            entry = self._get(key | 1 << 52 | iova >> 21)
            if entry is None:
                entry = self._get(key | 2 << 52 | iova >> 30)
        return entry

    def fill(self, entry: IotlbEntry) -> IotlbEntry | None:
        """Store an entry of one of the three page sizes; returns the one that had to go."""
        self._large = self._large or entry.mask > _SMALL_PAGE_MASK
        return self._cache.put(_key(entry), entry)

    def keeps(self, entry: IotlbEntry) -> bool:
        """Whether this very entry is cached."""
        return self._get(_key(entry)) is entry

    def drop(self, covered: Callable[[IotlbEntry], bool]) -> int:
        """Drop every entry that `covered` names; returns how many."""
        return self._cache.drop(lambda _, entry: covered(entry))

    def clear(self) -> int:
        """Drop everything; returns how many entries that was."""
        self._large = False
        return self._cache.clear()

    def entries(self) -> Iterator[IotlbEntry]:
        """All entries, in no promised order."""
        return self._cache.values()

    def __len__(self) -> int:
        return len(self._cache)


def _key(entry: IotlbEntry) -> int:
    size = _SIZE_CLASS[entry.mask]
    return entry.tag << _TAG_SHIFT | size << 52 | entry.iova >> _PAGE_SHIFTS[size]


class StructureEntry(NamedTuple):
    """A cached paging-structure entry that points to a table (§6.2.5).

    Attributes:
        domain_id: Domain it was made for.
        pasid: PASID it was made for; None for second stage.
        level: Level of the table it points to: 1 for a page table, up to 4.
        iova: First input address that goes through it.
        table: Host address of the table it points to.
        rights: What all entries down to this one allow.
    """

    domain_id: int
    pasid: int | None
    level: int
    iova: int
    table: int
    rights: int

    def overlaps(self, first: int, last: int) -> bool:
        """Whether any input address in [first, last] goes through the entry."""
        return self.iova <= last and first < self.iova + (1 << 12 + 9 * self.level)


class StructureCache:
    """A paging-structure cache: first stage (by PASID and domain) or second stage (by domain)."""

    __slots__ = ("_cache",)

    def __init__(self, config: VtdConfig) -> None:
        self._cache: BoundedCache[tuple[int, int | None, int, int], StructureEntry] = BoundedCache(
            config.cache_sizes.paging_structure, config.replacement, config.seed
        )

    def lookup(
        self, domain_id: int, pasid: int | None, iova: int, levels: int
    ) -> StructureEntry | None:
        """The lowest cached entry on the way of `iova` through tables of so many levels."""
        for level in range(1, levels):
            entry = self._cache.get((domain_id, pasid, level, iova >> 12 + 9 * level))
            if entry is not None:
                return entry
        return None

    def fill(self, entry: StructureEntry) -> None:
        """Store an entry."""
        key = (entry.domain_id, entry.pasid, entry.level, entry.iova >> 12 + 9 * entry.level)
        self._cache.put(key, entry)

    def drop(self, covered: Callable[[StructureEntry], bool]) -> int:
        """Drop every entry that `covered` names; returns how many."""
        return self._cache.drop(lambda _, entry: covered(entry))

    def clear(self) -> int:
        """Drop everything; returns how many entries that was."""
        return self._cache.clear()

    def __len__(self) -> int:
        return len(self._cache)
