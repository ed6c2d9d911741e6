"""Descriptors of the invalidation queue: which are valid, and what each does (§6.5.2, §7.6.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.codes import (
    ContextGranularity,
    DescriptorType,
    HptGranularity,
    IotlbGranularity,
    PasidCacheGranularity,
    PasidIotlbGranularity,
    QueueError,
    TableMode,
)
from vtd_plugin.encodings.structures import (
    ContextInvalidate,
    DeviceTlbInvalidate,
    HptInvalidate,
    InterruptEntryInvalidate,
    InvalidationWait,
    IotlbInvalidate,
    PageGroupResponse,
    PasidCacheInvalidate,
    PasidDeviceTlbInvalidate,
    PasidIotlbInvalidate,
)

if TYPE_CHECKING:
    from vtd_plugin.iommu.device_tlb import DeviceTlbs
    from vtd_plugin.iommu.invalidation import Invalidator
    from vtd_plugin.iommu.page_requests import PageRequests
    from vtd_plugin.iommu.state import TranslationState
    from vtd_plugin.iommu.waits import InvalidationWaits

NARROW_BYTES: Final = 16
WIDE_BYTES: Final = 32
_NARROW_MASK: Final = (1 << 8 * NARROW_BYTES) - 1

_NARROW_TYPES: Final = frozenset(
    {
        DescriptorType.CONTEXT,
        DescriptorType.IOTLB,
        DescriptorType.DEVICE_TLB,
        DescriptorType.INTERRUPT_ENTRY,
        DescriptorType.WAIT,
    }
)
"""The 128-bit descriptors; in a 256-bit queue their upper half must be 0 (§6.5.2.1)."""

_LAYOUTS: Final = {
    DescriptorType.CONTEXT: ContextInvalidate,
    DescriptorType.IOTLB: IotlbInvalidate,
    DescriptorType.DEVICE_TLB: DeviceTlbInvalidate,
    DescriptorType.INTERRUPT_ENTRY: InterruptEntryInvalidate,
    DescriptorType.WAIT: InvalidationWait,
    DescriptorType.PASID_IOTLB: PasidIotlbInvalidate,
    DescriptorType.PASID_CACHE: PasidCacheInvalidate,
    DescriptorType.PASID_DEVICE_TLB: PasidDeviceTlbInvalidate,
    DescriptorType.PAGE_GROUP_RESPONSE: PageGroupResponse,
    DescriptorType.HPT: HptInvalidate,
}

_NEEDED: Final = {
    DescriptorType.DEVICE_TLB: "ECAP.DT",
    DescriptorType.PASID_DEVICE_TLB: "ECAP.DT",
    DescriptorType.PAGE_GROUP_RESPONSE: "ECAP.PRS",
    DescriptorType.HPT: "ECAP.HPTS",
}
"""The capability without which a descriptor type is invalid (§6.5.2, §7.6.1)."""

_Handler = Callable[[int], QueueError | None]


class Descriptors:
    """Verifies descriptors and obeys them.

    Args:
        state: What the unit translates with.
        invalidator: Does the invalidations.
        device_tlbs: Takes invalidations to devices.
        page_requests: Takes answers to page requests.
        waits: Takes the waits, and what they are to wait for.
    """

    __slots__ = (
        "_device_tlbs",
        "_handlers",
        "_invalidator",
        "_page_requests",
        "_reserved",
        "_state",
        "_waits",
    )

    def __init__(
        self,
        state: TranslationState,
        invalidator: Invalidator,
        device_tlbs: DeviceTlbs,
        page_requests: PageRequests,
        waits: InvalidationWaits,
    ) -> None:
        self._state = state
        self._invalidator = invalidator
        self._device_tlbs = device_tlbs
        self._page_requests = page_requests
        self._waits = waits
        self._reserved = {kind: layout.reserved(state.caps) for kind, layout in _LAYOUTS.items()}
        self._handlers: dict[DescriptorType, _Handler] = {
            DescriptorType.CONTEXT: self._context,
            DescriptorType.IOTLB: self._iotlb,
            DescriptorType.DEVICE_TLB: self._device_tlb,
            DescriptorType.INTERRUPT_ENTRY: self._interrupt_entry,
            DescriptorType.WAIT: self._wait,
            DescriptorType.PASID_IOTLB: self._pasid_iotlb,
            DescriptorType.PASID_CACHE: self._pasid_cache,
            DescriptorType.PASID_DEVICE_TLB: self._pasid_device_tlb,
            DescriptorType.PAGE_GROUP_RESPONSE: self._page_group_response,
            DescriptorType.HPT: self._host_permissions,
        }

    def obey(self, descriptor: int) -> QueueError | None:
        """Verify a descriptor whole, then do what it says; or the error that it is."""
        view = ContextInvalidate(descriptor & _NARROW_MASK)
        kind = view.TYPE_6_4 << ContextInvalidate.FIELDS["TYPE_3_0"].width | view.TYPE_3_0
        if not self._exists(kind):
            return QueueError.BAD_TYPE
        reserved = self._reserved[DescriptorType(kind)]
        if kind in _NARROW_TYPES:
            reserved |= ~_NARROW_MASK
        if descriptor & reserved:
            return QueueError.RSVD_FIELD
        return self._handlers[DescriptorType(kind)](descriptor)

    def _exists(self, kind: int) -> bool:
        """Whether a descriptor type is valid on this unit in this mode (§6.5.2.11)."""
        if kind not in self._handlers:
            return False
        needed = _NEEDED.get(DescriptorType(kind))
        if needed is not None and not self._state.caps.satisfies(needed):
            return False
        return kind in _NARROW_TYPES or self._state.root.TTM != TableMode.LEGACY

    def _context(self, raw: int) -> QueueError | None:
        descriptor = ContextInvalidate(raw)
        if descriptor.G not in tuple(ContextGranularity):
            return QueueError.RSVD_FIELD
        self._invalidator.context(descriptor.G, descriptor.DID, descriptor.SID, descriptor.FM)
        return None

    def _iotlb(self, raw: int) -> QueueError | None:
        descriptor = IotlbInvalidate(raw)
        if descriptor.G == IotlbGranularity.GLOBAL:
            drained = self._invalidator.iotlb_global()
        elif descriptor.G == IotlbGranularity.DOMAIN:
            drained = self._invalidator.iotlb_domain(descriptor.DID)
        elif descriptor.G == IotlbGranularity.PAGE and self._state.caps.CAP.PSI:
            drained = self._invalidator.iotlb_pages(
                descriptor.DID,
                descriptor.ADDR_address,
                descriptor.AM,
                leaf_only=bool(descriptor.IH),
            )
        else:
            return QueueError.RSVD_FIELD
        self._waits.drain(drained)
        return None

    def _pasid_iotlb(self, raw: int) -> QueueError | None:
        descriptor = PasidIotlbInvalidate(raw)
        if descriptor.G == PasidIotlbGranularity.PASID:
            drained = self._invalidator.iotlb_pasid(descriptor.DID, descriptor.PASID)
        elif descriptor.G == PasidIotlbGranularity.PAGE:
            drained = self._invalidator.iotlb_pasid_pages(
                descriptor.DID,
                descriptor.PASID,
                descriptor.ADDR_address,
                descriptor.AM,
                leaf_only=bool(descriptor.IH),
            )
        else:
            return QueueError.RSVD_FIELD
        self._waits.drain(drained)
        return None

    def _pasid_cache(self, raw: int) -> QueueError | None:
        descriptor = PasidCacheInvalidate(raw)
        if descriptor.G not in tuple(PasidCacheGranularity):
            return QueueError.RSVD_FIELD
        self._invalidator.pasid_cache(descriptor.G, descriptor.DID, descriptor.PASID)
        return None

    def _device_tlb(self, raw: int) -> QueueError | None:
        descriptor = DeviceTlbInvalidate(raw)
        self._device_tlbs.invalidate(
            descriptor.SID, descriptor.ADDR_address, ranged=bool(descriptor.S)
        )
        return None

    def _pasid_device_tlb(self, raw: int) -> QueueError | None:
        descriptor = PasidDeviceTlbInvalidate(raw)
        self._device_tlbs.invalidate(
            descriptor.SID,
            descriptor.ADDR_address,
            ranged=bool(descriptor.S),
            pasid=None if descriptor.GI else descriptor.PASID,
        )
        return None

    def _page_group_response(self, raw: int) -> QueueError | None:
        self._page_requests.answer(PageGroupResponse(raw))
        return None

    def _host_permissions(self, raw: int) -> QueueError | None:
        descriptor = HptInvalidate(raw)
        if descriptor.G not in tuple(HptGranularity):
            return QueueError.RSVD_FIELD
        self._invalidator.host_permissions(
            descriptor.G, descriptor.HPTDID, descriptor.ADDR_address, descriptor.AM
        )
        return None

    def _interrupt_entry(self, raw: int) -> QueueError | None:
        descriptor = InterruptEntryInvalidate(raw)
        if descriptor.G:
            self._invalidator.interrupt_entries(descriptor.IIDX, descriptor.IM)
        else:
            self._invalidator.interrupt_entries(None, 0)
        return None

    def _wait(self, raw: int) -> QueueError | None:
        self._waits.begin(InvalidationWait(raw))
        return None
