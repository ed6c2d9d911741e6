"""The second-stage walk of legacy mode, of PGTT 2, and of each guest address in PGTT 3.

Sections 3.7 and 9.8. The rights a request asks for are not judged here: the walk says which rights
there are, and ends early only where an entry is unreadable, absent or malformed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.reference.model import Blocked, Leaf, Place, Walk, above_width, in_place
from tests.reference.updates import mark

ACCESSED: Final = 1 << 8
DIRTY: Final = 1 << 9
PAGE_SIZE_BIT: Final = 1 << 7
SNOOP: Final = 1 << 11


@dataclass(frozen=True)
class SecondStage:
    """One second-stage table: where, how deep, and which conditions its faults have."""

    table: int
    levels: int
    scalable: bool
    accessed_dirty: bool = False
    snooped: bool = True
    top_unreadable: str = "SSS.4"
    lower_unreadable: str = "SSS.1"
    malformed: str = "SSS.3"


def input_limit(walk: Walk, aw: int) -> int:
    """2 ** min(MGAW, width of AW): the first guest address that is too large (3.7)."""
    return 1 << min(walk.caps.guest_width, {1: 39, 2: 48, 3: 57}[aw])


def levels_of(aw: int) -> int:
    return {1: 3, 2: 4, 3: 5}[aw]


def walk_second_stage(walk: Walk, stage: SecondStage, address: int) -> Leaf:
    """Walk from the top table to a page."""
    readable = writable = True
    table = stage.table
    for level in range(stage.levels, 0, -1):
        where = table + 8 * (address >> (12 + 9 * (level - 1)) & 0x1FF)
        label = stage.top_unreadable if level == stage.levels else stage.lower_unreadable
        entry = walk.entry(where, 8, label)
        # 1. Present is R or W (IR or IW when SSIRWE=1).
        entry_readable, entry_writable = entry_rights(walk, entry)
        if not (entry_readable or entry_writable):
            raise Blocked(absent_label(walk, stage))
        # 2. Reserved bits count in a present entry only, and come before any right (3.7.1).
        leaf = is_leaf(entry, level)
        if entry & reserved_bits(walk, level, leaf=leaf):
            raise Blocked(stage.malformed)
        # 3. The rights of the page are the AND over the walk.
        readable = readable and entry_readable
        writable = writable and entry_writable
        place = Place(where, "second", snooped=stage.snooped)
        if leaf:
            break
        # 4. An entry that leads to a table is used from here on.
        if stage.accessed_dirty:
            mark(walk, place, entry, ACCESSED)
        table = entry & in_place(51, 12)
    # 5. Scalable mode has a condition of its own for a page that nobody may touch. It is judged
    #    when the whole walk is valid, as other rights are.
    if stage.scalable and not (readable or writable):
        raise Blocked("SSS.2")
    size = 1 << (12 + 9 * (level - 1))
    base = entry & in_place(51, 12) & ~(size - 1)
    return Leaf(
        base=base,
        size=size,
        entry=entry,
        place=place,
        readable=readable,
        writable=writable,
        user=True,
    )


def mark_page(walk: Walk, stage: SecondStage, leaf: Leaf, *, written: bool) -> None:
    """The page is used: with SSADE=1 A, and D if it is written (3.7.2)."""
    if stage.accessed_dirty:
        mark(walk, leaf.place, leaf.entry, ACCESSED | (DIRTY if written else 0))


def entry_rights(walk: Walk, entry: int) -> tuple[bool, bool]:
    """R and W stand in bits 0 and 1, or with SSIRWE=1 in bits 61 and 62 (9.8)."""
    read_bit, write_bit = (61, 62) if walk.ssirwe else (0, 1)
    return bool(entry >> read_bit & 1), bool(entry >> write_bit & 1)


def absent_label(walk: Walk, stage: SecondStage) -> str:
    """R=W=0: one condition in scalable mode, the missing right in legacy mode (7.1.3).

    An atomic misses both; the write comes first in the fault table. A translation request is asked
    for as a read.
    """
    if stage.scalable:
        return "SSS.2"
    return "LGN.2" if walk.ask.needs_write else "LGN.3"


def is_leaf(entry: int, level: int) -> bool:
    """PS makes a leaf of a level 2 or 3 entry; in levels 4 and 5 it is reserved (9.8)."""
    return level == 1 or (level in (2, 3) and bool(entry & PAGE_SIZE_BIT))


def reserved_bits(walk: Walk, level: int, *, leaf: bool) -> int:
    """Bits that must be 0 in a present entry (3.7, 9.8)."""
    reserved = above_width(walk.caps.haw, 51)
    if not leaf or not walk.caps.snoop_control:
        reserved |= SNOOP
    if not walk.ssirwe:
        reserved |= 1 << 62
    if level in (4, 5):
        reserved |= PAGE_SIZE_BIT
    if level == 3 and not walk.caps.second_stage_1g:
        reserved |= PAGE_SIZE_BIT
    if level == 2 and not walk.caps.second_stage_2m:
        reserved |= PAGE_SIZE_BIT
    if leaf and level == 3:
        reserved |= in_place(29, 12)
    if leaf and level == 2:
        reserved |= in_place(20, 12)
    return reserved
