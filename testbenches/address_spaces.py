"""Address spaces of every kind that scalable mode has, side by side for one device.

Each PASID translates otherwise: by a first stage, a second stage, both nested, or not at all.
Requests without a PASID use a second stage, which is also under the nested one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from testbenches.bench import TABLE_BYTES
from testbenches.journal import DIRECT, PAGE, PasidViews, View
from testbenches.scene import DEVICE, RAM_BYTES, TABLES
from vtd_plugin import VtdConfig
from vtd_plugin.software import FrameAllocator, GuestMemory
from vtd_plugin.software.pages import PAGE_2M

if TYPE_CHECKING:
    from testbenches.scene import Scene
    from testbenches.sg import Copy
    from vtd_plugin.software import Domain, Driver, FirstStageDomain

FIRST: Final = 0x11
SECOND: Final = 0x22
NESTED: Final = 0x33
PASS_THROUGH: Final = 0x44
PASIDS: Final = (FIRST, SECOND, NESTED, PASS_THROUGH)

GUEST_DATA: Final = 0x40_0000
"""Guest-physical address of what the nested first stage leads to."""
GUEST_TABLES: Final = 0x60_0000
GUEST_LARGE: Final = 0x80_0000
LARGE: Final = 0x20_0000
"""Where large pages lead to memory from address 0 on."""
GUEST_TABLE_PAGES: Final = 8

_ACCESSED_AND_DIRTY: Final = 0x60
_USER_VALID: Final = 1 << 20
_USER_PRIVILEGED: Final = 1 << 21


def config(**more: Any) -> VtdConfig:
    """A unit in scalable mode, with PASIDs of 8 bits; with more arguments of a `VtdConfig`."""
    return VtdConfig(SMTS=1, FSTS=1, SSTS=1, NEST=1, PASID=1, PSS=7, SMPWCS=1, SRS=1, **more)


def user(pasid: int | None, *, privileged: bool = False) -> int:
    """The AxUSER of a burst."""
    if pasid is None:
        return 0
    return pasid | _USER_VALID | (_USER_PRIVILEGED if privileged else 0)


def let_unit_set_accessed_bits(scene: Scene) -> None:
    """Accessed and dirty bits of first stages are the unit's to write."""
    scene.image.let_unit_write(TABLES, RAM_BYTES - TABLES, _ACCESSED_AND_DIRTY)


class AddressSpaces:
    """All address spaces of the device, in tables of one driver.

    Attributes:
        driver: Software.
        domains: What translates the addresses of requests, by PASID.
        guest: Where the nested first stage leads: guest-physical pages.
        host: The second stage of requests without PASID, and of the nested ones.
        view: Where addresses lead, by PASID.
    """

    def __init__(self, scene: Scene, driver: Driver, number: int = 0) -> None:
        """Make what needs no mode yet: the domain of requests without PASID.

        Args:
            scene: Where.
            driver: Software, with a mode prepared.
            number: Which guest's tables, if there are several.
        """
        self.driver = driver
        self._scene = scene
        self._plain = scene.random_view("without PASID")
        guest = scene.random_view("guest")
        assert guest.pages is not None
        # A guest sees its memory in a row; where its pages are is the business of the host.
        frames = {GUEST_DATA + PAGE * index: at for index, at in enumerate(guest.pages.values())}
        self.guest = dict(zip(guest.pages, frames, strict=True))
        tables = TABLES + 2 * TABLE_BYTES + number * GUEST_TABLE_PAGES * PAGE
        for index in range(GUEST_TABLE_PAGES):
            frames[GUEST_TABLES + PAGE * index] = tables + PAGE * index
        self._nested = guest
        self.host = driver.create_domain(levels=4)
        self._plain.map_in(self.host)
        View("guest-physical", frames).map_in(self.host)
        driver.attach(DEVICE, self.host)
        self.domains: dict[int | None, Domain | FirstStageDomain] = {None: self.host}
        self.view = PasidViews("spaces", {None: self._plain})

    def attach_all(self) -> None:
        """Attach every PASID; the driver is in scalable mode."""
        driver, scene = self.driver, self._scene
        first, second = scene.random_view("first stage"), scene.random_view("second stage")
        process = driver.create_first_stage_domain()
        first.map_in(process)
        driver.attach_pasid(DEVICE, FIRST, first_stage=process, SRE=1)
        other = driver.create_domain(levels=4)
        second.map_in(other)
        driver.attach_pasid(DEVICE, SECOND, second_stage=other)
        guest = driver.create_first_stage_domain(
            cpu=GuestMemory(scene.image, self.host.table),
            frames=FrameAllocator(GUEST_TABLES, GUEST_TABLE_PAGES * PAGE),
        )
        View("guest-virtual", self.guest).map_in(guest)
        driver.attach_pasid(DEVICE, NESTED, first_stage=guest, second_stage=self.host)
        driver.attach_pasid(DEVICE, PASS_THROUGH, pass_through=True)
        self.domains |= {FIRST: process, SECOND: other, NESTED: guest}
        views: dict[int | None, View] = {None: self._plain, FIRST: first, SECOND: second}
        self.view = PasidViews("spaces", views | {NESTED: self._nested, PASS_THROUGH: DIRECT})

    def map_large_pages(self) -> None:
        """Let a page of 2 MiB lead to memory in each address space, after `attach_all`."""
        self.host.map(GUEST_LARGE, 0, PAGE_2M)
        for pasid, domain in self.domains.items():
            domain.map(LARGE, GUEST_LARGE if pasid == NESTED else 0, PAGE_2M)

    def copies(self) -> list[Copy]:
        """Copies in every address space, one after the other at random."""
        scene = self._scene
        copies = [copy for pasid in self.view.views for copy in scene.random_copies(user(pasid))]
        scene.rng.shuffle(copies)
        return copies
