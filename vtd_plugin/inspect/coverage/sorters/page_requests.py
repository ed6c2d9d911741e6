"""Sorts page requests, and the answers that devices wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.inspect.coverage.bins.page_requests import (
    CODES,
    PAGE_REQUESTS,
    PAGE_RESPONSES,
    Place,
)
from vtd_plugin.inspect.coverage.bins.requests import Pasid
from vtd_plugin.iommu.events import PageGroupAnswered, PageRequested

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers
    from vtd_plugin.iommu.request import PageAsk


class PageRequestSorter:
    """Sorts what devices ask for, and what software answers.

    Args:
        count: Told of each hit.
    """

    __slots__ = ("_count", "handlers")

    def __init__(self, count: Count) -> None:
        self._count = count
        self.handlers: Handlers = {
            PageRequested: self._requested,
            PageGroupAnswered: self._answered,
        }

    def _requested(self, event: PageRequested) -> None:
        ask = event.ask
        # A stop marker says of which PASID no more follows (§7.6): without one it is no message.
        if ask.pasid is not None or not ask.is_stop_marker:
            self._count(PAGE_REQUESTS, _place(ask), Pasid.of(ask.pasid), event.became)

    def _answered(self, event: PageGroupAnswered) -> None:
        for code, name in CODES.items():
            if code == event.code:
                self._count(PAGE_RESPONSES, name, Pasid.of(event.pasid))


def _place(ask: PageAsk) -> Place:
    if ask.is_stop_marker:
        return Place.STOP_MARKER
    return Place.LAST if ask.last else Place.INNER
