"""Resolving one request: the way through the unit, in the architecture's order (chapter 3).

Translation on? interrupt range? cached? root, context, tables, rights, output - and last the
protected regions, which are about host addresses. A hit in the IOTLB leaves after one look-up and
allocates nothing: the cached entry is the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import (
    IDENTITY,
    INTERRUPT,
    Answer,
    Attributes,
    Fault,
    Mapping,
    RequestKind,
    Resolution,
    Translation,
)
from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.iommu.caches import IotlbEntry, request_tag
from vtd_plugin.iommu.interrupt_range import (
    RANGE_NUMBER,
    RANGE_SHIFT,
    in_interrupt_range,
    overlaps_interrupt_range,
)
from vtd_plugin.iommu.legacy import LegacyMode
from vtd_plugin.iommu.request import Request, denied
from vtd_plugin.iommu.scalable import ScalableMode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vtd_plugin.iommu.cached_entries import CachedPasid
    from vtd_plugin.iommu.faults import FaultLog
    from vtd_plugin.iommu.memory_type import MemoryTypes
    from vtd_plugin.iommu.protected import ProtectedMemory
    from vtd_plugin.iommu.state import TranslationState

PAGE_MASK: Final = 0xFFF
_INTERRUPT_BYTES: Final = 4


class Remapper:
    """The address space of every requester while translation is on.

    Args:
        state: What the unit translates with.
        faults: Where blocked requests are recorded.
        protected: The protected memory regions.
        memory_types: Types of final pages.
        forgotten: Told of each IOTLB entry that has to make room.
        walked: Told of each request whose tables were read.
    """

    __slots__ = (
        "_caching_mode",
        "_faults",
        "_forgotten",
        "_hits_allowed",
        "_legacy",
        "_lookup",
        "_mode",
        "_mode_fault",
        "_no_write_flag",
        "_protected",
        "_scalable",
        "_state",
        "_walked",
        "_zero_length_reads",
    )

    name: Final = "remapped"
    remapped: Final = True

    def __init__(
        self,
        state: TranslationState,
        faults: FaultLog,
        protected: ProtectedMemory,
        memory_types: MemoryTypes,
        forgotten: Callable[[IotlbEntry], None],
        walked: Callable[[Request, IotlbEntry | Condition], None],
    ) -> None:
        self._state = state
        self._forgotten = forgotten
        self._walked = walked
        self._faults = faults
        self._protected = protected
        self._legacy = LegacyMode(state)
        self._scalable = ScalableMode(state, memory_types)
        self._mode: LegacyMode | ScalableMode = self._legacy
        self._mode_fault: Condition | None = None
        self._lookup = state.caches.iotlb.lookup
        self._caching_mode = bool(state.caps.CAP.CM)
        self._no_write_flag = bool(state.caps.ECAP.NWFS)
        self._zero_length_reads = bool(state.caps.CAP.ZLR)
        self._hits_allowed = False
        self.refresh()

    def refresh(self) -> None:
        """Take notice that the root pointer or the protected regions changed."""
        self._mode_fault = self._check_mode()
        scalable = self._state.root.TTM == TableMode.SCALABLE
        self._mode = self._scalable if scalable else self._legacy
        self._hits_allowed = self._mode_fault is None and not self._protected.ranges

    def resolve(
        self, source_id: int, address: int, size: int, attributes: Attributes
    ) -> Resolution:
        """Answer one request inside one page (`AddressSpace.resolve`)."""
        if self._hits_allowed and not attributes.address_type:
            pasid = attributes.pasid
            if pasid is None:
                if address >> RANGE_SHIFT == RANGE_NUMBER:
                    return self._into_interrupt_range(source_id, address, size, attributes)
                entry = self._lookup(source_id, address)
            else:
                tag = request_tag(source_id, pasid, privileged=attributes.privileged)
                # Whether a request may execute is no property of the page (§7.1.3).
                entry = None if attributes.execute else self._lookup(tag, address)
            if entry is not None and size and not attributes.kind & entry.unready:
                return entry
        return self._resolve_slowly(Request(source_id, address, size, attributes))

    def _resolve_slowly(self, request: Request) -> Resolution:
        attributes = request.attributes
        if not request.untranslated and not request.well_formed:
            return _refuse(request)
        if (
            request.untranslated
            and attributes.pasid is None
            and in_interrupt_range(request.address)
        ):
            return self._into_interrupt_range(
                request.source_id, request.address, request.size, attributes
            )
        found = self._cached(request) if self._hits_allowed and request.untranslated else None
        if found is None:
            found = self._look_up(request)
        if isinstance(found, Condition):
            return self._block(request, found)
        if self._protected.ranges:
            host = found.address(request.address)
            if self._protected.covers(host, host + max(request.size, 1) - 1):
                return self._protected.block(request.source_id, request.address, attributes)
        return found

    def _block(self, request: Request, condition: Condition) -> Fault:
        return self._faults.block(
            condition,
            request.source_id,
            request.address,
            request.attributes,
            suppressed=request.suppressed,
        )

    def _into_interrupt_range(
        self, source_id: int, address: int, size: int, attributes: Attributes
    ) -> Resolution:
        """An untranslated request without PASID into 0xFEEx_xxxx (§3.15)."""
        if attributes.kind is RequestKind.WRITE and size == _INTERRUPT_BYTES and not address & 3:
            return INTERRUPT
        if attributes.kind is RequestKind.READ and size == 0:
            return IDENTITY
        return self._faults.block(Condition.IR_29, source_id, address, attributes)

    # --- the IOTLB, where a plain hit was not enough

    def _cached(self, request: Request) -> IotlbEntry | Condition | None:
        attributes = request.attributes
        if attributes.pasid is not None and attributes.execute:
            return None
        entry = self._lookup(request.tag, request.address)
        if entry is None:
            return None
        request.suppressed = entry.suppressed
        if entry.condition is not None:
            return entry.condition
        if not entry.rights:
            # Nothing is there, so that not even a read of no bytes passes (§3.14).
            return denied(attributes.kind, Condition.LGN_2, Condition.LGN_3)
        unready = request.rights_needed(zero_length_reads=self._zero_length_reads) & entry.unready
        if not unready:
            return entry
        missing = unready & ~entry.rights
        if not missing:
            return None
        if entry.page_tables is None:
            return denied(missing, Condition.LGN_2, Condition.LGN_3)
        return denied(missing, Condition.SGN_6, Condition.SGN_7)

    # --- the tables

    def _look_up(self, request: Request) -> IotlbEntry | Condition:
        if self._mode_fault is not None:
            return self._mode_fault
        found = self._mode.resolve(request)
        self._walked(request, found)
        if isinstance(found, Condition):
            if self._caching_mode and request.cacheable and request.untranslated:
                self._cache_failure(request, found)
            return found
        if found.mask != PAGE_MASK:
            found = self._narrow(found, request.address)
        if request.untranslated:
            self._keep(found)
        elif request.asks_translation and not request.writes(no_write_flag=self._no_write_flag):
            found.rights &= ~Translation.WRITABLE  # nobody else has this entry (§4.2.3)
        return found

    def _check_mode(self) -> Condition | None:
        """Whether the translation table mode can be used at all (§7.1.3)."""
        caps = self._state.caps
        mode = self._state.root.TTM
        if mode == TableMode.ABORT:
            return Condition.RTA_4 if caps.ECAP.ADMS else Condition.RTA_1_1
        if mode == TableMode.RESERVED:
            return Condition.RTA_1_2
        if mode == TableMode.SCALABLE and not caps.ECAP.SMTS:
            return Condition.RTA_1_3
        return None

    def _narrow(self, entry: IotlbEntry, address: int) -> IotlbEntry:
        """Cut a large page down to 4 KiB where only a part of it may be used."""
        last = entry.base + entry.mask
        if not (
            overlaps_interrupt_range(entry.base, last)
            or overlaps_interrupt_range(entry.iova, entry.iova + entry.mask)
            or self._protected.covers(entry.base, last)
        ):
            return entry
        return entry.part(address)

    def _cache_failure(self, request: Request, condition: Condition) -> None:
        """With caching mode, what is not there may be cached as well (§6.1).

        An entry that allows nothing is named by what is asked of it, each time it is asked.
        """
        by_kind = condition in (Condition.LGN_2, Condition.LGN_3)
        self._keep(
            IotlbEntry(
                0,
                PAGE_MASK,
                0,
                tag=request.tag,
                iova=request.address,
                domain_id=request.domain_id,
                pasid=request.pasid,
                suppressed=request.suppressed,
                condition=None if by_kind else condition,
            )
        )

    def _keep(self, entry: IotlbEntry) -> None:
        gone = self._state.caches.iotlb.fill(entry)
        if gone is not None:
            self._forgotten(gone)

    def judge_page_request(self, request: Request) -> CachedPasid | Condition:
        """The PASID entry of a page request, or why it is refused (§7.4)."""
        if self._mode_fault is not None:
            return self._mode_fault
        if self._mode is not self._scalable:
            return Condition.RTA_3
        return self._scalable.judge_page_request(request)

    # --- what listeners are told

    def mappings(self, source_id: int, first: int, last: int) -> Iterator[Mapping] | None:
        """The pages of a requester within [first, last], read from the tables in memory.

        Nothing is cached, marked or reported.

        Returns:
            The pages by rising address, or None where the requester sees memory as it is.
        """
        if self._mode_fault is not None:
            return iter(())
        return self._mode.mappings(source_id, first, last)

    def domain_of(self, source_id: int) -> int | None:
        """The domain of a requester as the tables in memory have it; None where there is none."""
        return None if self._mode_fault is not None else self._mode.domain_of(source_id)


def _refuse(request: Request) -> Fault:
    """The answer to what is no request at all; it leaves no fault record (§4.2.1)."""
    return Fault(
        0,
        "BUS.3",
        "no request has this address type and kind",
        Answer.UR,
        request.source_id,
        request.address,
        request.attributes,
        recorded=False,
    )
