"""The invalidation queue: descriptors in memory, fetched and obeyed in order (§6.5.2).

A descriptor is verified whole before the head moves past it; at an error the head stays where it is
and the queue stops until software clears the error. Invalidations act at once; a wait descriptor
completes when the requests that its predecessors must drain have ended, and with its fence bit set
holds back all later descriptors until then.
"""

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
from vtd_plugin.encodings.registers import FSTS, GSTS, ICS, IQA, IQERCD, IQH, IQT
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
    from vtd_plugin.bus import Memory, Transfer
    from vtd_plugin.iommu.device_tlb import DeviceTlbs
    from vtd_plugin.iommu.drain import Drains
    from vtd_plugin.iommu.event_message import EventMessage
    from vtd_plugin.iommu.faults import FaultLog
    from vtd_plugin.iommu.invalidation import Invalidator
    from vtd_plugin.iommu.page_requests import PageRequests
    from vtd_plugin.iommu.registers import RegisterFile
    from vtd_plugin.iommu.state import TranslationState

_NARROW_BYTES: Final = 16
_WIDE_BYTES: Final = 32
_NARROW_MASK: Final = (1 << 8 * _NARROW_BYTES) - 1
_PAGE_BYTES: Final = 4096

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

Handler = Callable[[int], QueueError | None]


class InvalidationQueue:
    """Fetches, verifies and obeys descriptors.

    Args:
        state: What the unit translates with.
        registers: The unit's registers.
        faults: Where queue errors are reported.
        invalidator: Does the invalidations.
        device_tlbs: Takes invalidations to devices.
        page_requests: Takes answers to page requests.
        drains: Where waits wait.
        completion_event: The message of a wait with its interrupt flag set.
        stopped: Told of an error, with the code and the head.
    """

    __slots__ = (
        "_completion_event",
        "_device_tlbs",
        "_drains",
        "_faults",
        "_fence",
        "_handlers",
        "_invalidator",
        "_memory",
        "_page_requests",
        "_registers",
        "_reserved",
        "_running",
        "_state",
        "_stopped",
        "_to_drain",
        "_waits",
        "_wide_allowed",
    )

    def __init__(
        self,
        state: TranslationState,
        registers: RegisterFile,
        faults: FaultLog,
        invalidator: Invalidator,
        device_tlbs: DeviceTlbs,
        page_requests: PageRequests,
        drains: Drains,
        completion_event: EventMessage,
        stopped: Callable[[QueueError, int], None],
    ) -> None:
        self._state = state
        self._memory: Memory = state.memory
        self._registers = registers
        self._faults = faults
        self._invalidator = invalidator
        self._device_tlbs = device_tlbs
        self._page_requests = page_requests
        self._drains = drains
        self._completion_event = completion_event
        self._stopped = stopped
        self._wide_allowed = bool(state.caps.ECAP.SMTS or state.caps.ECAP.ADMS)
        self._reserved = {kind: layout.reserved(state.caps) for kind, layout in _LAYOUTS.items()}
        self._handlers: dict[DescriptorType, Handler] = {
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
        self._running = False
        self._fence = 0  # the number of the wait that holds later descriptors, 0 for none
        self._waits = 0
        self._to_drain: set[Transfer] = set()
        registers.on_write(IQT, "QT", self.run)
        registers.on_write(ICS, "IWC", self._completion_served)
        faults.on_status_written(self.run)

    # --- on and off

    def enable(self) -> None:
        """QIE was set: begin at the head."""
        self.run()

    def disable(self) -> None:
        """QIE was cleared: the head returns to 0 (§6.5.2)."""
        self._registers.store(IQH(0))
        self._fence = 0

    def reset(self) -> None:
        """Forget everything that was fetched."""
        self._fence = 0
        self._to_drain.clear()

    # --- fetching

    def run(self) -> None:
        """Obey descriptors until the queue is empty, held back, or stopped by an error."""
        if self._running:
            return
        self._running = True
        try:
            while self._step():
                pass
        finally:
            self._running = False

    def _step(self) -> bool:
        head, tail = self._registers.load(IQH).value, self._registers.load(IQT).value
        status = self._registers.load(FSTS)
        enabled = self._registers.load(GSTS).QIES
        if not enabled or self._fence or status.IQE or status.ITE or head == tail:
            return False
        error = self._check_queue(head, tail) or self._obey(head)
        if error is not None:
            self._stop(error, head)
            return False
        setup = self._registers.load(IQA)
        width = _WIDE_BYTES if setup.DW else _NARROW_BYTES
        self._registers.store(IQH((head + width) % (_PAGE_BYTES << setup.QS)))
        return True

    def _check_queue(self, head: int, tail: int) -> QueueError | None:
        """Errors of the queue's set-up, whatever the descriptors (§6.5.2.11)."""
        setup = self._registers.load(IQA)
        caps, mode = self._state.caps, self._state.root.TTM
        if (
            mode == TableMode.RESERVED
            or (mode == TableMode.SCALABLE and not caps.ECAP.SMTS)
            or (mode == TableMode.ABORT and not caps.ECAP.ADMS)
        ):
            return QueueError.BAD_TTM
        if setup.DW and not self._wide_allowed:
            return QueueError.BAD_WIDTH
        if not setup.DW and mode != TableMode.LEGACY:
            return QueueError.BAD_WIDTH
        if setup.DW and (tail | head) % _WIDE_BYTES:
            return QueueError.TAIL_MISALIGNED
        if max(head, tail) >= _PAGE_BYTES << setup.QS:
            return QueueError.BAD_TAIL
        return None

    def _obey(self, head: int) -> QueueError | None:
        setup = self._registers.load(IQA)
        width = _WIDE_BYTES if setup.DW else _NARROW_BYTES
        descriptor = self._memory.read_int(setup.IQA_address + head, width)
        if descriptor is None:
            return QueueError.FETCH_ERROR
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

    def _stop(self, error: QueueError, head: int) -> None:
        self._registers.update(IQERCD, IQEI=error)
        self._faults.report(IQE=1)
        self._stopped(error, head)

    # --- descriptors

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
        self._to_drain |= drained
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
        self._to_drain |= drained
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

    @staticmethod
    def _host_permissions(raw: int) -> QueueError | None:
        """Nothing of host permission tables is cached: there is only the granularity to check."""
        return None if HptInvalidate(raw).G in tuple(HptGranularity) else QueueError.RSVD_FIELD

    def _interrupt_entry(self, raw: int) -> QueueError | None:
        descriptor = InterruptEntryInvalidate(raw)
        if descriptor.G:
            self._invalidator.interrupt_entries(descriptor.IIDX, descriptor.IM)
        else:
            self._invalidator.interrupt_entries(None, 0)
        return None

    def _wait(self, raw: int) -> QueueError | None:
        """Complete after all that the descriptors before must drain (§6.5.2.9, §6.5.2.12)."""
        descriptor = InvalidationWait(raw)
        self._waits += 1
        self._to_drain = {transfer for transfer in self._to_drain if not transfer.ended}
        number = self._waits
        self._fence = number if descriptor.FN else 0
        self._drains.start(
            f"invalidation wait {number}",
            self._to_drain,
            lambda: self._complete_wait(descriptor, number),
        )
        return None

    def _complete_wait(self, descriptor: InvalidationWait, number: int) -> None:
        if descriptor.SW:
            address = descriptor.STADDR_address & (1 << self._state.caps.haw) - 1
            self._memory.write_u32(address, descriptor.STDATA)
        if descriptor.IF and not self._registers.load(ICS).IWC:
            self._registers.update(ICS, IWC=1)
            self._completion_event.raise_()
        # Software may have turned the queue off over a fence, and on again with another one.
        if self._fence == number:
            self._fence = 0
            self.run()

    def _completion_served(self) -> None:
        if not self._registers.load(ICS).IWC:
            self._completion_event.withdraw()
