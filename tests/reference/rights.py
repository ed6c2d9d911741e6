"""Rights and output of a translation, once every table on its way was valid.

Sections 3.6.1, 3.7.1, 3.14, 3.15 and 4.2.3.
"""

from __future__ import annotations

from tests.reference.model import TRANSLATION, Blocked, Outcome, Walk

INTERRUPT_RANGE = range(0xFEE00000, 0xFEF00000)


def granted_rights(
    walk: Walk, readable: bool, writable: bool, *, no_write: str, no_read: str
) -> tuple[bool, bool]:
    """The rights the requester has; ends as `no_write` or `no_read` if one it needs is missing."""
    ask = walk.ask
    if ask.address_type == TRANSLATION:
        # What is missing is told in the completion; a fault, of the kind a read has, is only that
        # the tables give no right at all. NW counts with NWFS only (4.2.3).
        if not (readable or writable):
            raise Blocked(no_read)
        return readable, writable and not (ask.no_write and walk.caps.no_write_flag)
    # The write right comes first in the fault table: an atomic that has none ends there.
    if ask.needs_write and not writable:
        raise Blocked(no_write)
    if ask.needs_read and not readable and not excused_read(walk, writable):
        raise Blocked(no_read)
    return readable, writable


def excused_read(walk: Walk, writable: bool) -> bool:
    """With ZLR=1 a zero-length read of a write-only page succeeds (3.14)."""
    return walk.ask.zero_length and writable and walk.caps.zero_length_read


def in_interrupt_range(address: int) -> bool:
    return address in INTERRUPT_RANGE


def overlaps_interrupt_range(base: int, size: int) -> bool:
    return base < INTERRUPT_RANGE.stop and INTERRUPT_RANGE.start < base + size


def asks_for_interrupt_range(walk: Walk) -> bool:
    """A translation request without PASID into 0xFEExxxxx.

    It has an answer of its own (4.2.3). That the context entry must let translation requests
    through first is our reading: a device without that right gets no answer at all.
    """
    ask = walk.ask
    return ask.address_type == TRANSLATION and ask.pasid is None and in_interrupt_range(ask.address)


def interrupt_range_completion(walk: Walk) -> Outcome:
    """Write-only, and untranslated accesses only; nothing if the device will not write (4.2.3)."""
    writable = not (walk.ask.no_write and walk.caps.no_write_flag)
    return Outcome(writable=writable, untranslated_only=writable)
