"""What software may change in a world, and the invalidations each change asks for (6.5.3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.property.image import shift_of
from tests.property.invalidations import (
    ALL_PASIDS,
    DEVICE,
    DOMAIN,
    GLOBAL,
    ONE_PASID,
    PAGES,
    Queue,
    Registers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.property.paging import Tables
    from tests.property.pair import Pair
    from tests.property.units import Draw
    from tests.property.worlds import Structure, World

CACHING_MODE: Final = 1 << 7
INDICES: Final = (0, 1, 2, 3, 511)
"""The table indices that worlds use."""
LARGEST_ORDER: Final = 18
"""CAP.MAMV of the units drawn here."""


@dataclass(frozen=True)
class PagingChange:
    """One page-table entry was written; `tables` may serve several domain-ids."""

    tables: Tables
    place: int
    domain_ids: tuple[int, ...]


# --- page tables


def change_paging(draw: Draw, world: World, pair: Pair) -> PagingChange:
    """Write one entry: clear it, copy one beside it, or flip a bit."""
    tables = draw(st.sampled_from([tables for tables in world.domains.values() if tables.places]))
    place = draw(st.sampled_from(tables.places))
    old = pair.get(place)
    beside = (place & ~0xFFF) + 8 * draw(st.sampled_from(INDICES))
    flipped = old ^ 1 << draw(st.sampled_from([0, 1, 2, 5, 6, 7, 8, 9, 11, 12, 52, 61, 62]))
    new = draw(st.sampled_from([0, pair.get(beside), flipped]))
    pair.put(place, new.to_bytes(8, "little"))
    domain_ids = tuple(did for did, shared in world.domains.items() if shared is tables)
    return PagingChange(tables, place, domain_ids)


def ranges_through(pair: Pair, tables: Tables, place: int) -> Iterator[tuple[int, int]]:
    """Each range of input addresses whose second-stage walk uses an entry: (address, order)."""
    seen = [(tables.root, tables.levels, 0)]
    while seen:
        table, level, prefix = seen.pop()
        for index in INDICES:
            where = table + 8 * index
            address = prefix | index << shift_of(level)
            if where == place:
                yield address, shift_of(level) - 12
            below = pair.get(where) & ~0xFFF
            if level > 1 and below in tables.frames and not pair.get(where) >> 7 & 1:
                seen.append((below, level - 1, address))


def invalidate_pages(draw: Draw, pair: Pair, unit: Registers | Queue, change: PagingChange) -> None:
    """Tell what is needed of a changed second-stage entry, or more than that."""
    granularity = draw(st.sampled_from([PAGES, PAGES, DOMAIN, GLOBAL]))
    ranges = list(ranges_through(pair, change.tables, change.place))
    if granularity == GLOBAL:
        unit.iotlb(GLOBAL)
        return
    for domain_id in change.domain_ids:
        if granularity == DOMAIN or any(order > LARGEST_ORDER for _, order in ranges):
            unit.iotlb(DOMAIN, domain_id)
            continue
        for address, order in ranges:
            # The hint is true only of entries that can be nothing but leaves.
            leaf_only = order == 0 and draw(st.booleans())
            unit.iotlb(PAGES, domain_id, address, order, leaf_only=leaf_only)


# --- the structures above


def invalidate_context(draw: Draw, pair: Pair, unit: Registers | Queue, old: Structure) -> None:
    """Tell what is needed of a changed root or context entry in legacy mode, or more."""
    granularity = draw(st.sampled_from([DEVICE, DOMAIN, GLOBAL]))
    if old.kind == "root":
        granularity = GLOBAL
    # With caching mode an entry that could not be used is cached under domain-id 0 (6.2.2).
    domain_ids = (old.domain_id, 0) if pair.caps.cap & CACHING_MODE else (old.domain_id,)
    for domain_id in domain_ids:
        unit.context(granularity, domain_id, old.source_id)
    if granularity == GLOBAL:
        unit.iotlb(GLOBAL)
        return
    for domain_id in domain_ids:
        unit.iotlb(DOMAIN, domain_id)


def invalidate_scalable(draw: Draw, pair: Pair, unit: Queue, old: Structure) -> None:
    """Tell what is needed of a changed root, context or PASID entry, or more."""
    everything = old.kind == "root" or bool(pair.caps.cap & CACHING_MODE) or draw(st.booleans())
    if old.kind != "pasid":
        unit.context(GLOBAL if everything else DEVICE, 0, old.source_id)
    if everything or old.kind != "pasid":
        unit.pasid(ALL_PASIDS)
        unit.iotlb(GLOBAL)
        return
    unit.pasid(ONE_PASID, old.domain_id, old.pasid)
    unit.pasid_iotlb(old.domain_id, old.pasid)
    unit.iotlb(DOMAIN, old.domain_id)
