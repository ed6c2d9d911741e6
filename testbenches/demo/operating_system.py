"""An operating system that gives the disk only the memory it needs, while it needs it.

It builds tables, turns translation on with `vtd_plugin.software`, and maps every buffer for the one
transfer that uses it. Pages lie anywhere among the disk's addresses, all of them above memory, so
that an address that is not translated shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cocotb.triggers import ClockCycles

from testbenches.demo.ledger import Failed
from testbenches.demo.machine import DISK
from testbenches.nvme import BLOCK, PAGE, Layout, NvmeHost, Status
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from testbenches.demo.machine import Machine
    from testbenches.nvme import Completion
    from vtd_plugin.software import Pending

LAYOUT: Final = Layout(0x20_0000, 0x20_1000, 0x20_2000, 0x20_3000, 0x20_4000)
BUFFER: Final = 0x30_0E00
TABLES: Final = 0x100_0000
TABLE_BYTES: Final = 0x40_0000
FIRST_IOVA_PAGE: Final = 0x8_0000
IOVA_PAGES: Final = 0x8_0000


class OperatingSystem:
    """One life of an operating system, from its start to the next reset.

    Args:
        machine: The machine it runs on.
        rng: Where pages lie among the disk's addresses.
    """

    def __init__(self, machine: Machine, rng: random.Random) -> None:
        self._machine = machine
        self._memory = machine.platform
        self._rng = rng
        self._iova_pages: dict[int, int] = {}
        self._disk = NvmeHost(machine.controller, machine.platform, LAYOUT, self._iova)
        self._driver = Driver(machine.platform, frames=FrameAllocator(TABLES, TABLE_BYTES))
        self._driver.prepare()
        self._domain = self._driver.create_domain()

    async def start(self) -> None:
        """Turn translation on, and set the disk's controller up."""
        # The controller may be as firmware left it; off, it asks for nothing while tables change.
        await self._disk.disable()
        for page in (LAYOUT.admin_sq, LAYOUT.admin_cq, LAYOUT.io_sq, LAYOUT.io_cq):
            self._map(page)
        self._map(LAYOUT.prp_lists)
        self._driver.attach(DISK, self._domain)
        self._driver.enable()
        await self._disk.start()

    async def write(self, lba: int, data: bytes) -> None:
        """Write to the disk.

        Raises:
            Failed: The disk reports an error.
        """
        self._memory.write(BUFFER, data)
        pages = self._map_buffer(len(data))
        _require_success(await self._disk.write_disk(lba, len(data) // BLOCK, BUFFER))
        await self._unmap(pages)

    async def read(self, lba: int, size: int) -> bytes:
        """Read from the disk.

        Raises:
            Failed: The disk reports an error.
        """
        self._memory.write(BUFFER, bytes(size))
        pages = self._map_buffer(size)
        _require_success(await self._disk.read_disk(lba, size // BLOCK, BUFFER))
        await self._unmap(pages)
        return self._memory.read(BUFFER, size)

    async def begin_read(self, lba: int, size: int) -> None:
        """Begin a read and do not wait for it."""
        self._map_buffer(size)
        blocks = size // BLOCK
        await self._disk.begin_transfer(2, lba, blocks, self._disk.prps(BUFFER, size))

    def _iova(self, address: int) -> int:
        """What the disk is told for an address in memory."""
        return self._iova_pages[address // PAGE] * PAGE + address % PAGE

    def _map_buffer(self, size: int) -> list[int]:
        pages = list(_pages(BUFFER, size))
        for page in pages:
            self._map(page)
        return pages

    def _map(self, address: int) -> None:
        number = FIRST_IOVA_PAGE + self._rng.randrange(IOVA_PAGES)
        while number in self._iova_pages.values():
            number += 1
        self._iova_pages[address // PAGE] = number
        self._domain.map(number * PAGE, address, PAGE)

    async def _unmap(self, pages: list[int]) -> None:
        for page in pages:
            iova = self._iova_pages.pop(page // PAGE) * PAGE
            await self._finish(self._domain.start_unmap(iova, PAGE))

    async def _finish(self, pending: Pending) -> None:
        """Poll until the unit is done: it waits for transfers in flight."""
        await ClockCycles(self._machine.dut.clk, 1)
        while not pending.done:
            await ClockCycles(self._machine.dut.clk, 1)
        pending.finish()


def _pages(address: int, size: int) -> Iterator[int]:
    yield from range(address // PAGE * PAGE, address + size, PAGE)


def _require_success(done: Completion) -> None:
    if done.status is not Status.SUCCESS:
        raise Failed(f"the disk answered {done.status.name}")
