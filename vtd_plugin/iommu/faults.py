"""Fault recording: what answer a blocked request gets, and where the reason stands (§7.1, §7.2).

Primary fault logging only: a ring of fault recording registers, the fault status register, and the
fault event. Advanced fault logging, which kept its log in memory, left the architecture with
revision 5 and is not modelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import ALL_ADDRESSES, WRITE, AddressType, Answer, Attributes, Fault, RequestKind
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.registers import FRCD, FSTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.iommu.event_message import EventMessage
    from vtd_plugin.iommu.registers import RegisterFile

_COLUMNS: Final = {
    (AddressType.UNTRANSLATED, False): "ut",
    (AddressType.UNTRANSLATED, True): "ut_pasid",
    (AddressType.TRANSLATION, False): "tr",
    (AddressType.TRANSLATION, True): "tr_pasid",
    (AddressType.TRANSLATED, False): "td",
    (AddressType.TRANSLATED, True): "td_pasid",
}

_RECOVERABLE: Final = frozenset({Answer.NO_RIGHTS, Answer.RIGHTS_LEFT})

_TYPE_BITS: Final = {
    RequestKind.WRITE: (0, 0),
    RequestKind.READ: (1, 0),
    RequestKind.ATOMIC: (1, 1),
}
"""{T1, T2} of a fault record (§11.4.7.6)."""

_PAGE_REQUEST_BITS: Final = (0, 1)
"""{T1, T2} of a page request."""


_ADDRESS_BITS: Final = 64
_INDEX_SHIFT: Final = 48
"""The index of an interrupt stands in the upper 16 bits of the fault information (§11.4.7.6)."""


def answer_to(condition: Condition, attributes: Attributes) -> Answer:
    """What the bus tells a requester blocked by `condition` (§7.1.3)."""
    column = _COLUMNS.get((attributes.address_type, attributes.pasid is not None), "ut")
    answer: str = getattr(condition.value, column)
    return Answer.UR if answer == "NA" else Answer(answer)


class FaultLog:
    """The fault recording registers and their status.

    Args:
        caps: What the unit is.
        registers: The unit's registers.
        event: The fault event message.
        merge: Drop a fault of a source that has a record pending already (§7.2.1).
    """

    __slots__ = (
        "_address_mask",
        "_count",
        "_event",
        "_has_device_tlb",
        "_has_pasid",
        "_listeners",
        "_merge",
        "_next",
        "_registers",
    )

    def __init__(
        self, caps: Capabilities, registers: RegisterFile, event: EventMessage, *, merge: bool
    ) -> None:
        self._registers = registers
        self._event = event
        self._merge = merge
        self._count = caps.CAP.NFR + 1
        self._next = 0
        # Address bits above the widest tables read 0 in a record (§11.4.7.6).
        widest = max(caps.supported_widths, default=_ADDRESS_BITS)
        self._address_mask = (1 << widest) - 1
        self._has_device_tlb = bool(caps.ECAP.DT)
        self._has_pasid = bool(caps.ECAP.PASID)
        self._listeners: list[Callable[[], None]] = []
        registers.on_write(FSTS, "PFO", self._status_written)
        for index in range(self._count):
            registers.on_write(FRCD, "F", self._status_written, index)

    def on_status_written(self, listener: Callable[[], None]) -> None:
        """Call `listener` after software wrote the fault status: an error may be cleared."""
        self._listeners.append(listener)

    @property
    def error_pending(self) -> bool:
        """Whether any of the conditions behind the fault event stands (§7.3)."""
        status = self._registers.load(FSTS)
        return bool(status.PPF or status.PFO or status.IQE or status.ICE or status.ITE)

    def restart(self) -> None:
        """Begin at the first record again: neither translation nor remapping is on (§7.2.1)."""
        self._next = 0

    def block(
        self,
        condition: Condition,
        source_id: int,
        address: int,
        attributes: Attributes,
        *,
        suppressed: bool = False,
    ) -> Fault:
        """Answer a memory request that `condition` stops, and record it where that is asked for.

        Args:
            condition: Why.
            source_id: Who asked.
            address: The address asked for.
            attributes: What was asked for.
            suppressed: Fault processing is disabled for the requester (FPD); holds back qualified
                conditions only.
        """
        answer = answer_to(condition, attributes)
        silent = answer in _RECOVERABLE and condition is not Condition.SFS_10
        record = self._pack(condition, source_id, address & self._address_mask, attributes)
        recorded = not silent and self._record(condition, record, suppressed=suppressed)
        return _fault(condition, answer, source_id, address, attributes, recorded=recorded)

    def block_interrupt(
        self, condition: Condition, source_id: int, address: int, index: int, *, suppressed: bool
    ) -> Fault:
        """Refuse an interrupt request; the index is recorded in place of an address (§11.4.7.6).

        Args:
            condition: Why.
            source_id: Who asked.
            address: Where the request was written.
            index: Index of the interrupt-remapping table entry, 0 where none was found out.
            suppressed: Fault processing is disabled by the entry (FPD).
        """
        information = index << _INDEX_SHIFT & ALL_ADDRESSES
        record = self._pack(condition, source_id, information, WRITE)
        recorded = self._record(condition, record, suppressed=suppressed)
        answer = answer_to(condition, WRITE)
        return _fault(condition, answer, source_id, address, WRITE, recorded=recorded)

    def block_page_request(
        self,
        condition: Condition,
        source_id: int,
        address: int,
        attributes: Attributes,
        *,
        answered: bool,
        suppressed: bool,
    ) -> Fault:
        """Refuse a page request (§7.4).

        Args:
            condition: Why.
            source_id: Who asked.
            address: The page asked for.
            attributes: What was asked for.
            answered: The device waits for an answer.
            suppressed: Fault processing is disabled for the requester (FPD).
        """
        row = condition.value
        answer = Answer(row.pr_resp if answered else row.pr_noresp)
        record = self._pack(condition, source_id, address & self._address_mask, attributes)
        t1, t2 = _PAGE_REQUEST_BITS
        record = FRCD(record.replace(T1=t1, T2=t2))
        recorded = self._record(condition, record, suppressed=suppressed)
        return _fault(condition, answer, source_id, address, attributes, recorded=recorded)

    def _pack(
        self, condition: Condition, source_id: int, information: int, attributes: Attributes
    ) -> FRCD:
        t1, t2 = _TYPE_BITS[attributes.kind]
        pasid = attributes.pasid if self._has_pasid else None
        return FRCD(
            FRCD.pack(
                F=1,
                T1=t1,
                T2=t2,
                AT=attributes.address_type if self._has_device_tlb else 0,
                FR=condition.code,
                SID=source_id,
                FI=information >> FRCD.FIELDS["FI"].lsb,
                PP=pasid is not None,
                PV=pasid or 0,
                PRIV=pasid is not None and attributes.privileged,
                EXE=pasid is not None
                and attributes.execute
                and attributes.kind is RequestKind.READ,
            )
        )

    def _record(self, condition: Condition, record: FRCD, *, suppressed: bool) -> bool:
        """Put a record into the next register, if it counts and there is room (§7.2.1)."""
        status = self._registers.load(FSTS)
        if (suppressed and condition.qualified) or status.PFO:
            return False
        if self._merge and self._has_record_of(record.SID):
            return False
        index = self._next
        if self._registers.load(FRCD, index).F:
            self._registers.update(FSTS, PFO=1)
            return False
        announced = self.error_pending
        self._registers.store(record, index)
        self._next = (index + 1) % self._count
        if not status.PPF:
            self._registers.update(FSTS, PPF=1, FRI=index)
            if not announced:
                self._event.raise_()
        return True

    def _has_record_of(self, source_id: int) -> bool:
        records = (self._registers.load(FRCD, index) for index in range(self._count))
        return any(record.F and source_id == record.SID for record in records)

    def report(self, **errors: int) -> None:
        """Set IQE, ICE or ITE in the fault status; raise the event if it is the first (§7.3)."""
        announced = self.error_pending
        self._registers.update(FSTS, **errors)
        if not announced:
            self._event.raise_()

    def _status_written(self) -> None:
        pending = any(self._registers.load(FRCD, index).F for index in range(self._count))
        self._registers.update(FSTS, PPF=int(pending))
        if not self.error_pending:
            self._event.withdraw()
        for listener in self._listeners:
            listener()


def _fault(
    condition: Condition,
    answer: Answer,
    source_id: int,
    address: int,
    attributes: Attributes,
    *,
    recorded: bool,
) -> Fault:
    return Fault(
        condition.code,
        condition.name,
        condition.text,
        answer,
        source_id,
        address,
        attributes,
        recorded,
    )
