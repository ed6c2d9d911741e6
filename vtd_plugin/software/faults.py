"""Fault records: read, decoded, cleared (sections 7.2.1, 7.3 and 11.4.7).

A record names a fault by its reason code. Some codes stand for several conditions that hardware
does not tell apart; a report lists them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vtd_plugin.bus.requests import AddressType
from vtd_plugin.bus.source_id import format_source_id
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.registers import FRCD, FSTS
from vtd_plugin.encodings.structures import FaultRecord

if TYPE_CHECKING:
    from vtd_plugin.software.mmio import Registers

_INTERRUPT: Final = "interrupt"
_INDEX_UNDEFINED: Final = frozenset({0x20, 0x25, 0x29, 0x2A, 0x2B})
"""Interrupt faults whose record holds no index (section 11.4.7.6)."""


class FaultedRequest(StrEnum):
    """What kind of request a record is about: {T1, T2} of the record."""

    WRITE = "write"
    PAGE_REQUEST = "page request"
    READ = "read"
    ATOMIC = "atomic"
    INTERRUPT = "interrupt"


_BY_TYPE: Final = (
    FaultedRequest.WRITE,
    FaultedRequest.PAGE_REQUEST,
    FaultedRequest.READ,
    FaultedRequest.ATOMIC,
)


@dataclass(frozen=True, slots=True)
class FaultReport:
    """One fault as software learns of it.

    Attributes:
        code: Fault reason, 8 bits.
        conditions: The conditions that the code stands for; empty for a code that has none.
        request: What kind of request was blocked.
        source_id: Who asked, 16 bits.
        address: Address of the 4-KiB page that was asked for; None for an interrupt.
        interrupt_index: Index of the interrupt; None for memory, or where it is not recorded.
        address_type: Untranslated, translation request, or translated.
        pasid: PASID of the request; None for one without.
        privileged: Whether the request was a privileged one; only with a PASID.
        execute: Whether the request wanted to execute; only with a PASID.
    """

    code: int
    conditions: tuple[Condition, ...]
    request: FaultedRequest
    source_id: int
    address: int | None
    interrupt_index: int | None
    address_type: AddressType
    pasid: int | None
    privileged: bool
    execute: bool

    @property
    def name(self) -> str:
        """The architecture's names of the conditions, such as `LCT.2` or `LGN.1.1|LGN.1.2`."""
        return "|".join(condition.name for condition in self.conditions) or "unassigned"

    @property
    def text(self) -> str:
        """The conditions in words."""
        return " | ".join(condition.text for condition in self.conditions) or "no such reason"

    def __str__(self) -> str:
        where = f" at {self.address:#x}" if self.address is not None else ""
        pasid = f" PASID {self.pasid:#x}" if self.pasid is not None else ""
        who = format_source_id(self.source_id)
        head = f"{self.name} ({self.code:#04x}): {who} {self.request}{where}{pasid}:"
        if len(self.conditions) > 1:
            return "\n  ".join([head, *(f"{each.name}: {each.text}" for each in self.conditions)])
        return f"{head} {self.text}"


def decode_fault(record: FaultRecord) -> FaultReport:
    """Say what a fault record says.

    Args:
        record: A record whose F is set.
    """
    conditions = tuple(item for item in Condition if item.code == record.FR)
    is_interrupt = any(item.value.kind == _INTERRUPT for item in conditions)
    has_index = is_interrupt and record.FR not in _INDEX_UNDEFINED
    has_pasid = bool(record.PP) and not is_interrupt
    return FaultReport(
        code=record.FR,
        conditions=conditions,
        request=FaultedRequest.INTERRUPT if is_interrupt else _BY_TYPE[record.TYPE],
        source_id=record.SID,
        address=None if is_interrupt else record.FI_address,
        interrupt_index=record.INDEX if has_index else None,
        address_type=AddressType.UNTRANSLATED if is_interrupt else AddressType(record.AT),
        pasid=record.PV if has_pasid else None,
        privileged=has_pasid and bool(record.PRIV),
        execute=has_pasid and bool(record.EXE),
    )


def take_faults(registers: Registers) -> tuple[list[FaultReport], bool]:
    """Read and clear all fault records and the overflow bit, oldest record first.

    Args:
        registers: The registers of the unit.

    Returns:
        The faults, and whether more were lost because the records were full (FSTS.PFO).
    """
    reports: list[FaultReport] = []
    status = registers.read(FSTS)
    count = registers.capabilities.CAP.NFR + 1
    # Records fill up in a circle, and FRI is the oldest. The circle has gaps where it began at
    # the first record again, while translation was off and older ones were pending (section 7.2.1).
    for index in range(status.FRI, status.FRI + count) if status.PPF else ():
        record = registers.read(FRCD, index % count)
        if record.F:
            reports.append(decode_fault(FaultRecord(record.value)))
            registers.write(FRCD, FRCD.pack(F=1), index % count)
    # Cleared last: while it is set no fault is recorded, and so none slips in between.
    if status.PFO:
        registers.write(FSTS, FSTS.pack(PFO=1))
    return reports, bool(status.PFO)
