"""The platforms that the benchmarks of translation run on: one unit, one requester, its tables."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tests.reference.capabilities import Caps
from tests.reference.model import Ask
from tests.reference.walker import walk
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.bus import Attributes, RequestKind
from vtd_plugin.encodings.registers import RTADDR
from vtd_plugin.iommu import CacheSizes
from vtd_plugin.software import Driver, FrameAllocator, GuestMemory

if TYPE_CHECKING:
    from vtd_plugin.bus import Resolution
    from vtd_plugin.software import Domain

PAGE_4K: Final = 1 << 12
PAGE_2M: Final = 1 << 21

REQUESTER: Final = "00:04.0"
UNTRANSLATED_REQUESTER: Final = "00:05.0"

TARGET: Final = PAGE_2M
"""Host address of the 2 MiB that are mapped."""
SMALL_PAGES: Final = 0x1234_5660_0000
"""Address as the requester sees it that maps them by 512 pages of 4 KiB."""
LARGE_PAGE: Final = SMALL_PAGES + (1 << 30)
"""Address as the requester sees it that maps them by one page of 2 MiB."""

_RAM: Final = 16 << 20
_TABLES: Final = 8 << 20
_GUEST_TABLES: Final = 14 << 20
_LEVELS: Final = 4
_PASID: Final = 0x1234

NO_CACHE: Final = CacheSizes(0, 0, 0, 0, 0)
STRUCTURES_CACHED: Final = CacheSizes(iotlb=0)


class Stages(StrEnum):
    """The tables that a request goes through, of four levels each."""

    LEGACY = "legacy"
    SECOND = "second stage"
    FIRST = "first stage"
    NESTED = "nested"


class Bench:
    """A requester behind a unit with translation on, and one in front of nothing.

    Args:
        stages: The tables; all but the legacy ones are of scalable mode, and their requests have a
            PASID.
        cache_sizes: Entries of the unit's caches; by default all that a unit has.

    Attributes:
        attributes: What its requests carry.
    """

    def __init__(
        self, stages: Stages = Stages.LEGACY, cache_sizes: CacheSizes | None = None
    ) -> None:
        is_scalable = stages is not Stages.LEGACY
        config = _config(cache_sizes, is_scalable)
        self.platform = Platform(ram_size=_RAM)
        self.unit = self.platform.add_unit(VtdUnit(config), scope=[REQUESTER])
        self.port = self.platform.requester(REQUESTER)
        self.direct_port = self.platform.requester(UNTRANSLATED_REQUESTER)
        self._driver = Driver(
            self.platform, frames=FrameAllocator(_TABLES, _GUEST_TABLES - _TABLES)
        )
        self._driver.enable("scalable" if is_scalable else "legacy")
        self._attach(stages)
        self._pasid = _PASID if is_scalable else None
        self.attributes = Attributes(RequestKind.READ, pasid=self._pasid)
        caps = config.capabilities
        self._reference_caps = Caps(caps.version, caps.cap, caps.ecap, caps.haw)
        root = self._driver.root
        self._rtaddr = RTADDR.pack(RTA_address=root.address, TTM=root.mode)

    def _attach(self, stages: Stages) -> None:
        if stages is Stages.LEGACY:
            self._driver.attach(REQUESTER, self._second_stage())
        elif stages is Stages.SECOND:
            self._driver.attach_pasid(REQUESTER, _PASID, second_stage=self._second_stage())
        elif stages is Stages.FIRST:
            first = self._driver.create_first_stage_domain(levels=_LEVELS)
            first.map(SMALL_PAGES, TARGET, PAGE_2M, page_size=PAGE_4K)
            self._driver.attach_pasid(REQUESTER, _PASID, first_stage=first)
        else:
            self._attach_nested()

    def _second_stage(self) -> Domain:
        domain = self._driver.create_domain(levels=_LEVELS)
        domain.map(SMALL_PAGES, TARGET, PAGE_2M, page_size=PAGE_4K)
        domain.map(LARGE_PAGE, TARGET, PAGE_2M, page_size=PAGE_2M)
        return domain

    def _attach_nested(self) -> None:
        """A guest's own tables over a second stage that maps its memory by small pages."""
        guest = self._driver.create_domain(levels=_LEVELS)
        guest.map(0, 0, _RAM, page_size=PAGE_4K)
        first = self._driver.create_first_stage_domain(
            levels=_LEVELS,
            cpu=GuestMemory(self.platform, guest.table),
            frames=FrameAllocator(_GUEST_TABLES, _RAM - _GUEST_TABLES),
        )
        first.map(SMALL_PAGES, TARGET, PAGE_2M, page_size=PAGE_4K)
        self._driver.attach_pasid(REQUESTER, _PASID, first_stage=first, second_stage=guest)

    def resolve(self, address: int) -> Resolution:
        """Ask for a byte to read, as a requester port does."""
        port = self.port
        return port.space.resolve(port.source_id, address, 1, self.attributes)

    def walk_by_reference(self, address: int) -> int | None:
        """The host address of a read, by the simple walker that the tests compare with."""
        ask = Ask(self.port.source_id, address, pasid=self._pasid)
        memory = self.platform.memory
        return walk(memory.read, memory.write, self._reference_caps, self._rtaddr, ask).address


def _config(cache_sizes: CacheSizes | None, is_scalable: bool) -> VtdConfig:
    if not is_scalable:
        return VtdConfig(cache_sizes=cache_sizes)
    return VtdConfig(
        cache_sizes=cache_sizes, SMTS=1, SSTS=1, FSTS=1, NEST=1, PASID=1, PSS=19, SMPWCS=1
    )
