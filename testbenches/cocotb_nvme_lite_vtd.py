"""nvme_lite behind a VT-d unit: a disk whose host turns translation on, off and over under it.

With translation on, the disk is told addresses above all of RAM, so that a request that is not
translated when it should be reaches nothing. `testbenches.demo` tells a longer story.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.task import bridge

from testbenches.bench import Bench
from testbenches.journal import View
from testbenches.master import Master, pause_all
from testbenches.nvme import BLOCK, PAGE, Layout, NvmeHost, Status
from vtd_plugin.encodings.registers import GSTS, IQT
from vtd_plugin.software import FaultedRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DISK: Final = "00:04.0"
RAM_BYTES: Final = 1 << 20
TABLES: Final = 0xC_0000
LAYOUT: Final = Layout(0x2_0000, 0x2_1000, 0x2_2000, 0x2_3000, 0x2_4000)
QUEUES: Final = (0x2_0000, 0x2_1000, 0x2_2000, 0x2_3000, 0x2_4000)
OUT: Final = 0x4_0200
IN: Final = 0x5_0400
BLOCKS: Final = 9
BYTES: Final = BLOCKS * BLOCK
ABOVE_RAM: Final = 0x8000_0000
MESSAGE: Final = 0xFEE0_0000
DIRECT: Final = View("direct", {page: page for page in (*range(0, RAM_BYTES, PAGE), MESSAGE)})
"""RAM as it is, and interrupts; above RAM there is nothing."""


class Disk(Bench):
    """A platform with a unit and the disk, and software for both.

    Attributes:
        identity: Whether the disk is told addresses of memory.
    """

    def __init__(self, master: Master) -> None:
        super().__init__(master, DISK, RAM_BYTES, direct=DIRECT)
        pause_all(self.memory, self.rng, duty=0.2)
        self.identity = True
        self.host = NvmeHost(master, self.image, LAYOUT, self.iova)
        self.driver = self.driver_at(TABLES)
        for queue in (LAYOUT.admin_cq, LAYOUT.io_cq):
            self.image.let_unit_write(queue, 16 * LAYOUT.entries, (1 << 64) - 1)
        self.driver.prepare()
        self.domain = self.driver.create_domain()
        self.driver.attach(DISK, self.domain)
        self._mapped = {MESSAGE: MESSAGE}

    @classmethod
    async def power_up(cls, dut: Any) -> Disk:
        disk = cls(await Master.power_up(dut))
        await disk.master.leave_reset()
        return disk

    @property
    def mapped(self) -> View:
        """Where addresses lead while the disk is remapped."""
        return View("mapped", dict(self._mapped))

    def iova(self, address: int) -> int:
        return address if self.identity else ABOVE_RAM + address

    def map(self, base: int, pages: int) -> None:
        """Map pages of memory for the disk, at what it is told for them."""
        for page in _pages(base, pages):
            self.domain.map(self.iova(page), page, PAGE)
            self._mapped[self.iova(page)] = page

    def map_all(self) -> None:
        for page in QUEUES:
            self.map(page, 1)
        self.map(OUT, 3)
        self.map(IN, 3)

    async def unmap(self, base: int, pages: int) -> None:
        """Take pages away; from the command that says so on, no burst reaches them."""
        first, *_ = gone = [self.iova(page) for page in _pages(base, pages)]
        for iova in gone:
            del self._mapped[iova]
        tail = self.driver.registers.address(IQT)
        self.journal.switch_when(tail.__eq__, self.mapped)
        await self.change(lambda: self.domain.unmap(first, pages * PAGE), gone)

    async def change(self, action: Callable[[], object], pages: Sequence[int] = ()) -> None:
        """Have software change where pages lead, or all; when it is done, no old burst is left."""
        in_flight = self.in_flight
        old = [burst for burst in in_flight if not pages or burst.iova // PAGE * PAGE in pages]
        await bridge(action)()
        assert all(burst.ended for burst in old), old

    async def begin(self) -> None:
        """Set the controller up, its interrupts as messages."""
        await self.host.use_messages(MESSAGE, 0x40)
        await self.host.start()

    async def there_and_back(self, lba: int = 8) -> None:
        """Write blocks to the disk, read them back elsewhere, and check all of memory."""
        done = await self.host.write_disk(lba, BLOCKS, OUT)
        assert done.status is Status.SUCCESS
        done = await self.host.read_disk(lba, BLOCKS, IN)
        assert done.status is Status.SUCCESS
        self.expect_read()
        self.image.check()

    def expect_read(self) -> None:
        self.image.expect(IN, bytes(self.image.expected[OUT : OUT + BYTES]))


def _pages(base: int, pages: int) -> range:
    first = base // PAGE * PAGE
    return range(first, first + pages * PAGE, PAGE)


async def remapped(dut: Any) -> Disk:
    """A disk in use with translation on, all its pages above RAM."""
    disk = await Disk.power_up(dut)
    disk.identity = False
    disk.map_all()
    await bridge(disk.driver.enable)()
    disk.journal.view = disk.mapped
    await disk.begin()
    return disk


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def every_byte_goes_to_the_disk_and_back_through_the_unit(dut: Any) -> None:
    disk = await remapped(dut)
    await disk.there_and_back()
    assert {each.vector for each in disk.interrupts} == {0x40, 0x41}
    assert not disk.driver.handle_faults()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def translation_is_turned_on_and_off_under_a_transfer(dut: Any) -> None:
    disk = await Disk.power_up(dut)
    disk.map_all()  # to where they are: what the disk is told leads there either way
    await disk.begin()
    await disk.there_and_back()
    for change in (disk.driver.enable, disk.driver.disable):
        await disk.host.begin_transfer(2, 8, BLOCKS, disk.host.prps(IN, BYTES))
        await disk.ticks(disk.rng.randrange(100, 900))
        await disk.change(change)
        done = await disk.host.wait_completion(disk.host.io)
        assert done.status is Status.SUCCESS
        disk.expect_read()
        disk.image.check()
        await disk.there_and_back()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_page_that_is_not_mapped_ends_in_a_transfer_error(dut: Any) -> None:
    disk = await remapped(dut)
    await disk.there_and_back()
    await disk.unmap(IN, 3)
    done = await disk.host.read_disk(8, BLOCKS, IN)
    assert done.status is Status.DATA_TRANSFER_ERROR
    report, *_ = disk.driver.handle_faults()
    assert report.request is FaultedRequest.WRITE
    assert report.source_id == disk.port.source_id
    assert report.address == disk.iova(IN) // PAGE * PAGE
    disk.image.check()
    disk.map(IN, 3)
    disk.journal.view = disk.mapped
    await disk.there_and_back(lba=32)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def pages_are_taken_away_under_a_transfer(dut: Any) -> None:
    disk = await remapped(dut)
    await disk.there_and_back()
    await disk.host.begin_transfer(1, 40, BLOCKS, disk.host.prps(OUT, BYTES))
    await disk.ticks(disk.rng.randrange(100, 900))
    await disk.unmap(OUT, 3)
    done = await disk.host.wait_completion(disk.host.io)
    blocked = disk.driver.handle_faults()
    assert done.status is (Status.DATA_TRANSFER_ERROR if blocked else Status.SUCCESS)
    disk.image.check()
    disk.map(OUT, 3)
    disk.journal.view = disk.mapped
    await disk.there_and_back()


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(kind=["warm", "cold"], order=["masters-first", "units-first"])
async def a_reset_in_the_middle_of_a_transfer(dut: Any, kind: str, order: str) -> None:
    disk = await remapped(dut)
    await disk.there_and_back()
    # Out of memory: whatever the disk had already read, no byte of memory may have changed.
    await disk.host.begin_transfer(1, 40, BLOCKS, disk.host.prps(OUT, BYTES))
    await disk.ticks(disk.rng.randrange(60, 700))
    await disk.reset(kind, order, disk.rng.randrange(40))
    assert not disk.in_flight
    disk.image.check()
    assert disk.driver.registers.read(GSTS).value == 0
    disk.identity = True
    await disk.begin()
    await disk.there_and_back()
    disk.identity = False
    await disk.host.disable()
    await bridge(disk.driver.recover_after_reset)()
    disk.journal.view = disk.mapped
    await disk.begin()
    await disk.there_and_back()
    assert not disk.driver.handle_faults()
