"""Sorts invalidations by what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.inspect.coverage.bins.invalidations import INVALIDATIONS, Cache, Granularity
from vtd_plugin.inspect.coverage.bins.page_requests import Became
from vtd_plugin.iommu.events import DeviceTlbInvalidated, Invalidated, PageRequested

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers


class InvalidationSorter:
    """Sorts what software invalidates; what a page request implies is not its doing (§6.5.3.1).

    Args:
        count: Told of each hit.
    """

    __slots__ = ("_count", "_implied", "handlers")

    def __init__(self, count: Count) -> None:
        self._count = count
        self._implied = False
        self.handlers: Handlers = {
            PageRequested: self._page_requested,
            Invalidated: self._invalidated,
            DeviceTlbInvalidated: self._device_tlb_invalidated,
        }

    def _page_requested(self, event: PageRequested) -> None:
        self._implied = event.became == Became.QUEUED

    def _invalidated(self, event: Invalidated) -> None:
        if self._implied:
            self._implied = False
            return
        self._count(INVALIDATIONS, event.cache, event.granularity)

    def _device_tlb_invalidated(self, event: DeviceTlbInvalidated) -> None:
        granularity = Granularity.PAGE if event.pasid is None else Granularity.PASID_PAGE
        self._count(INVALIDATIONS, Cache.DEVICE_TLB, granularity)
