"""The first-stage walk of PGTT 1 and 3.

Sections 3.6 and 9.7. Where an entry lies in memory is the caller's knowledge: in nested translation
each table address goes through the second stage first. Execute permission does not exist here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from tests.reference.model import Blocked, Leaf, Place, Walk, above_width, in_place
from tests.reference.updates import mark

ACCESSED: Final = 1 << 5
DIRTY: Final = 1 << 6
EXTENDED_ACCESSED: Final = 1 << 10
PAGE_SIZE_BIT: Final = 1 << 7


Locate: TypeAlias = Callable[[int, bool], Place]
"""Finds the entry at a table address; the flag says that it is of the top table."""


@dataclass(frozen=True)
class FirstStage:
    """One first-stage table. `limit` bounds the addresses in its entries when nested."""

    table: int
    levels: int
    extended_accessed: bool
    locate: Locate
    limit: int | None = None


def require_canonical(address: int, levels: int) -> None:
    """Bits 63:48 (four levels) or 63:57 (five) equal the highest bit translated (3.6)."""
    width = 48 if levels == 4 else 57
    upper = address >> (width - 1)
    if upper not in (0, (1 << (64 - width + 1)) - 1):
        raise Blocked("SGN.1")


def walk_first_stage(walk: Walk, stage: FirstStage, address: int) -> Leaf:
    """Walk from the top table to a page."""
    writable = user = True
    table = stage.table
    for level in range(stage.levels, 0, -1):
        top = level == stage.levels
        place = stage.locate(table + 8 * (address >> (12 + 9 * (level - 1)) & 0x1FF), top)
        entry = walk.entry(place.address, 8, "SFS.4" if top else "SFS.1")
        # 1. P=0 entries have no other bits.
        if not entry & 1:
            raise Blocked("SFS.2")
        # 2. Reserved bits of a present entry.
        leaf = is_leaf(entry, level)
        if entry & reserved_bits(walk, level, leaf=leaf):
            raise Blocked("SFS.3")
        size = 1 << (12 + 9 * (level - 1))
        target = entry & in_place(51, 12) & ~(size - 1 if leaf else 0)
        # 3. An entry that leads to a table is used from here on.
        if not leaf:
            mark(walk, place, entry, accessed_bits(stage))
        # 4. When nested, an address the second stage could not take (3.8).
        if stage.limit is not None and target >= stage.limit:
            raise Blocked("SFS.5")
        # 5. The rights of the page are the AND over the walk, judged when it is complete.
        writable = writable and bool(entry >> 1 & 1)
        user = user and bool(entry >> 2 & 1)
        if leaf:
            break
        table = target
    return Leaf(
        base=target,
        size=size,
        entry=entry,
        place=place,
        readable=True,
        writable=writable,
        user=user,
    )


def accessed_bits(stage: FirstStage) -> int:
    """A in every entry used, EA too if EAFE=1 (3.6.2)."""
    return ACCESSED | (EXTENDED_ACCESSED if stage.extended_accessed else 0)


def mark_page(walk: Walk, stage: FirstStage, leaf: Leaf, *, written: bool) -> None:
    """The page is used: A, and D if it is written (3.6.2)."""
    mark(walk, leaf.place, leaf.entry, accessed_bits(stage) | (DIRTY if written else 0))


def is_leaf(entry: int, level: int) -> bool:
    return level == 1 or (level in (2, 3) and bool(entry & PAGE_SIZE_BIT))


def reserved_bits(walk: Walk, level: int, *, leaf: bool) -> int:
    """Bits that must be 0 in a present entry; bit 12 of a large leaf is PAT (3.6, 9.7)."""
    reserved = above_width(walk.caps.haw, 51)
    if level in (4, 5) or (level == 3 and not walk.caps.first_stage_1g):
        reserved |= PAGE_SIZE_BIT
    if leaf and level == 3:
        reserved |= in_place(29, 13)
    if leaf and level == 2:
        reserved |= in_place(20, 13)
    return reserved
