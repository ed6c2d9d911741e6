"""Legacy mode (RTADDR.TTM=0): root entry, context entry, and what the context entry asks for.

Sections 3.4.2, 3.7, 3.9, 9.1 and 9.3.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.reference.model import (
    TRANSLATED,
    UNTRANSLATED,
    Blocked,
    Outcome,
    Walk,
    above_width,
    bits,
    in_place,
)
from tests.reference.rights import (
    asks_for_interrupt_range,
    granted_rights,
    in_interrupt_range,
    interrupt_range_completion,
)
from tests.reference.second_stage import (
    SNOOP,
    SecondStage,
    input_limit,
    levels_of,
    walk_second_stage,
)

DEVICE_TLB = 1
PASS_THROUGH = 2


@dataclass(frozen=True)
class ContextEntry:
    translation_type: int
    address_width: int
    table: int


def translate(walk: Walk, root_table: int) -> Outcome:
    context = context_entry(walk, root_entry(walk, root_table))
    # Only TT=1 lets translation requests and translated requests through.
    if walk.ask.address_type != UNTRANSLATED and context.translation_type != DEVICE_TLB:
        raise Blocked("LCT.5")
    if asks_for_interrupt_range(walk):
        return interrupt_range_completion(walk)
    if walk.ask.address_type == TRANSLATED:
        return as_it_is(walk, above_host="LGN.1.2")
    if context.translation_type == PASS_THROUGH:
        return as_it_is(walk, above_host="LGN.1.3")
    return through_tables(walk, context)


def root_entry(walk: Walk, root_table: int) -> int:
    """The context-table pointer of the bus."""
    bus = walk.ask.source_id >> 8
    entry = walk.entry(root_table + 16 * bus, 16, "LRT.1")
    if not entry & 1:
        raise Blocked("LRT.2")
    if entry & (in_place(127, 64) | in_place(11, 1) | above_width(walk.caps.haw, 63)):
        raise Blocked("LRT.3")
    return entry & in_place(63, 12)


def context_entry(walk: Walk, context_table: int) -> ContextEntry:
    device_function = walk.ask.source_id & 0xFF
    entry = walk.entry(context_table + 16 * device_function, 16, "LCT.1")
    # 1. FPD counts even in an absent entry.
    walk.fault_processing_disabled = bool(entry >> 1 & 1)
    if not entry & 1:
        raise Blocked("LCT.2")
    # 2. Reserved bits.
    translation_type = bits(entry, 3, 2)
    if entry & context_reserved(walk, translation_type):
        raise Blocked("LCT.3")
    # 3. Programming: AW first, whatever TT is, then TT.
    address_width = bits(entry, 66, 64)
    if not walk.caps.supports_guest_width(address_width):
        raise Blocked("LCT.4.1")
    if not supports_translation_type(walk, translation_type):
        raise Blocked("LCT.4.2")
    return ContextEntry(translation_type, address_width, entry & in_place(63, 12))


def context_reserved(walk: Walk, translation_type: int) -> int:
    reserved = in_place(127, 88) | 1 << 71 | in_place(11, 4)
    # Domain-id bits beyond CAP.ND.
    reserved |= above_width(walk.caps.domain_id_bits, 87, 72)
    # SSPTPTR as a whole is ignored with TT=2, so none of its bits is reserved there.
    if translation_type != PASS_THROUGH:
        reserved |= above_width(walk.caps.haw, 63)
    return reserved


def supports_translation_type(walk: Walk, translation_type: int) -> bool:
    return {
        0: True,
        DEVICE_TLB: walk.caps.device_tlb,
        PASS_THROUGH: walk.caps.pass_through,
        3: False,
    }[translation_type]


def as_it_is(walk: Walk, *, above_host: str) -> Outcome:
    """Translated requests and pass-through: the address is a host address; no rights are judged."""
    address = walk.ask.address
    if address >> walk.caps.haw:
        raise Blocked(above_host)
    if in_interrupt_range(address):
        raise Blocked("LGN.4")
    return Outcome(address=address, readable=True, writable=True)


def through_tables(walk: Walk, context: ContextEntry) -> Outcome:
    ask = walk.ask
    # 1. The input address.
    if ask.address >= input_limit(walk, context.address_width):
        raise Blocked("LGN.1.1")
    # 2. The tables. Legacy mode never sets accessed or dirty bits.
    stage = SecondStage(
        table=context.table,
        levels=levels_of(context.address_width),
        scalable=False,
        top_unreadable="LCT.4.3",
        lower_unreadable="LSS.1",
        malformed="LSS.2",
    )
    leaf = walk_second_stage(walk, stage, ask.address)
    # 3. The rights.
    readable, writable = granted_rights(
        walk, leaf.readable, leaf.writable, no_write="LGN.2", no_read="LGN.3"
    )
    # 4. The output, for a translation request too the byte asked for, not the page.
    address = leaf.address(ask.address)
    if in_interrupt_range(address):
        raise Blocked("LGN.4")
    return Outcome(
        address=address,
        page_size=leaf.size,
        readable=readable,
        writable=writable,
        snoop=walk.caps.snoop_control and bool(leaf.entry & SNOOP),
    )
