"""Sorts the fault conditions that blocked requests, by what was asked.

Memory requests, interrupt requests and page requests are each told of by an event of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import Answer, Fault, RequestBlocked, RequestResolved
from vtd_plugin.encodings.faults import CONDITIONS_BY_NAME
from vtd_plugin.inspect.coverage.bins.faults import FAULTS, PAGE_REQUEST
from vtd_plugin.inspect.coverage.bins.requests import Kind, Pasid
from vtd_plugin.inspect.coverage.sorters.requests import kind_of
from vtd_plugin.iommu.events import InterruptResolved

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers

_TO_PAGE_REQUESTS: Final = (Answer.INVALID_REQUEST, Answer.DROPPED)


class FaultSorter:
    """Sorts the reasons for which units block what they are asked for.

    Args:
        count: Told of each hit.
    """

    __slots__ = ("_count", "handlers")

    def __init__(self, count: Count) -> None:
        self._count = count
        self.handlers: Handlers = {
            RequestResolved: self._request,
            InterruptResolved: self._interrupt,
            RequestBlocked: self._page_request,
        }

    def _request(self, event: RequestResolved) -> None:
        if isinstance(event.resolution, Fault):
            self._sort(event.resolution, kind_of(event.attributes, event.size))

    def _interrupt(self, event: InterruptResolved) -> None:
        if isinstance(event.found, Fault):
            self._sort(event.found, Kind.WRITE)

    def _page_request(self, event: RequestBlocked) -> None:
        if event.fault.answer in _TO_PAGE_REQUESTS:
            self._sort(event.fault, PAGE_REQUEST)

    def _sort(self, fault: Fault, kind: str) -> None:
        if fault.name in CONDITIONS_BY_NAME:
            self._count(FAULTS, fault.name, kind, Pasid.of(fault.attributes.pasid))
