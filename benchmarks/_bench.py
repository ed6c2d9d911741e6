"""The platform that the benchmarks of translation run on: one unit, one requester, its tables."""

from __future__ import annotations

from typing import Final

from tests.reference.capabilities import Caps
from tests.reference.model import Ask
from tests.reference.walker import walk
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.iommu import CacheSizes
from vtd_plugin.software import Driver, FrameAllocator

PAGE_4K: Final = 1 << 12
PAGE_2M: Final = 1 << 21

REQUESTER: Final = "00:04.0"
UNTRANSLATED_REQUESTER: Final = "00:05.0"

TARGET: Final = PAGE_2M
"""Host address of the 2 MiB that are mapped."""
SMALL_PAGES: Final = 0x1234_5660_0000
"""IOVA that maps them by 512 pages of 4 KiB."""
LARGE_PAGE: Final = SMALL_PAGES + (1 << 30)
"""IOVA that maps them by one page of 2 MiB."""

_RAM: Final = 16 << 20
_TABLES: Final = 8 << 20

NO_CACHE: Final = CacheSizes(0, 0, 0, 0, 0)
STRUCTURES_CACHED: Final = CacheSizes(iotlb=0)


class Bench:
    """A requester behind a unit with translation on, and one in front of nothing.

    Args:
        cache_sizes: Entries of the unit's caches; by default all that a unit has.
    """

    def __init__(self, cache_sizes: CacheSizes | None = None) -> None:
        self.platform = Platform(ram_size=_RAM)
        config = VtdConfig(cache_sizes=cache_sizes)
        self.unit = self.platform.add_unit(VtdUnit(config), scope=[REQUESTER])
        self.port = self.platform.requester(REQUESTER)
        self.direct_port = self.platform.requester(UNTRANSLATED_REQUESTER)
        caps = config.capabilities
        self._reference_caps = Caps(caps.version, caps.cap, caps.ecap, caps.haw)
        self._root = self._enable()

    def _enable(self) -> int:
        """Turn translation on; the address of the root table."""
        driver = Driver(self.platform, frames=FrameAllocator(_TABLES, _RAM - _TABLES))
        driver.enable()
        domain = driver.create_domain(levels=4)
        domain.map(SMALL_PAGES, TARGET, PAGE_2M, page_size=PAGE_4K)
        domain.map(LARGE_PAGE, TARGET, PAGE_2M, page_size=PAGE_2M)
        driver.attach(REQUESTER, domain)
        return driver.root.address

    def walk_by_reference(self, iova: int) -> int | None:
        """The host address of a read, by the simple walker that the tests compare with."""
        ask = Ask(self.port.source_id, iova)
        return walk(self.platform.read, None, self._reference_caps, self._root, ask).address
