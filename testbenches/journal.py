"""What bursts did, and where their bytes must therefore be.

A `View` is where a testbench itself has decided that addresses lead, without asking the unit. The
journal notes under which view each burst began, and works out what memory must hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from hdl_bridge.axi import AxiUser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from testbenches.memory_image import MemoryImage
    from testbenches.sg import Copy
    from vtd_plugin.bus import Attributes
    from vtd_plugin.software import Domain, FirstStageDomain
    from vtd_plugin.software.page_table import PageTable

PAGE: Final = 4096


@dataclass(frozen=True, slots=True)
class Block:
    """Why a request is blocked.

    Attributes:
        condition: The architecture's name of the fault condition.
        recorded: Whether there is a fault record of it if there is room.
    """

    condition: str
    recorded: bool = True


class View:
    """Where addresses lead: page by page, or, without pages, to themselves.

    Attributes:
        name: What it is called in messages.
        pages: The page addresses of what is mapped.
        blocks: What is kept out of a page, by page address and whether it is a write.
    """

    __slots__ = ("blocks", "name", "pages")

    def __init__(
        self,
        name: str,
        pages: Mapping[int, int] | None = None,
        blocks: Mapping[tuple[int, bool], Block] | None = None,
    ) -> None:
        self.name = name
        self.pages = pages
        self.blocks = blocks or {}

    def of(self, pasid: int | None) -> View:  # noqa: ARG002 - the same for all
        """Where the addresses of requests with a PASID lead, or of those without one."""
        return self

    def map_in(self, domain: Domain | FirstStageDomain | PageTable) -> None:
        """Map in a domain, or in its tables alone, what this view says."""
        assert self.pages is not None
        for iova, address in self.pages.items():
            read, write = (self.lets_through(iova, is_write=kind) for kind in (False, True))
            if read or write:
                domain.map(iova, address, PAGE, read=read, write=write)

    def address(self, iova: int) -> int | None:
        """Where an address leads; None where nothing is mapped."""
        if self.pages is None:
            return iova
        page = self.pages.get(iova // PAGE * PAGE)
        return None if page is None else page + iova % PAGE

    def block(self, iova: int, *, is_write: bool) -> Block | None:
        """Why a request is kept out of its page, if that is known."""
        return self.blocks.get((iova // PAGE * PAGE, is_write))

    def lets_through(self, iova: int, *, is_write: bool) -> bool:
        """Whether a request reaches memory."""
        return self.address(iova) is not None and self.block(iova, is_write=is_write) is None


class PasidViews(View):
    """A view for each PASID, and one for requests without."""

    __slots__ = ("views",)

    def __init__(self, name: str, views: Mapping[int | None, View]) -> None:
        super().__init__(name, {})
        self.views = views

    def of(self, pasid: int | None) -> View:
        """The view of a PASID; one that is not known leads nowhere."""
        return self.views.get(pasid, self)


DIRECT: Final = View("direct")
"""Memory as it is."""


class Request(Protocol):
    """The request of a burst: a transfer of a requester port, or what the wires tell of it."""

    @property
    def iova(self) -> int:
        """First address."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def attributes(self) -> Attributes:
        """What is asked for."""

    @property
    def is_write(self) -> bool:
        """Whether bytes go to memory."""

    @property
    def ok(self) -> bool:
        """Whether nothing of it is blocked or aborted."""

    @property
    def aborted(self) -> bool:
        """Whether a reset ended it."""

    @property
    def ended(self) -> bool:
        """Whether it is over."""


@dataclass(frozen=True, slots=True)
class Burst:
    """A burst that has begun.

    Attributes:
        transfer: Its request.
        view: Where addresses led when it began.
    """

    transfer: Request
    view: View

    @property
    def place(self) -> tuple[int | None, int]:
        """Its PASID and its first address."""
        return self.transfer.attributes.pasid, self.transfer.iova

    @property
    def page(self) -> int:
        """The page it is in."""
        return self.transfer.iova // PAGE * PAGE

    @property
    def address(self) -> int:
        """Where its bytes are in memory."""
        address = self.view.address(self.transfer.iova)
        assert address is not None, f"{self.transfer} leads nowhere in {self.view.name}"
        return address

    @property
    def leads_somewhere(self) -> bool:
        """Whether it reaches memory."""
        return self.view.lets_through(self.transfer.iova, is_write=self.transfer.is_write)

    @property
    def block(self) -> Block | None:
        """Why it is blocked, if that is known."""
        return self.view.block(self.transfer.iova, is_write=self.transfer.is_write)

    def check(self) -> None:
        """Assert that it is blocked if, and only if, it leads nowhere."""
        assert self.transfer.ok == self.leads_somewhere, (
            f"{self.transfer} under {self.view.name}: {self.block}"
        )


class Journal:
    """Notes the bursts of one master.

    Attributes:
        bursts: Those since the start of the last run, in order.
        view: Where addresses lead now.
        listeners: Told of each burst that begins.
    """

    def __init__(self, image: MemoryImage, view: View = DIRECT) -> None:
        self.bursts: list[Burst] = []
        self.view = view
        self.listeners: list[Callable[[Burst], object]] = []
        self._image = image
        self._armed: tuple[Callable[[int], bool], View] | None = None
        image.watchers.append(self._software_writes)

    def begin(self, request: Request) -> Burst:
        """Note a burst that begins now; whether it is blocked is for its `Burst.check`."""
        burst = Burst(request, self.view.of(request.attributes.pasid))
        self.bursts.append(burst)
        for listener in self.listeners:
            listener(burst)
        return burst

    def switch_when(self, is_command: Callable[[int], bool], view: View) -> None:
        """Change the view with the first write to an address of which `is_command` says so."""
        self._armed = is_command, view

    def writes(self) -> list[Burst]:
        """The writes among the bursts."""
        return [burst for burst in self.bursts if burst.transfer.is_write]

    def under(self, view: View) -> int:
        """How many bursts began under a view."""
        return sum(burst.view is view for burst in self.bursts)

    def settle(self, copies: Sequence[Copy], beat_bytes: int) -> int:
        """Expect in memory what the bursts of a run of copies must have written.

        Args:
            copies: All copies of the run, one after the other; nothing they read is written by any
                of them, and no two write the same addresses.
            beat_bytes: Bytes of a beat: of a write that a reset cut short, some may be there.

        Returns:
            How many bytes went to memory.
        """
        reads: dict[tuple[int | None, int], Burst] = {}
        moved = 0
        for burst in self.bursts:
            if not burst.transfer.is_write:
                reads[burst.place] = burst
                continue
            pasid, iova = burst.place
            copy = _copy_of(copies, pasid, iova)
            read = reads[pasid, copy.source + iova - copy.destination]
            assert read.leads_somewhere, f"{burst.transfer} has no data: {read.transfer} is blocked"
            if burst.leads_somewhere:
                size = min(burst.transfer.size, copy.destination + copy.length - iova)
                moved += self._expect(burst, read.address, size, beat_bytes)
        self.bursts.clear()
        return moved

    def _expect(self, write: Burst, source: int, size: int, beat_bytes: int) -> int:
        """Expect what a write has brought from an address; how many bytes that were."""
        data = bytes(self._image.expected[source : source + size])
        if write.transfer.aborted:
            return self._image.expect_beats(write.address, data, beat_bytes)
        self._image.expect(write.address, data)
        return size

    def _software_writes(self, address: int) -> None:
        if self._armed is not None and self._armed[0](address):
            self.view = self._armed[1]
            self._armed = None


def _copy_of(copies: Iterable[Copy], pasid: int | None, destination: int) -> Copy:
    for copy in copies:
        inside = copy.destination <= destination < copy.destination + copy.length
        if inside and AxiUser()(copy.user).get("pasid") == pasid:
            return copy
    raise AssertionError(f"a write to {destination:#x}, which no copy asks for")
