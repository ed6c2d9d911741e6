"""The addresses 0xFEEx_xxxx: interrupts, never memory (§3.15).

Where a request may not go there is decided by the translation modes; that an untranslated request
*asks* for an interrupt is decided before any table is read, in `remapping`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import INTERRUPT_WINDOW_BASE, INTERRUPT_WINDOW_LAST, Translation
from vtd_plugin.iommu.caches import IotlbEntry

if TYPE_CHECKING:
    from vtd_plugin.iommu.request import Request

RANGE_SHIFT: Final = 20
RANGE_NUMBER: Final = INTERRUPT_WINDOW_BASE >> RANGE_SHIFT
"""All addresses of the range have these upper bits, and no others have."""

_PAGE_MASK: Final = 0xFFF


def in_interrupt_range(address: int) -> bool:
    """Whether an address is one of the range."""
    return address >> RANGE_SHIFT == RANGE_NUMBER


def overlaps_interrupt_range(first: int, last: int) -> bool:
    """Whether any address of [first, last] is one of the range."""
    return first <= INTERRUPT_WINDOW_LAST and last >= INTERRUPT_WINDOW_BASE


def translation_request_into_range(request: Request, *, no_write_flag: bool) -> IotlbEntry:
    """The answer to a translation request without PASID: write-only, or nothing (§4.2.3)."""
    rights = Translation.WRITABLE if request.writes(no_write_flag=no_write_flag) else 0
    return IotlbEntry(
        request.address & ~_PAGE_MASK,
        _PAGE_MASK,
        rights,
        tag=request.source_id,
        iova=request.address,
        domain_id=request.domain_id,
    )
