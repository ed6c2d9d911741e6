"""A second opinion: what becomes of one DMA request, from tables in memory alone.

Chapters 3, 4.2 and 7.1 of the architecture, for a unit with translation enabled. The walker knows
no cache, no register but the four it is given, and no state between requests; it favours
obviousness over speed. Protected memory regions, page requests, interrupt remapping and the host
permission table are not here.

Where the architecture leaves an order or a case open the choice is a comment at the place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reference import legacy, scalable
from tests.reference.faults import CONDITIONS
from tests.reference.model import (
    TRANSLATION,
    UNTRANSLATED,
    Ask,
    Blocked,
    Outcome,
    Read,
    Walk,
    Write,
    bits,
    in_place,
)
from tests.reference.rights import in_interrupt_range

if TYPE_CHECKING:
    from tests.reference.capabilities import Caps

LEGACY_MODE = 0
SCALABLE_MODE = 1
RESERVED_MODE = 2
ABORT_MODE = 3


def walk(
    read: Read, write: Write, caps: Caps, rtaddr: int, ask: Ask, *, host_type: int = 0
) -> Outcome:
    """Resolve one request.

    Args:
        read: Reads memory as the unit does.
        write: Writes it: accessed and dirty bits.
        caps: What the unit is.
        rtaddr: RTADDR as the last set-root-table-pointer command latched it.
        ask: The request.
        host_type: The memory type that the MTRRs give the page; 0 (UC) is what they give when off.

    Returns:
        What becomes of it.
    """
    state = Walk(
        read=read,
        write=write,
        caps=caps,
        ssirwe=caps.second_stage_io_rights and bool(rtaddr >> 7 & 1),
        host_type=host_type,
        ask=ask,
    )
    special = without_tables(state)
    if special is not None:
        return special
    try:
        return through_mode(state, rtaddr)
    except Blocked as blocked:
        return faulted(state, blocked.label)


def without_tables(state: Walk) -> Outcome | None:
    """Requests that no table has a say in, first the malformed, then those to 0xFEExxxxx."""
    ask = state.ask
    # Only a read can be a translation request (4.2.1); no fault reason belongs to it.
    if ask.address_type == TRANSLATION and ask.kind != "read":
        return Outcome(answer="UR")
    if ask.pasid is not None or not in_interrupt_range(ask.address):
        return None
    return to_interrupt_range(state) if ask.address_type == UNTRANSLATED else None


def to_interrupt_range(state: Walk) -> Outcome:
    """An untranslated request without PASID into 0xFEExxxxx (3.15, 5.1.4.1)."""
    ask = state.ask
    if ask.kind == "write" and ask.size == 4 and ask.address % 4 == 0:
        return Outcome(interrupt=True)
    if ask.zero_length:
        return Outcome()
    return faulted(state, "IR.29")


def through_mode(state: Walk, rtaddr: int) -> Outcome:
    """RTADDR.TTM, and what it refuses at once (3.4.4, 7.1.3)."""
    ask, caps = state.ask, state.caps
    mode = bits(rtaddr, 11, 10)
    root_table = rtaddr & in_place(63, 12)
    if mode == ABORT_MODE:
        raise Blocked("RTA.4" if caps.abort_dma else "RTA.1.1")
    if mode == RESERVED_MODE:
        raise Blocked("RTA.1.2")
    if mode == SCALABLE_MODE and not caps.scalable_mode:
        raise Blocked("RTA.1.3")
    # The fault table has RTA.1.4 for requests without PASID only: RTA.2 takes the others.
    if mode == LEGACY_MODE and ask.pasid is not None:
        raise Blocked("RTA.2")
    if mode == LEGACY_MODE and state.ssirwe:
        raise Blocked("RTA.1.4")
    if ask.pasid is not None and ask.execute and caps.major_version >= 8:
        raise Blocked("RTA.5")
    translate = legacy.translate if mode == LEGACY_MODE else scalable.translate
    return translate(state, root_table)


def faulted(state: Walk, label: str) -> Outcome:
    """The answer by kind of request, and whether software is told (7.1.2, 7.1.3)."""
    condition = CONDITIONS[label]
    answer = condition.answer(state.ask.address_type, state.ask.pasid is not None)
    # A translation request that completes with success is no recorded fault, but for a failed
    # accessed or dirty update.
    recoverable = answer in ("S0", "Seff") and label != "SFS.10"
    suppressed = condition.qualified and state.fault_processing_disabled
    return Outcome(fault=label, answer=answer, recorded=not (recoverable or suppressed))
