"""Sorts the fault conditions that blocked requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.bus import AddressType, Fault, RequestBlocked, RequestResolved
from vtd_plugin.encodings.faults import CONDITIONS_BY_LABEL
from vtd_plugin.inspect.coverage.bins.faults import FAULTS

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers


class FaultSorter:
    """Sorts the reasons for which units block what they are asked for.

    Args:
        count: Told of each hit.
    """

    __slots__ = ("_count", "handlers")

    def __init__(self, count: Count) -> None:
        self._count = count
        self.handlers: Handlers = {
            RequestBlocked: lambda event: self._blocked(event.fault),
            RequestResolved: self._resolved,
        }

    def _resolved(self, event: RequestResolved) -> None:
        # No transfer carries a translation request, so that nobody else tells.
        if event.attributes.address_type is AddressType.TRANSLATION and isinstance(
            event.resolution, Fault
        ):
            self._blocked(event.resolution)

    def _blocked(self, fault: Fault) -> None:
        if fault.name in CONDITIONS_BY_LABEL:
            self._count(FAULTS, fault.name)
