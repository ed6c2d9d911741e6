"""Sorts requests of requesters on the bus.

What a program asks of a unit directly (`VtdUnit.translate`) is none. Requesters of other units than
`VtdUnit` are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import (
    INTERRUPT_WINDOW_BASE,
    INTERRUPT_WINDOW_LAST,
    AddressType,
    Attributes,
    Fault,
    Platform,
    RequesterPort,
    RequestKind,
    RequestResolved,
    TransferBegan,
)
from vtd_plugin.encodings.codes import PageTableType, TranslationType
from vtd_plugin.inspect.coverage.bins.requests import REQUESTS, Kind, Outcome, PageSize, Tables
from vtd_plugin.iommu import VtdUnit
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.events import TablesWalked

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers

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

_OF_PAGE_TABLES: Final = ("LGN", "LSS", "SFS", "SGN", "SSS")
"""How the names of conditions begin that a request meets after its context or PASID entry."""


class RequestSorter:
    """Sorts what requesters asked for, page by page.

    Args:
        platform: Whose requesters they are.
        count: Told of each hit.
    """

    __slots__ = ("_count", "_platform", "_tables", "_walk", "handlers")

    def __init__(self, platform: Platform, count: Count) -> None:
        self._platform = platform
        self._count = count
        self._walk: TablesWalked | None = None
        self._tables: dict[tuple[int, int | None], Tables] = {}
        self.handlers: Handlers = {
            TransferBegan: self._began,
            TablesWalked: self._walked,
            RequestResolved: self._resolved,
        }

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
        port = self._platform.requester(event.source_id)
        if isinstance(port.unit, VtdUnit) and not _asks_no_memory(event):
            self._sort(event, walk, port)

    def _sort(self, event: RequestResolved, walk: TablesWalked | None, port: RequesterPort) -> None:
        kind = kind_of(event.attributes, event.size)
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


def _asks_no_memory(event: RequestResolved) -> bool:
    """Whether it is about the interrupt window, which no tables translate (§3.15, §4.2.3)."""
    attributes = event.attributes
    in_window = INTERRUPT_WINDOW_BASE <= event.address <= INTERRUPT_WINDOW_LAST
    translated = attributes.address_type is AddressType.TRANSLATED
    return in_window and attributes.pasid is None and not translated


def kind_of(attributes: Attributes, size: int) -> Kind:
    """What a request asks for."""
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
