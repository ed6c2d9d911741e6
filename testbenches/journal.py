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

PAGE: Final = 4096


class View:
    """Where addresses lead: page by page, or, without pages, to themselves."""

    __slots__ = ("name", "pages")

    def __init__(self, name: str, pages: Mapping[int, int] | None = None) -> None:
        """Take the page addresses of what is mapped."""
        self.name = name
        self.pages = pages

    def of(self, pasid: int | None) -> View:  # noqa: ARG002 - the same for all
        """Where the addresses of requests with a PASID lead, or of those without one."""
        return self

    def map_in(self, domain: Domain | FirstStageDomain) -> None:
        """Map in a domain what this view says."""
        assert self.pages is not None
        for iova, address in self.pages.items():
            domain.map(iova, address, PAGE)

    def address(self, iova: int) -> int | None:
        """Where an address leads; None where nothing is mapped."""
        if self.pages is None:
            return iova
        page = self.pages.get(iova // PAGE * PAGE)
        return None if page is None else page + iova % PAGE


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
    def address(self) -> int:
        """Where its bytes are in memory."""
        address = self.view.address(self.transfer.iova)
        assert address is not None, f"{self.transfer} leads nowhere in {self.view.name}"
        return address

    @property
    def leads_somewhere(self) -> bool:
        """Whether its page is mapped."""
        return self.view.address(self.transfer.iova) is not None

    def check(self) -> None:
        """Assert that it is blocked if, and only if, it leads nowhere."""
        assert self.transfer.ok == self.leads_somewhere, f"{self.transfer} under {self.view.name}"


class Journal:
    """Notes the bursts of one master.

    Attributes:
        bursts: Those since the start of the last run, in order.
        view: Where addresses lead now.
    """

    def __init__(self, image: MemoryImage, view: View = DIRECT) -> None:
        self.bursts: list[Burst] = []
        self.view = view
        self._image = image
        self._armed: tuple[Callable[[int], bool], View] | None = None
        image.watchers.append(self._software_writes)

    def begin(self, request: Request) -> Burst:
        """Note a burst that begins now; whether it is blocked is for its `Burst.check`."""
        burst = Burst(request, self.view.of(request.attributes.pasid))
        self.bursts.append(burst)
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
            copies: All copies of the run; nothing they read is written by any of them.
            beat_bytes: Bytes of a beat: of a write that a reset cut short, some may be there.

        Returns:
            How many bytes went to memory.
        """
        reads = {burst.place: burst for burst in self.bursts if not burst.transfer.is_write}
        moved = 0
        for write in self.writes():
            pasid, iova = write.place
            copy = _copy_of(copies, pasid, iova)
            offset = iova - copy.destination
            size = min(write.transfer.size, copy.length - offset)
            source = reads[pasid, copy.source + offset].address
            data = bytes(self._image.expected[source : source + size])
            if write.transfer.aborted:
                moved += self._image.expect_beats(write.address, data, beat_bytes)
            else:
                self._image.expect(write.address, data)
                moved += size
        self.bursts.clear()
        return moved

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
