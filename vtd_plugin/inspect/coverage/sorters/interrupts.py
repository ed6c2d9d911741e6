"""Sorts interrupt requests by what becomes of them.

A unit's own event messages are none: they are not remapped (§5.1.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.bus import Fault, RequestResolved
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.structures import RemapMsiAddress
from vtd_plugin.inspect.coverage.bins.interrupts import INTERRUPTS, EntryFrom, Fate, Format
from vtd_plugin.iommu.events import InterruptResolved

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers


class InterruptSorter:
    """Sorts what requesters write into the interrupt window.

    Args:
        count: Told of each hit.
    """

    __slots__ = ("_count", "handlers")

    def __init__(self, count: Count) -> None:
        self._count = count
        self.handlers: Handlers = {
            InterruptResolved: self._resolved,
            RequestResolved: self._refused,
        }

    def _resolved(self, event: InterruptResolved) -> None:
        self._count(INTERRUPTS, _format(event), _entry(event), _fate(event))

    def _refused(self, event: RequestResolved) -> None:
        # What is no interrupt request is refused before the interrupt side hears of it.
        found = event.resolution
        if isinstance(found, Fault) and found.name == Condition.IR_29.name:
            self._count(INTERRUPTS, Format.MALFORMED, EntryFrom.NOWHERE, found.name)


def _format(event: InterruptResolved) -> Format:
    address = RemapMsiAddress(event.address)
    if not event.remapping or not address.FORMAT:
        return Format.COMPATIBILITY
    return Format.SUBHANDLE if address.SHV else Format.REMAPPABLE


def _entry(event: InterruptResolved) -> EntryFrom:
    if event.entry is None:
        return EntryFrom.NOWHERE
    return EntryFrom.CACHE if event.cached else EntryFrom.TABLE


def _fate(event: InterruptResolved) -> str:
    if isinstance(event.found, Fault):
        return event.found.name
    if event.entry is None:
        return Fate.PASSED if event.remapping else Fate.REMAPPING_OFF
    if not event.entry.IM:
        return Fate.REMAPPED
    return Fate.POSTED if event.found is None else Fate.NOTIFIED
