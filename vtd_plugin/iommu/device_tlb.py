"""Device-TLB invalidations on their way to devices (§6.5.2.5).

An invalidation is routed to the requester it names and answered by it at once; devices that answer
late, tags and time-outs are not modelled.
"""

from __future__ import annotations

from typing import Final

from vtd_plugin.bus import ALL_ADDRESSES, UnitHost
from vtd_plugin.iommu.events import DeviceTlbInvalidated

_PAGE_BITS: Final = 12


def named_range(address: int, *, ranged: bool) -> tuple[int, int]:
    """First address and size that a device-TLB invalidation names.

    With the size bit clear it is one page; else the lowest clear bit of the page number gives the
    size, and the bits below it do not count.
    """
    page = address >> _PAGE_BITS
    bits = 0
    if ranged:
        bits = 1
        while page & 1 and bits < 64 - _PAGE_BITS:
            page >>= 1
            bits += 1
    size = 1 << _PAGE_BITS + bits
    return address & -size & ALL_ADDRESSES, size


class DeviceTlbs:
    """Where device-TLB invalidations go.

    Args:
        name: Name of the unit.
        host: The platform side.
    """

    __slots__ = ("_host", "_name")

    def __init__(self, name: str, host: UnitHost) -> None:
        self._name = name
        self._host = host

    def invalidate(
        self, source_id: int, address: int, *, ranged: bool, pasid: int | None = None
    ) -> None:
        """Send an invalidation to a device and take its completion.

        Args:
            source_id: The device.
            address: Address of the page, or of the range with its size in the low page bits.
            ranged: The size bit (S).
            pasid: The PASID whose translations go; None for all, or for those without.
        """
        first, size = named_range(address, ranged=ranged)
        if self._host.observed:
            self._host.emit(DeviceTlbInvalidated(self._name, source_id, first, size, pasid))
