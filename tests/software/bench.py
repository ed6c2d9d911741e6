"""A real unit on a platform with a driver: what most tests of this folder start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from vtd_plugin import RequesterPort

DEVICE: Final = "00:04.0"
OTHER_DEVICE: Final = "00:1f.2"
TABLES: Final = 0x10_0000
TABLE_BYTES: Final = 0x40_0000
DATA: Final = 0x200_0000
"""Memory that no table lies in."""
IOVA: Final = 0x8000_0000

SCALABLE: Final[dict[str, Any]] = {
    "SMTS": 1,
    "FSTS": 1,
    "SSTS": 1,
    "NEST": 1,
    "PASID": 1,
    "PSS": 19,
    "SMPWCS": 1,
    "SRS": 1,
    "RPS": 1,
    "FS1GP": 1,
    "FS5LP": 1,
}


@dataclass(frozen=True, slots=True)
class Bench:
    """A unit, its driver, a device, and where the driver takes memory from."""

    platform: Platform
    unit: VtdUnit
    driver: Driver
    frames: FrameAllocator

    @property
    def port(self) -> RequesterPort:
        return self.platform.requester(DEVICE)

    def fault_names(self) -> list[str]:
        """What faults the driver has found since the last time."""
        return [report.name for report in self.driver.handle_faults()]


def make_bench(*, use_queue: bool | None = None, version: int = 0x50, **fields: Any) -> Bench:
    """A platform with one unit of these capabilities, and a driver that has not enabled it."""
    platform = Platform(ram_size=64 << 20)
    unit = platform.add_unit(VtdUnit(VtdConfig(version=version, **fields)))
    frames = FrameAllocator(TABLES, TABLE_BYTES)
    driver = Driver(platform, frames=frames, use_queue=use_queue, host_address_width=48)
    return Bench(platform, unit, driver, frames)
