"""Scalable mode beyond the PASID-table entry: PGTT 1 to 4 and translated requests.

Sections 3.6 to 3.11 and 4.2. A translated request whose context entry asks for the host permission
table is outside this walker.
"""

from __future__ import annotations

from tests.reference.first_stage import (
    FirstStage,
    Locate,
    require_canonical,
    walk_first_stage,
)
from tests.reference.first_stage import mark_page as mark_first
from tests.reference.memory_type import memory_type
from tests.reference.model import (
    TRANSLATED,
    TRANSLATION,
    Blocked,
    Leaf,
    Outcome,
    Place,
    Walk,
)
from tests.reference.rights import (
    asks_for_interrupt_range,
    granted_rights,
    in_interrupt_range,
    interrupt_range_completion,
    overlaps_interrupt_range,
)
from tests.reference.scalable_tables import (
    FIRST_STAGE,
    PASS_THROUGH,
    SECOND_STAGE,
    Context,
    PasidEntry,
    context_entry,
    is_privileged,
    pasid_entry,
    root_entry,
)
from tests.reference.second_stage import (
    SNOOP,
    SecondStage,
    input_limit,
    levels_of,
    walk_second_stage,
)
from tests.reference.second_stage import mark_page as mark_second


def translate(walk: Walk, root_table: int) -> Outcome:
    context = context_entry(walk, root_entry(walk, root_table))
    if walk.ask.address_type == TRANSLATED:
        return translated_request(walk)
    entry = pasid_entry(walk, context)
    # That the PASID entry must let translation requests through is our reading of 4.2.3.
    if asks_for_interrupt_range(walk):
        return interrupt_range_completion(walk)
    if entry.translation_type == PASS_THROUGH:
        return pass_through(walk, entry)
    if entry.translation_type == SECOND_STAGE:
        return second_stage_only(walk, entry)
    if entry.translation_type == FIRST_STAGE:
        return first_stage_only(walk, entry, context)
    return nested(walk, entry, context)


def translated_request(walk: Walk) -> Outcome:
    """The address is used as it is, write-back, without looking at the PASID tables (4.2.5)."""
    address = walk.ask.address
    if address >> walk.caps.haw:
        raise Blocked("SGN.4.1")
    if in_interrupt_range(address):
        raise Blocked("SGN.8.3")
    return Outcome(address=address, readable=True, writable=True)


def pass_through(walk: Walk, entry: PasidEntry) -> Outcome:
    """PGTT 4: no tables, no rights; a translation request may even cover 0xFEExxxxx (3.9)."""
    address = walk.ask.address
    if address >> walk.caps.haw:
        raise Blocked("SGN.4.2")
    if walk.ask.address_type != TRANSLATION and in_interrupt_range(address):
        raise Blocked("SGN.8.1")
    readable, writable = granted_rights(walk, True, True, no_write="SGN.6", no_read="SGN.7")
    return Outcome(
        address=address,
        readable=readable,
        writable=writable,
        snoop=entry.page_snoop,
        memory_type=memory_type(walk, entry, first=None, second=None),
    )


def second_stage_only(walk: Walk, entry: PasidEntry) -> Outcome:
    """PGTT 2."""
    if walk.ask.address >= input_limit(walk, entry.address_width):
        raise Blocked("SGN.5")
    stage = second_stage_of(walk, entry)
    leaf = walk_second_stage(walk, stage, walk.ask.address)
    rights = granted_rights(walk, leaf.readable, leaf.writable, no_write="SGN.6", no_read="SGN.7")
    address = leaf.address(walk.ask.address)
    judge_output(walk, address, leaf.size)
    mark_second(walk, stage, leaf, written=counts_as_write(walk, rights))
    return outcome(walk, entry, address, rights, first=None, second=leaf)


def first_stage_only(walk: Walk, entry: PasidEntry, context: Context) -> Outcome:
    """PGTT 1."""
    stage = first_stage_of(
        walk, entry, lambda address, _top: address_as_it_is(walk, entry, address)
    )
    leaf = walk_first_stage(walk, stage, walk.ask.address)
    writable = first_stage_rights(walk, entry, context, leaf)
    rights = granted_rights(walk, True, writable, no_write="SGN.6", no_read="SGN.7")
    address = leaf.address(walk.ask.address)
    judge_output(walk, address, leaf.size)
    mark_first(walk, stage, leaf, written=counts_as_write(walk, rights))
    return outcome(walk, entry, address, rights, first=leaf, second=None)


def nested(walk: Walk, entry: PasidEntry, context: Context) -> Outcome:
    """PGTT 3: each first-stage table address, then the page, goes through the second stage (3.8).

    What the first stage alone denies is denied before the page goes through the second, as in a
    processor; no source gives the order.
    """
    second = second_stage_of(walk, entry)
    first = first_stage_of(
        walk,
        entry,
        lambda address, top: guest_table_entry(walk, second, address, top=top),
        limit=input_limit(walk, entry.address_width),
    )
    first_leaf = walk_first_stage(walk, first, walk.ask.address)
    writable = first_stage_rights(walk, entry, context, first_leaf)
    granted_rights(walk, True, writable, no_write="SGN.6", no_read="SGN.7")
    guest_address = first_leaf.address(walk.ask.address)
    second_leaf = walk_second_stage(walk, second, guest_address)
    rights = granted_rights(
        walk,
        second_leaf.readable,
        writable and second_leaf.writable,
        no_write="SGN.6",
        no_read="SGN.7",
    )
    address = second_leaf.address(guest_address)
    judge_output(walk, address, min(first_leaf.size, second_leaf.size))
    written = counts_as_write(walk, rights)
    mark_first(walk, first, first_leaf, written=written)
    mark_second(walk, second, second_leaf, written=written)
    return outcome(walk, entry, address, rights, first=first_leaf, second=second_leaf)


def first_stage_of(
    walk: Walk, entry: PasidEntry, locate: Locate, *, limit: int | None = None
) -> FirstStage:
    levels = 4 + entry.first_stage_paging_mode
    require_canonical(walk.ask.address, levels)
    return FirstStage(
        table=entry.first_stage_table,
        levels=levels,
        extended_accessed=entry.extended_accessed,
        locate=locate,
        limit=limit,
    )


def second_stage_of(walk: Walk, entry: PasidEntry) -> SecondStage:
    return SecondStage(
        table=entry.second_stage_table,
        levels=levels_of(entry.address_width),
        scalable=True,
        accessed_dirty=entry.second_stage_accessed_dirty,
        snooped=page_walks_snoop(walk, entry),
    )


def page_walks_snoop(walk: Walk, entry: PasidEntry) -> bool:
    return walk.caps.page_walk_snoop_control and entry.page_walk_snoop


def address_as_it_is(walk: Walk, entry: PasidEntry, address: int) -> Place:
    return Place(address, "first", snooped=page_walks_snoop(walk, entry))


def guest_table_entry(walk: Walk, second: SecondStage, address: int, *, top: bool) -> Place:
    """The host place of a first-stage entry.

    Reading it needs R. With SSADE=1 it needs W too, as if it were a write (3.8.1), and so it sets
    the dirty bit of the page the table lies in.
    """
    leaf = walk_second_stage(walk, second, address)
    if not leaf.readable or (second.accessed_dirty and not leaf.writable):
        raise Blocked("SFS.6" if top else "SFS.7")
    mark_second(walk, second, leaf, written=True)
    return Place(leaf.address(address), "first", snooped=second.snooped, writable=leaf.writable)


def first_stage_rights(walk: Walk, entry: PasidEntry, context: Context, leaf: Leaf) -> bool:
    """Whether the first stage lets this requester write; reading it lets everybody but SGN.2."""
    if is_privileged(walk, context):
        return leaf.writable or not entry.write_protect
    if not leaf.user:
        raise Blocked("SGN.2")
    return leaf.writable


def judge_output(walk: Walk, address: int, size: int) -> None:
    """0xFEExxxxx is no memory; a translation request may not even get a page that overlaps it."""
    if walk.ask.address_type == TRANSLATION:
        if overlaps_interrupt_range(address & ~(size - 1), size):
            raise Blocked("SGN.8.2")
    elif in_interrupt_range(address):
        raise Blocked("SGN.8.1")


def counts_as_write(walk: Walk, rights: tuple[bool, bool]) -> bool:
    """A translation request does if it is granted the right to write (4.2.3.1)."""
    _, writable = rights
    return writable if walk.ask.address_type == TRANSLATION else walk.ask.needs_write


def outcome(
    walk: Walk,
    entry: PasidEntry,
    address: int,
    rights: tuple[bool, bool],
    *,
    first: Leaf | None,
    second: Leaf | None,
) -> Outcome:
    """The page and its attributes; nested, the smaller of both pages."""
    readable, writable = rights
    leaf_snoop = walk.caps.snoop_control and second is not None and bool(second.entry & SNOOP)
    return Outcome(
        address=address,
        page_size=min(leaf.size for leaf in (first, second) if leaf is not None),
        readable=readable,
        writable=writable,
        snoop=entry.page_snoop or leaf_snoop,
        memory_type=memory_type(walk, entry, first=first, second=second),
    )
