"""Page requests: devices that ask software for a page, and software's answers (chapter 7.4 to 7.6).

A request is judged like any other up to the PASID entry; then it is written to the queue in memory
that software reads. Answers come back through the invalidation queue and reach devices as events.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import AddressType, Attributes, RequestBlocked, RequestKind
from vtd_plugin.encodings.codes import PageTableType
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.registers import PQA, PQH, PQT, PRS
from vtd_plugin.encodings.structures import PageGroupResponse, PageRequest
from vtd_plugin.iommu.events import PageGroupAnswered, PageRequested
from vtd_plugin.iommu.request import Request

if TYPE_CHECKING:
    from vtd_plugin.bus import UnitHost
    from vtd_plugin.iommu.cached_entries import CachedPasid
    from vtd_plugin.iommu.event_message import EventMessage
    from vtd_plugin.iommu.faults import FaultLog
    from vtd_plugin.iommu.invalidation import Invalidator
    from vtd_plugin.iommu.registers import RegisterFile
    from vtd_plugin.iommu.remapping import Remapper
    from vtd_plugin.iommu.request import PageAsk
    from vtd_plugin.iommu.state import TranslationState

_ENTRY_BYTES: Final = PageRequest.BITS // 8
_PAGE_BYTES: Final = 4096


class PageRequestOutcome(Enum):
    """What becomes of a page request at once."""

    QUEUED = "queued"
    """Software will see it; for the last of a group an answer follows."""
    SUCCESS = "success"
    """The queue is full: the device is to try again."""
    INVALID_REQUEST = "invalid request"
    """It was blocked, and the device is told so."""
    DROPPED = "dropped"
    """It was not queued, and the device is told nothing."""


class PageRequests:
    """The page request queue.

    Args:
        name: Name of the unit.
        host: The platform side.
        state: What the unit translates with.
        registers: The unit's registers.
        faults: Where blocked requests are recorded.
        remapper: Judges requests.
        invalidator: Does the invalidation that an accepted request implies.
        event: The page request event message.
    """

    __slots__ = (
        "_event",
        "_faults",
        "_host",
        "_invalidator",
        "_name",
        "_registers",
        "_remapper",
        "_state",
        "_waiting",
    )

    def __init__(
        self,
        name: str,
        host: UnitHost,
        state: TranslationState,
        registers: RegisterFile,
        faults: FaultLog,
        remapper: Remapper,
        invalidator: Invalidator,
        event: EventMessage,
    ) -> None:
        self._name = name
        self._host = host
        self._state = state
        self._registers = registers
        self._faults = faults
        self._remapper = remapper
        self._invalidator = invalidator
        self._event = event
        self._waiting: set[tuple[int, int | None, int]] = set()
        registers.on_write(PRS, "PPR", self._served)

    def reset(self) -> None:
        """Forget the groups that wait for an answer."""
        self._waiting.clear()

    def receive(self, ask: PageAsk) -> PageRequestOutcome:
        """Judge a page request, and queue it for software (§7.4.1)."""
        if not self._state.enabled:
            return self._refuse(ask, "translation off")
        kind = RequestKind.WRITE if ask.write else RequestKind.READ
        attributes = Attributes(
            kind, AddressType.UNTRANSLATED, ask.pasid, ask.privileged, ask.execute
        )
        request = Request(ask.source_id, ask.address, 0, attributes)
        found = self._remapper.judge_page_request(request)
        if isinstance(found, Condition):
            fault = self._faults.block_page_request(
                found,
                ask.source_id,
                ask.address,
                attributes,
                answered=ask.last,
                suppressed=request.suppressed,
            )
            if self._host.observed:
                self._host.emit(RequestBlocked(fault))
            return self._refuse(ask, "blocked")
        if not self._enqueue(ask):
            self._tell(ask, "queue full")
            if ask.is_stop_marker or not ask.last:
                return PageRequestOutcome.DROPPED
            return PageRequestOutcome.SUCCESS
        self._tell(ask, "queued")
        self._invalidate(ask, found)
        if ask.last and not ask.is_stop_marker:
            self._waiting.add((ask.source_id, ask.pasid, ask.group))
        return PageRequestOutcome.QUEUED

    def _refuse(self, ask: PageAsk, why: str) -> PageRequestOutcome:
        self._tell(ask, why)
        if ask.last and not ask.is_stop_marker:
            return PageRequestOutcome.INVALID_REQUEST
        return PageRequestOutcome.DROPPED

    def _tell(self, ask: PageAsk, became: str) -> None:
        if self._host.observed:
            self._host.emit(PageRequested(self._name, ask, became))

    def _enqueue(self, ask: PageAsk) -> bool:
        """Write the request to the queue; False if there is no room, now or since an overflow."""
        status = self._registers.load(PRS)
        setup = self._registers.load(PQA)
        size = _PAGE_BYTES << setup.PQS
        # Offsets beyond the queue, which software must not set, are taken within it.
        head, tail = (self._registers.load(each).value % size for each in (PQH, PQT))
        after = (tail + _ENTRY_BYTES) % size
        announced = status.PPR or status.PRO
        full = after == head or not self._host.memory.covers(setup.PQA_address + tail, _ENTRY_BYTES)
        if status.PRO or full:
            self._registers.update(PRS, PRO=1)
        else:
            raw = _descriptor(ask).to_bytes(_ENTRY_BYTES, "little")
            self._host.memory.write(setup.PQA_address + tail, raw)
            self._registers.store(PQT(after))
            self._registers.update(PRS, PPR=1)
        if not announced:
            self._event.raise_()
        return not (status.PRO or full)

    def _invalidate(self, ask: PageAsk, found: CachedPasid) -> None:
        """An accepted request implies that the page's old translation goes (§6.5.3.1)."""
        if found.page_tables is PageTableType.FIRST_STAGE:
            self._invalidator.iotlb_pasid_pages(
                found.domain_id, found.pasid, ask.address, 0, leaf_only=False
            )
        elif found.page_tables is PageTableType.NESTED:
            self._invalidator.iotlb_domain(found.domain_id)
        else:
            self._invalidator.iotlb_pages(found.domain_id, ask.address, 0, leaf_only=False)

    def answer(self, response: PageGroupResponse) -> None:
        """Software answered a group: tell the device, if it waits for that (§7.6.1)."""
        pasid = response.PASID if response.PP else None
        group = (response.RID, pasid, response.PRGI)
        if group not in self._waiting:
            return
        self._waiting.discard(group)
        if self._host.observed:
            self._host.emit(PageGroupAnswered(self._name, *group, response.RC))

    def _served(self) -> None:
        status = self._registers.load(PRS)
        if not (status.PPR or status.PRO):
            self._event.withdraw()


def _descriptor(ask: PageAsk) -> int:
    return PageRequest.pack(
        ADDR_address=ask.address & ~(_PAGE_BYTES - 1),
        PRGI=ask.group,
        LPIG=ask.last,
        WRR=ask.write,
        RDR=ask.read,
        PMR=ask.privileged,
        EXR=ask.execute,
        PASID=ask.pasid or 0,
        RID=ask.source_id,
        PP=ask.pasid is not None,
    )
