"""Tables of scalable mode, for a soak: an address space of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbenches.address_spaces import (
    FIRST,
    GUEST_LARGE,
    NESTED,
    PASS_THROUGH,
    SECOND,
    AddressSpaces,
)
from testbenches.journal import PAGE, View
from testbenches.scene import CHAIN, DEVICE
from testbenches.soak import defects
from testbenches.soak.defects import Entry, Forgotten, Rank, Refusal
from testbenches.soak.tables import Tables, there
from vtd_plugin.bus.source_id import parse_source_id
from vtd_plugin.encodings.codes import PageTableType
from vtd_plugin.encodings.structures import (
    PasidDirectoryEntry,
    PasidTableEntry,
    ScalableContextEntry,
    ScalableRootEntry,
)
from vtd_plugin.software import FirstStageDomain, descriptors
from vtd_plugin.software.scalable import ScalableDevices

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from testbenches.scene import Scene
    from vtd_plugin.software import Domain

_BUS: Final = 0
_PASIDS_OF_A_TABLE: Final = 64
_TYPES: Final = {
    None: PageTableType.SECOND_STAGE,
    FIRST: PageTableType.FIRST_STAGE,
    SECOND: PageTableType.SECOND_STAGE,
    NESTED: PageTableType.NESTED,
    PASS_THROUGH: PageTableType.PASS_THROUGH,
}


class ScalableTables(Tables):
    """Tables of scalable mode, with an address space of each kind."""

    MODE = "scalable"
    REFUSALS = (
        Refusal(Rank.RID_PASID, "SCT.9", frozenset({0x00})),
        Refusal(Rank.PASID_ENTRY, "SPT.2", frozenset({0x55})),
        Refusal(Rank.DIRECTORY_ENTRY, "SPD.2", frozenset({0x99})),
    )

    def _map(self, scene: Scene) -> Mapping[int | None, View]:
        self._spaces = AddressSpaces(scene, self.driver, self._number)
        self._spaces.attach_all()
        self._spaces.map_large_pages()
        return self._spaces.view.views

    def _leaves(self) -> Iterator[Entry]:
        domains = self._spaces.domains
        for pasid, wrongs, pointer in (
            (None, defects.SECOND_STAGE_LEAF, defects.SECOND_STAGE_POINTER),
            (SECOND, defects.SECOND_STAGE_LEAF, defects.SECOND_STAGE_POINTER),
            (FIRST, defects.FIRST_STAGE_LEAF, defects.FIRST_STAGE_POINTER),
        ):
            yield from self._leaves_of(pasid, domains[pasid], wrongs)
            yield self._pointer(pasid, domains[pasid], pointer)
        yield from self._leaves_of(NESTED, domains[NESTED], defects.NESTED_LEAF)
        yield from self._below()

    def _below(self) -> Iterator[Entry]:
        """The second stage of what the nested first stage leads to."""
        rank, wrongs = Rank.SECOND_STAGE_BELOW, defects.SECOND_STAGE_LEAF
        host = self._spaces.host
        for page, guest in self._spaces.guest.items():
            leads = None if page == CHAIN else (NESTED, page)
            yield self._leaf(rank, NESTED, host, guest, frozenset({page}), wrongs, leads)
        yield self._leaf(rank, NESTED, host, GUEST_LARGE, self._large, wrongs)

    def _structures(self) -> Iterator[Entry]:
        source_id = parse_source_id(DEVICE)
        devices = self.driver.devices
        assert isinstance(devices, ScalableDevices)
        tables, root = devices.pasid_tables(source_id), devices.root_table
        for pasid, kind in _TYPES.items():
            number = pasid or 0
            yield Entry(
                Rank.PASID_ENTRY,
                frozenset({pasid}),
                None,
                defects.PASID_ENTRY[kind],
                there(tables.entry_address(number)),
                PasidTableEntry,
                [self._entry_gone(pasid, kind)],
            )
        everything = descriptors.pasid_cache(), descriptors.iotlb()
        for number in (FIRST, PASS_THROUGH):
            first = number // _PASIDS_OF_A_TABLE * _PASIDS_OF_A_TABLE
            table = range(first, first + _PASIDS_OF_A_TABLE)
            yield Entry(
                Rank.DIRECTORY_ENTRY,
                frozenset(pasid for pasid in self._pages if (pasid or 0) in table),
                None,
                defects.DIRECTORY_ENTRY,
                tables.directory_entry_address(number),
                PasidDirectoryEntry,
                [Forgotten(everything)],
            )
        everyone = frozenset(self._pages)
        yield Entry(
            Rank.CONTEXT_ENTRY,
            everyone,
            None,
            defects.SCALABLE_CONTEXT,
            there(root.context_entry_address(source_id)),
            ScalableContextEntry,
            [Forgotten((descriptors.context_cache(0, source_id), *everything))],
        )
        yield Entry(
            Rank.ROOT_ENTRY,
            everyone,
            None,
            defects.SCALABLE_ROOT,
            root.root_entry_address(_BUS),
            ScalableRootEntry,
            [Forgotten((descriptors.context_cache(), *everything))],
        )

    def _entry_gone(self, pasid: int | None, kind: PageTableType) -> Forgotten:
        """What a change of a PASID-table entry takes (section 6.5.3.3)."""
        number = self._domain_id(pasid)
        cache = descriptors.pasid_cache(number, pasid or 0)
        if kind in (PageTableType.SECOND_STAGE, PageTableType.NESTED):
            return Forgotten((cache, descriptors.iotlb(number)), self._in_domain(number))
        own = descriptors.pasid_iotlb(number, pasid or 0)
        return Forgotten((cache, own), lambda other, _: other == pasid)

    def _address(self, domain: Domain | FirstStageDomain, address: int, level: int) -> int:
        found = super()._address(domain, address, level)
        if domain is not self._spaces.domains[NESTED]:
            return found
        # The tables of a guest are where the second stage has put them.
        page = self._spaces.host.table.lookup(found)
        assert page is not None
        return page.address + found % PAGE

    def _domain_id(self, pasid: int | None) -> int:
        if pasid == PASS_THROUGH:
            return self.driver.domain_ids.pass_through
        if pasid == NESTED:
            return self._spaces.host.domain_id
        return self._spaces.domains[pasid].domain_id
