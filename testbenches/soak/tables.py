"""The tables of a soak, and where they lead with all that is broken in them.

Tables of both modes have the same pages: of 4 KiB in the source and the destination, and some
inside a page of 2 MiB. Where they lead is known from what was mapped and broken, never from the
unit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from testbenches.address_spaces import LARGE, NESTED, PASS_THROUGH
from testbenches.journal import PAGE, PasidViews, View
from testbenches.scene import CHAIN, DESTINATION, PAGES, SOURCE
from testbenches.soak.defects import Defect, Entry, Forgotten, Rank, Refusal
from vtd_plugin.software import FirstStageDomain, descriptors
from vtd_plugin.software.cpu import read_entry, write_entry
from vtd_plugin.software.pages import PAGE_2M, leaf_level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from testbenches.scene import Scene
    from testbenches.soak.defects import Blocker, Wrong
    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software import Domain

_POINTER_LEVEL: Final = 2


class Tables(ABC):
    """Tables of one driver for the device.

    Attributes:
        driver: Who has built them.
        broken: What is broken in them.
        pasids: Those that lead to memory; None are requests without.
        pages: The pages of every address space.
        entries: What can be broken.
    """

    MODE: ClassVar[Literal["legacy", "scalable"]]
    REFUSALS: ClassVar[Sequence[Refusal]]
    """Requests that lead nowhere from the beginning."""

    def __init__(self, scene: Scene, number: int, inside: View, *, use_queue: bool) -> None:
        """Build them.

        Args:
            scene: Where.
            number: Which of the drivers of the scene.
            inside: What is used of the page of 2 MiB: where source and destination lead, there too.
            use_queue: How the driver invalidates.
        """
        self.driver = driver = scene.driver(number, use_queue=use_queue)
        self._number = number
        self._cpu = scene.image
        self.broken: list[Defect] = []
        driver.prepare(self.MODE)
        self._pages = {pasid: dict(view.pages or {}) for pasid, view in self._map(scene).items()}
        plain = self._pages[None]
        assert inside.pages is not None
        small = [base + PAGE * number for base in (SOURCE, DESTINATION) for number in range(PAGES)]
        self.pages = [*small, *(LARGE + inside.pages[page] for page in small)]
        for pages in self._pages.values():
            pages |= {page: page - LARGE for page in self._large}
        if PASS_THROUGH in self._pages:
            self._pages[PASS_THROUGH] = {page: page for page in self.pages}
        self.pasids = tuple(self._pages)
        for refusal in self.REFUSALS:
            self._pages |= dict.fromkeys(refusal.pasids or (), plain)
        self.entries = [*self._leaves(), *self._structures()]

    @property
    def strangers(self) -> tuple[int | None, ...]:
        """PASIDs that lead nowhere from the beginning."""
        return tuple(pasid for pasid in self._pages if pasid not in self.pasids)

    def whole_entries(self) -> list[Entry]:
        """The entries that are not broken."""
        broken = {defect.entry for defect in self.broken}
        return [entry for entry in self.entries if entry not in broken]

    def broken_pages(self, pasid: int | None) -> frozenset[int]:
        """The pages of a PASID whose own entries are broken."""
        entries = (defect.entry for defect in self.broken if defect.rank <= Rank.LEAF)
        none: frozenset[int] = frozenset()
        return none.union(*(entry.pages or () for entry in entries if pasid in entry.pasids))

    def move(self, entry: Entry, frame: int) -> None:
        """Let the page of an entry lead elsewhere."""
        assert entry.leads is not None
        pasid, page = entry.leads
        old = read_entry(self._cpu, entry.address, entry.layout)
        write_entry(self._cpu, entry.address, entry.layout, old.replace(ADDR_address=frame))
        self._pages[pasid] = self._pages[pasid] | {page: frame}

    def view(self, refused: Refusal | None = None) -> PasidViews:
        """Where addresses lead now, with what else refuses requests."""
        blockers: list[Blocker] = [*self.REFUSALS, *self.broken, *([refused] if refused else ())]
        blockers.sort(key=lambda each: each.rank)
        views: dict[int | None, View] = {}
        for pasid, pages in self._pages.items():
            blocks = {key: why for each in blockers for key, why in each.blocks(pasid, pages)}
            views[pasid] = View(f"PASID {pasid}", pages, blocks)
        return PasidViews(self.MODE, views)

    @abstractmethod
    def _map(self, scene: Scene) -> Mapping[int | None, View]:
        """Map everything, and say where small pages lead."""

    @abstractmethod
    def _leaves(self) -> Iterator[Entry]:
        """The entries of paging structures."""

    @abstractmethod
    def _structures(self) -> Iterator[Entry]:
        """The entries above these."""

    def _leaves_of(
        self, pasid: int | None, domain: Domain | FirstStageDomain, wrongs: Sequence[Wrong]
    ) -> Iterator[Entry]:
        """The leaves of what translates the addresses of requests."""
        for page in sorted({CHAIN, *self.pages} - self._large):
            leads = None if pasid == NESTED or page == CHAIN else (pasid, page)
            yield self._leaf(Rank.LEAF, pasid, domain, page, frozenset({page}), wrongs, leads)
        yield self._leaf(Rank.LEAF, pasid, domain, LARGE, self._large, wrongs)

    @property
    def _large(self) -> frozenset[int]:
        """The pages inside the page of 2 MiB."""
        return frozenset(page for page in self.pages if page >= LARGE)

    def _leaf(
        self,
        rank: Rank,
        pasid: int | None,
        domain: Domain | FirstStageDomain,
        address: int,
        pages: frozenset[int],
        wrongs: Sequence[Wrong],
        leads: tuple[int | None, int] | None = None,
    ) -> Entry:
        size = PAGE_2M if address >= LARGE and pages == self._large else PAGE
        level = leaf_level(size)
        return Entry(
            rank,
            frozenset({pasid}),
            pages,
            wrongs,
            self._address(domain, address, level),
            domain.table.LEAVES[level],
            [self._whole(pasid, domain), self._part(pasid, domain, address, size, pages)],
            leads,
        )

    def _pointer(
        self, pasid: int | None, domain: Domain | FirstStageDomain, wrongs: Sequence[Wrong]
    ) -> Entry:
        """The entry above all small pages."""
        return Entry(
            Rank.TABLE_POINTER,
            frozenset({pasid}),
            frozenset(page for page in self._pages[pasid] if page < LARGE),
            wrongs,
            self._address(domain, SOURCE, _POINTER_LEVEL),
            domain.table.POINTERS[_POINTER_LEVEL],
            [self._whole(pasid, domain)],
        )

    def _whole(self, pasid: int | None, domain: Domain | FirstStageDomain) -> Forgotten:
        """Forget all that a domain translates."""
        number = self._domain_id(pasid)
        if isinstance(domain, FirstStageDomain):
            assert pasid is not None
            descriptor: Layout = descriptors.pasid_iotlb(number, pasid)
            return Forgotten((descriptor,), lambda other, _: other == pasid)
        return Forgotten((descriptors.iotlb(number),), self._in_domain(number))

    def _part(
        self,
        pasid: int | None,
        domain: Domain | FirstStageDomain,
        address: int,
        size: int,
        pages: frozenset[int],
    ) -> Forgotten:
        """Forget pages; of what is nested above a second stage, all (section 6.5.1.2)."""
        number = self._domain_id(pasid)
        if isinstance(domain, FirstStageDomain):
            assert pasid is not None
            first = descriptors.pasid_iotlb_pages(number, pasid, address, size, leaves_only=True)
            return Forgotten((first,), lambda other, page: other == pasid and page in pages)
        caps = self.driver.unit.capabilities
        second = descriptors.iotlb_pages(caps, number, address, size, leaves_only=True)
        in_domain = self._in_domain(number)
        return Forgotten(
            (second,),
            lambda other, page: (
                in_domain(other, page) and (other == NESTED or (other == pasid and page in pages))
            ),
        )

    def _address(self, domain: Domain | FirstStageDomain, address: int, level: int) -> int:
        """Where an entry of paging structures is in memory."""
        return there(domain.table.entry_address(address, level))

    def _in_domain(self, number: int) -> Callable[[int | None, int], bool]:
        return lambda pasid, _: pasid in self.pasids and self._domain_id(pasid) == number

    @abstractmethod
    def _domain_id(self, pasid: int | None) -> int:
        """The domain-id of what is cached for a PASID."""


def there(address: int | None) -> int:
    """The address of an entry that there is."""
    assert address is not None
    return address
