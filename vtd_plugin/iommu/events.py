"""What observers are told about the inside of a unit, beside what the bus tells them.

Events are built only when somebody observes. Each says which unit, by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtd_plugin.bus import Event

if TYPE_CHECKING:
    from vtd_plugin.bus import Attributes, Fault, InterruptMessage
    from vtd_plugin.encodings.codes import PageTableType, TranslationType
    from vtd_plugin.encodings.faults import Condition
    from vtd_plugin.encodings.structures import IrteRemapped
    from vtd_plugin.iommu.caches import IotlbEntry
    from vtd_plugin.iommu.request import PageAsk


@dataclass(frozen=True, slots=True)
class RegisterWritten(Event):
    """Software wrote a register.

    Attributes:
        unit: Name of the unit.
        offset: Byte offset in the register set.
        value: What was written.
        size: Bytes.
    """

    unit: str
    offset: int
    value: int
    size: int


@dataclass(frozen=True, slots=True)
class TablesWalked(Event):
    """A request had no usable IOTLB entry, and its tables were read.

    Attributes:
        unit: Name of the unit.
        source_id: Who asked.
        address: What for.
        attributes: The request's attributes.
        found: The page, or why there is none.
        tables: What the context entry (legacy mode) or the PASID entry asks for; None where the
            request was blocked before that was known, or needs no PASID entry.
    """

    unit: str
    source_id: int
    address: int
    attributes: Attributes
    found: IotlbEntry | Condition
    tables: TranslationType | PageTableType | None


@dataclass(frozen=True, slots=True)
class InterruptResolved(Event):
    """An interrupt request was passed on, remapped, posted or blocked (chapter 5).

    Attributes:
        unit: Name of the unit.
        source_id: Who sent it.
        address: Where it was written.
        data: The dword that was written.
        remapping: Whether interrupt remapping is on.
        entry: The interrupt-remapping table entry, whose IM says whether it remaps or posts; None
            where none was found, or none is needed.
        cached: Whether the entry was found in the interrupt entry cache.
        found: The message that leaves, the fault, or None where the interrupt was posted without a
            notification.
    """

    unit: str
    source_id: int
    address: int
    data: int
    remapping: bool
    entry: IrteRemapped | None
    cached: bool
    found: InterruptMessage | Fault | None


@dataclass(frozen=True, slots=True)
class Invalidated(Event):
    """Software invalidated cached translations, by register or by queue (§6.5).

    Attributes:
        unit: Name of the unit.
        cache: ``"context cache"``, ``"PASID cache"``, ``"IOTLB"``, ``"interrupt entry cache"`` or
            ``"HPT cache"``; an IOTLB invalidation means the paging-structure caches, too.
        granularity: ``"global"``, ``"domain"``, ``"device"``, ``"page"``, ``"PASID"``,
            ``"PASID page"`` or ``"index"``.
        domain_id: The domain it names; None where it names none.
        pasid: The PASID it names, or None.
        first: First address it covers, or first index.
        last: Last address it covers, or last index.
        transfers: How many transfers in flight, leases among them, use what it covers and so are
            to be drained; 0 for other caches than the IOTLB.
    """

    unit: str
    cache: str
    granularity: str
    domain_id: int | None = None
    pasid: int | None = None
    first: int = 0
    last: int = (1 << 64) - 1
    transfers: int = 0


@dataclass(frozen=True, slots=True)
class InvalidationWaited(Event):
    """The invalidation queue came to a wait (§6.5.2.9).

    Attributes:
        unit: Name of the unit.
        status_write: Its completion is written to memory (SW).
        interrupt: Its completion raises the invalidation event (IF).
        fence: It holds back what comes after it (FN).
        transfers: How many transfers in flight it waits for.
    """

    unit: str
    status_write: bool
    interrupt: bool
    fence: bool
    transfers: int


@dataclass(frozen=True, slots=True)
class DrainBegan(Event):
    """A command waits for transfers that began before it (§6.5.4).

    Attributes:
        unit: Name of the unit.
        operation: The command.
        transfers: How many it waits for.
    """

    unit: str
    operation: str
    transfers: int


@dataclass(frozen=True, slots=True)
class CommandCompleted(Event):
    """A command is done and its status says so.

    Attributes:
        unit: Name of the unit.
        operation: The command.
    """

    unit: str
    operation: str


@dataclass(frozen=True, slots=True)
class CommandSuperseded(Event):
    """A command that waited gave way to a newer one: it is never done.

    Attributes:
        unit: Name of the unit.
        operation: The command.
    """

    unit: str
    operation: str


@dataclass(frozen=True, slots=True)
class CachesDropped(Event):
    """Entries left the translation caches otherwise than by eviction.

    Attributes:
        unit: Name of the unit.
        reason: Which command or reset did it.
        entries: How many there were.
    """

    unit: str
    reason: str
    entries: int


@dataclass(frozen=True, slots=True)
class DeviceTlbInvalidated(Event):
    """The unit sent a device-TLB invalidation to a device (§6.5.2.5).

    Attributes:
        unit: Name of the unit.
        source_id: The device.
        address: First address.
        size: Bytes.
        pasid: The PASID it names; None where it names none.
    """

    unit: str
    source_id: int
    address: int
    size: int
    pasid: int | None


@dataclass(frozen=True, slots=True)
class PageRequested(Event):
    """A device asked for a page (§7.4); of a request that is queued before what it invalidates.

    Attributes:
        unit: Name of the unit.
        ask: The request.
        became: ``"queued"``, ``"queue full"``, ``"blocked"`` by a fault condition, or
            ``"translation off"``.
    """

    unit: str
    ask: PageAsk
    became: str


@dataclass(frozen=True, slots=True)
class PageGroupAnswered(Event):
    """Software answered a group of page requests (§7.6).

    Attributes:
        unit: Name of the unit.
        source_id: The device.
        pasid: The PASID, or None.
        group: Page request group index.
        code: Response code, as `ResponseCode` has it.
    """

    unit: str
    source_id: int
    pasid: int | None
    group: int
    code: int


@dataclass(frozen=True, slots=True)
class QueueStopped(Event):
    """The invalidation queue met an error and stays at it (§6.5.2.11).

    Attributes:
        unit: Name of the unit.
        error: Queue error code (IQERCD.IQEI).
        head: Byte offset of the descriptor in the queue.
    """

    unit: str
    error: int
    head: int


@dataclass(frozen=True, slots=True)
class ShadowTruncated(Event):
    """The tables map more pages than listeners are told about at once.

    Attributes:
        unit: Name of the unit.
        source_id: The requester.
        mappings: How many were told.
    """

    unit: str
    source_id: int
    mappings: int
