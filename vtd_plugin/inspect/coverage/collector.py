"""The observer behind functional coverage: it sorts events of the bus and of units into bins.

Requests are those of requesters on the bus; what a program asks of a unit directly
(`VtdUnit.translate`) is none. Requesters of other units than `VtdUnit` are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vtd_plugin.bus import (
    INTERRUPT_WINDOW_BASE,
    INTERRUPT_WINDOW_LAST,
    AddressSpaceSwitched,
    AddressType,
    Attributes,
    Event,
    Fault,
    Platform,
    RequestBlocked,
    RequesterPort,
    RequestKind,
    RequestResolved,
    ResetDone,
    ResetKind,
    TransferBegan,
)
from vtd_plugin.encodings.codes import PageTableType, TranslationType
from vtd_plugin.encodings.faults import CONDITIONS_BY_LABEL
from vtd_plugin.inspect.coverage.bins import (
    FAULTS,
    INVALIDATIONS,
    REQUESTS,
    RESETS,
    STATE_SWITCHES,
    Cache,
    Granularity,
    InFlight,
    Kind,
    Order,
    Outcome,
    PageSize,
    Tables,
    Trigger,
)
from vtd_plugin.iommu import VtdUnit
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.events import (
    DeviceTlbInvalidated,
    Invalidated,
    RegisterWritten,
    TablesWalked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vtd_plugin.inspect.coverage.model import Bin

_KINDS: Final = {
    RequestKind.READ: Kind.READ,
    RequestKind.WRITE: Kind.WRITE,
    RequestKind.ATOMIC: Kind.ATOMIC,
}
_LEGACY: Final = {
    TranslationType.SECOND_STAGE: Tables.LEGACY_SECOND_STAGE,
    TranslationType.DEVICE_TLB: Tables.LEGACY_SECOND_STAGE,
    TranslationType.PASS_THROUGH: Tables.LEGACY_PASS_THROUGH,
}
_SCALABLE: Final = {
    PageTableType.FIRST_STAGE: Tables.FIRST_STAGE,
    PageTableType.SECOND_STAGE: Tables.SECOND_STAGE,
    PageTableType.NESTED: Tables.NESTED,
    PageTableType.PASS_THROUGH: Tables.PASS_THROUGH,
}
_PAGE_SIZES: Final = {
    (1 << 12) - 1: PageSize.SMALL,
    (1 << 21) - 1: PageSize.MEDIUM,
    (1 << 30) - 1: PageSize.LARGE,
}
_PAGELESS: Final = (Tables.LEGACY_PASS_THROUGH, Tables.PASS_THROUGH)
_TRIGGERS: Final = {trigger.value: trigger for trigger in Trigger}
_FIRST: Final = {"masters": Order.MASTERS_FIRST, "units": Order.UNITS_FIRST}
_ALONE: Final = {"masters": Order.MASTERS_ONLY, "units": Order.UNITS_ONLY}

_OF_PAGE_TABLES: Final = ("LGN", "LSS", "SFS", "SGN", "SSS")
"""How the names of conditions begin that a request meets after its context or PASID entry."""


class Collector:
    """Sorts the events of a platform into bins.

    Args:
        platform: What is observed from now on.
        count: Told of each hit: the covergroup, and a value of each of its axes.

    Attributes:
        stop: What to call to observe no longer.
    """

    __slots__ = ("_count", "_handlers", "_platform", "_reset", "_tables", "_walk", "stop")

    def __init__(self, platform: Platform, count: Callable[..., None]) -> None:
        self._platform = platform
        self._count = count
        self._walk: TablesWalked | None = None
        self._tables: dict[tuple[int, int | None], Tables] = {}
        self._reset: ResetDone | None = None
        self._handlers: Mapping[type[Event], Callable[[Any], None]] = {
            TransferBegan: self._began,
            TablesWalked: self._walked,
            RequestResolved: self._resolved,
            RequestBlocked: lambda event: self._blocked(event.fault),
            AddressSpaceSwitched: self._switched,
            Invalidated: self._invalidated,
            DeviceTlbInvalidated: self._device_tlb_invalidated,
            ResetDone: self._reset_done,
            RegisterWritten: self._written,
        }
        self.stop = platform.add_observer(self._observe)

    def _observe(self, event: Event) -> None:
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)

    # --- requests

    def _began(self, _: TransferBegan) -> None:
        self._walk = None  # somebody asked the unit itself

    def _walked(self, event: TablesWalked) -> None:
        self._walk = event

    def _resolved(self, event: RequestResolved) -> None:
        walk, self._walk = self._walk, None
        if walk is not None and (walk.source_id, walk.address, walk.attributes) != (
            event.source_id,
            event.address,
            event.attributes,
        ):
            walk = None
        if event.attributes.address_type is AddressType.TRANSLATION and isinstance(
            event.resolution, Fault
        ):
            self._blocked(event.resolution)  # no transfer carries it, so that nobody else tells
        port = self._platform.requester(event.source_id)
        if isinstance(port.unit, VtdUnit) and not _is_interrupt(event):
            self._sort(event, walk, port)

    def _sort(self, event: RequestResolved, walk: TablesWalked | None, port: RequesterPort) -> None:
        kind = _kind(event.attributes, event.size)
        blocked = isinstance(event.resolution, Fault)
        if port.space.name == Tables.DIRECT:
            outcome = Outcome.FAULT if blocked else Outcome.NOT_LOOKED_UP
            self._count(REQUESTS, kind, Tables.DIRECT, PageSize.NONE, outcome)
            return
        tables = self._tables_of(event, walk, port)
        if tables is None:
            return
        size = PageSize.NONE
        if isinstance(event.resolution, IotlbEntry) and not (
            tables in _PAGELESS or kind is Kind.TRANSLATED_REQUEST
        ):
            size = _PAGE_SIZES[event.resolution.mask]
        outcome = Outcome.FAULT if blocked else Outcome.HIT if walk is None else Outcome.WALK
        self._count(REQUESTS, kind, tables, size, outcome)

    def _tables_of(
        self, event: RequestResolved, walk: TablesWalked | None, port: RequesterPort
    ) -> Tables | None:
        """What the requester's entry asks for; None where the request was blocked before that.

        A request that is blocked by what the IOTLB holds, and a translated one that needs no PASID
        entry, do not say: for them it is what their requester was last seen to use.
        """
        requester = event.source_id, event.attributes.pasid
        found = event.resolution
        tables = None
        if walk is not None and walk.tables is not None:
            tables = _named(walk.tables)
        elif walk is None and isinstance(found, IotlbEntry):
            tables = _of_entry(found, port)
        elif not isinstance(found, Fault) or found.name.startswith(_OF_PAGE_TABLES):
            return self._tables.get(requester)
        if tables is not None:
            self._tables[requester] = tables
        return tables

    def _blocked(self, fault: Fault) -> None:
        if fault.name in CONDITIONS_BY_LABEL:
            self._count(FAULTS, fault.name)

    # --- what software does

    def _switched(self, event: AddressSpaceSwitched) -> None:
        trigger = _TRIGGERS.get(event.reason)
        port = self._platform.requester(event.source_id)
        if trigger is None or not isinstance(port.unit, VtdUnit):
            return
        states = (InFlight.IDLE, InFlight.ONE, InFlight.SEVERAL)
        self._count(STATE_SWITCHES, trigger, states[min(len(port.in_flight), 2)])

    def _invalidated(self, event: Invalidated) -> None:
        self._count(INVALIDATIONS, event.cache, event.granularity)

    def _device_tlb_invalidated(self, event: DeviceTlbInvalidated) -> None:
        granularity = Granularity.PAGE if event.pasid is None else Granularity.PASID_PAGE
        self._count(INVALIDATIONS, Cache.DEVICE_TLB, granularity)

    # --- resets

    @property
    def lone_reset(self) -> Bin | None:
        """A half that was reset and whose other half, so far, was not."""
        if self._reset is None:
            return None
        return str(self._reset.kind), str(_ALONE[self._reset.part])

    def _reset_done(self, event: ResetDone) -> None:
        if event.kind is ResetKind.FUNCTION:
            self._count(RESETS, event.kind, Order.MASTERS_ONLY)
            return
        before = self._reset
        if before is not None and before.kind is event.kind and before.part != event.part:
            self._count(RESETS, event.kind, _FIRST[before.part])
            self._reset = None
            return
        self._count_lone_reset()
        self._reset = event

    def _written(self, _: RegisterWritten) -> None:
        # Software runs again: what is reset from now on is another reset.
        self._count_lone_reset()

    def _count_lone_reset(self) -> None:
        if self.lone_reset is not None:
            self._count(RESETS, *self.lone_reset)
        self._reset = None


def _is_interrupt(event: RequestResolved) -> bool:
    """Whether the address is one of the interrupt window: no memory is asked for (§3.15)."""
    in_window = INTERRUPT_WINDOW_BASE <= event.address <= INTERRUPT_WINDOW_LAST
    return in_window and event.attributes.pasid is None


def _kind(attributes: Attributes, size: int) -> Kind:
    if attributes.address_type is AddressType.TRANSLATION:
        return Kind.TRANSLATION_REQUEST
    if attributes.address_type is AddressType.TRANSLATED:
        return Kind.TRANSLATED_REQUEST
    if attributes.kind is RequestKind.READ and size == 0:
        return Kind.ZERO_LENGTH_READ
    return _KINDS[attributes.kind]


def _named(tables: TranslationType | PageTableType) -> Tables:
    return _SCALABLE[tables] if isinstance(tables, PageTableType) else _LEGACY[tables]


def _of_entry(entry: IotlbEntry, port: RequesterPort) -> Tables:
    """Which tables an IOTLB entry was made with; in legacy mode it does not say pass-through."""
    if entry.page_tables is not None:
        return _SCALABLE[entry.page_tables]
    through = port.space.name == Tables.PASS_THROUGH
    return Tables.LEGACY_PASS_THROUGH if through else Tables.LEGACY_SECOND_STAGE
