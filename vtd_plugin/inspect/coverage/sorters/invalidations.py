"""Sorts invalidations by what they name, and by what is in flight that uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import ALL_ADDRESSES
from vtd_plugin.inspect.coverage.bins.invalidations import (
    INVALIDATIONS,
    Cache,
    Granularity,
    UseInFlight,
)
from vtd_plugin.inspect.coverage.bins.page_requests import Became
from vtd_plugin.iommu import VtdUnit
from vtd_plugin.iommu.events import DeviceTlbInvalidated, Invalidated, PageRequested

if TYPE_CHECKING:
    from vtd_plugin.bus import Platform
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers


_DEVICE_TLB: Final = {
    (True, False): Granularity.GLOBAL,
    (True, True): Granularity.PASID,
    (False, False): Granularity.PAGE,
    (False, True): Granularity.PASID_PAGE,
}
"""By whether all addresses are named, and whether a PASID is."""


class InvalidationSorter:
    """Sorts what software invalidates; what a page request implies is not its doing (§6.5.3.1).

    Args:
        platform: Whose units they are asked of.
        count: Told of each hit.
    """

    __slots__ = ("_count", "_implied", "_platform", "handlers")

    def __init__(self, platform: Platform, count: Count) -> None:
        self._platform = platform
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
        in_flight = UseInFlight.COVERED if event.transfers else self._in_flight(event.unit)
        self._count(INVALIDATIONS, event.cache, event.granularity, in_flight)

    def _device_tlb_invalidated(self, event: DeviceTlbInvalidated) -> None:
        everything = event.size > ALL_ADDRESSES
        granularity = _DEVICE_TLB[everything, event.pasid is not None]
        self._count(INVALIDATIONS, Cache.DEVICE_TLB, granularity, self._in_flight(event.unit))

    def _in_flight(self, unit: str) -> UseInFlight:
        for port in self._platform.ports:
            ours = isinstance(port.unit, VtdUnit) and port.unit.name == unit
            # What is blocked, or an interrupt, uses no translation.
            if ours and any(transfer.translations for transfer in port.in_flight):
                return UseInFlight.OTHERS
        return UseInFlight.NOTHING
