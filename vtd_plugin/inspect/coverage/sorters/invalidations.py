"""Sorts invalidations by what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.inspect.coverage.bins.invalidations import INVALIDATIONS, Cache, Granularity
from vtd_plugin.iommu.events import DeviceTlbInvalidated, Invalidated

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers


class InvalidationSorter:
    """Sorts what software invalidates.

    Args:
        count: Told of each hit.
    """

    __slots__ = ("_count", "handlers")

    def __init__(self, count: Count) -> None:
        self._count = count
        self.handlers: Handlers = {
            Invalidated: self._invalidated,
            DeviceTlbInvalidated: self._device_tlb_invalidated,
        }

    def _invalidated(self, event: Invalidated) -> None:
        self._count(INVALIDATIONS, event.cache, event.granularity)

    def _device_tlb_invalidated(self, event: DeviceTlbInvalidated) -> None:
        granularity = Granularity.PAGE if event.pasid is None else Granularity.PASID_PAGE
        self._count(INVALIDATIONS, Cache.DEVICE_TLB, granularity)
