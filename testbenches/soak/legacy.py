"""Tables of legacy mode, for a soak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbenches.address_spaces import FIRST, LARGE
from testbenches.scene import DEVICE
from testbenches.soak import defects
from testbenches.soak.defects import Entry, Forgotten, Rank, Refusal
from testbenches.soak.tables import Tables, there
from vtd_plugin.bus.source_id import parse_source_id
from vtd_plugin.encodings.structures import ContextEntry, RootEntry
from vtd_plugin.software import descriptors
from vtd_plugin.software.pages import PAGE_2M

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from testbenches.journal import View
    from testbenches.scene import Scene

_BUS: Final = 0


class LegacyTables(Tables):
    """Tables of legacy mode."""

    MODE = "legacy"
    REFUSALS = (Refusal(Rank.TABLE_MODE, "RTA.2", frozenset({FIRST})),)

    def _map(self, scene: Scene) -> Mapping[int | None, View]:
        view = scene.random_view("legacy")
        self._domain = self.driver.create_domain()
        view.map_in(self._domain)
        self._domain.map(LARGE, 0, PAGE_2M)
        self.driver.attach(DEVICE, self._domain)
        return {None: view}

    def _leaves(self) -> Iterator[Entry]:
        yield from self._leaves_of(None, self._domain, defects.LEGACY_LEAF)
        yield self._pointer(None, self._domain, defects.LEGACY_POINTER)

    def _structures(self) -> Iterator[Entry]:
        root, number = self.driver.devices.root_table, self._domain.domain_id
        source_id = parse_source_id(DEVICE)
        context = descriptors.context_cache(number, source_id)
        yield Entry(
            Rank.CONTEXT_ENTRY,
            frozenset({None}),
            None,
            defects.LEGACY_CONTEXT,
            there(root.context_entry_address(source_id)),
            ContextEntry,
            [Forgotten((context, descriptors.iotlb(number)), self._in_domain(number))],
        )
        yield Entry(
            Rank.ROOT_ENTRY,
            frozenset({None}),
            None,
            defects.LEGACY_ROOT,
            root.root_entry_address(_BUS),
            RootEntry,
            [Forgotten((descriptors.context_cache(), descriptors.iotlb()))],
        )

    def _domain_id(self, pasid: int | None) -> int:  # noqa: ARG002 - there is one
        return self._domain.domain_id
