"""nvme_lite behind a VT-d unit: a disk whose host turns translation on, off and over under it.

With translation on, the disk is told addresses above all of RAM, so that a request that is not
translated when it should be reaches nothing. `testbenches.demo` tells a longer story.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiRam

from hdl_bridge.axi import attach
from hdl_bridge.reset import ResetLine
from testbenches.master import Master, pause_all
from testbenches.memory_image import MemoryImage
from testbenches.nvme import BLOCK, PAGE, Layout, NvmeHost, Status
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.encodings.registers import GSTS
from vtd_plugin.software import Driver, FaultedRequest, FrameAllocator

if TYPE_CHECKING:
    from vtd_plugin.bus import InterruptMessage

DISK: Final = "00:04.0"
RAM_BYTES: Final = 1 << 20
TABLES: Final = 0xC_0000
TABLE_BYTES: Final = 0x4_0000
LAYOUT: Final = Layout(0x2_0000, 0x2_1000, 0x2_2000, 0x2_3000, 0x2_4000)
QUEUES: Final = (0x2_0000, 0x2_1000, 0x2_2000, 0x2_3000, 0x2_4000)
OUT: Final = 0x4_0200
IN: Final = 0x5_0400
BLOCKS: Final = 9
BYTES: Final = BLOCKS * BLOCK
ABOVE_RAM: Final = 0x8000_0000
MESSAGE: Final = 0xFEE0_0000


class Disk:
    """A platform with a unit and the disk, and software for both.

    Attributes:
        identity: Whether the disk is told addresses of memory.
    """

    def __init__(self, master: Master) -> None:
        dut = master.dut
        self.dut = dut
        self.rng = random.Random(random.getrandbits(32))
        self.platform = Platform(RAM_BYTES, load_entry_points=False)
        self.image = MemoryImage(self.platform, RAM_BYTES, self.rng)
        self.platform.add_unit(VtdUnit())
        self.interrupts: list[InterruptMessage] = []
        self.platform.add_interrupt_sink(self.interrupts.append)
        self.reset_line = self.platform.add_device(ResetLine("disk", dut.rst, dut.clk))
        self.ram = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=RAM_BYTES)
        self.port = self.platform.requester(DISK)
        attach(self.ram, self.port)
        pause_all(self.ram, self.rng, duty=0.2)
        self.identity = True
        self.host = NvmeHost(master, self.image, LAYOUT, self.iova)
        frames = FrameAllocator(TABLES, TABLE_BYTES)
        self.driver = Driver(self.image, frames=frames, wait=self._wait)
        assert self.driver.queue is not None
        self.image.let_unit_write(self.driver.queue.address + PAGE, 8, 0xFFFF_FFFF)
        for queue in (LAYOUT.admin_cq, LAYOUT.io_cq):
            self.image.let_unit_write(queue, 16 * LAYOUT.entries, (1 << 64) - 1)
        self.driver.prepare()
        self.domain = self.driver.create_domain()
        self.driver.attach(DISK, self.domain)

    @classmethod
    async def power_up(cls, dut: Any) -> Disk:
        disk = cls(await Master.power_up(dut))
        await disk.host.master.leave_reset()
        return disk

    def iova(self, address: int) -> int:
        return address if self.identity else ABOVE_RAM + address

    def map(self, base: int, pages: int) -> None:
        """Map pages of memory for the disk, at what it is told for them."""
        for page in range(base // PAGE * PAGE, base // PAGE * PAGE + pages * PAGE, PAGE):
            self.domain.map(self.iova(page), page, PAGE)

    def map_all(self) -> None:
        for page in QUEUES:
            self.map(page, 1)
        self.map(OUT, 3)
        self.map(IN, 3)

    async def software(self, action: Any) -> None:
        await bridge(action)()

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

    async def reset(self, kind: str, order: str, gap: int) -> None:
        halves = [self.platform.reset_masters, self.platform.reset_units]
        if order == "units-first":
            halves.reverse()
        halves[0](kind)
        await ClockCycles(self.dut.clk, gap)
        halves[1](kind)
        await self.reset_line.released()
        await ClockCycles(self.dut.clk, 2)

    def _wait(self) -> None:
        resume(self._tick)()

    async def _tick(self) -> None:
        await ClockCycles(self.dut.clk, 1)


async def remapped(dut: Any) -> Disk:
    """A disk in use with translation on, all its pages above RAM."""
    disk = await Disk.power_up(dut)
    disk.identity = False
    disk.map_all()
    await disk.software(disk.driver.enable)
    await disk.begin()
    return disk


@cocotb.test
async def every_byte_goes_to_the_disk_and_back_through_the_unit(dut: Any) -> None:
    disk = await remapped(dut)
    await disk.there_and_back()
    assert {each.vector for each in disk.interrupts} == {0x40, 0x41}
    assert not disk.driver.handle_faults()


@cocotb.test
async def translation_is_turned_on_and_off_under_a_transfer(dut: Any) -> None:
    disk = await Disk.power_up(dut)
    disk.map_all()
    await disk.begin()
    await disk.there_and_back()
    for change in (disk.driver.enable, disk.driver.disable):
        await disk.host.begin_transfer(2, 8, BLOCKS, disk.host.prps(IN, BYTES))
        await ClockCycles(dut.clk, disk.rng.randrange(100, 900))
        await disk.software(change)
        done = await disk.host.wait_completion(disk.host.io)
        assert done.status is Status.SUCCESS
        disk.expect_read()
        disk.image.check()
        await disk.there_and_back()


@cocotb.test
async def a_page_that_is_not_mapped_ends_in_a_transfer_error(dut: Any) -> None:
    disk = await remapped(dut)
    await disk.there_and_back()
    await disk.software(lambda: disk.domain.unmap(disk.iova(IN // PAGE * PAGE), 3 * PAGE))
    done = await disk.host.read_disk(8, BLOCKS, IN)
    assert done.status is Status.DATA_TRANSFER_ERROR
    report, *_ = disk.driver.handle_faults()
    assert report.request is FaultedRequest.WRITE
    assert report.source_id == disk.port.source_id
    assert report.address == disk.iova(IN) // PAGE * PAGE
    disk.image.check()
    disk.map(IN, 3)
    await disk.there_and_back(lba=32)


@cocotb.test
async def pages_are_taken_away_under_a_transfer(dut: Any) -> None:
    disk = await remapped(dut)
    await disk.there_and_back()
    await disk.host.begin_transfer(1, 40, BLOCKS, disk.host.prps(OUT, BYTES))
    await ClockCycles(dut.clk, disk.rng.randrange(100, 900))
    await disk.software(lambda: disk.domain.unmap(disk.iova(OUT // PAGE * PAGE), 3 * PAGE))
    done = await disk.host.wait_completion(disk.host.io)
    blocked = disk.driver.handle_faults()
    assert done.status is (Status.DATA_TRANSFER_ERROR if blocked else Status.SUCCESS)
    disk.image.check()
    disk.map(OUT, 3)
    await disk.there_and_back()


@cocotb.test
@cocotb.parametrize(kind=["warm", "cold"], order=["masters-first", "units-first"])
async def a_reset_in_the_middle_of_a_transfer(dut: Any, kind: str, order: str) -> None:
    disk = await remapped(dut)
    await disk.there_and_back()
    # Out of memory: whatever the disk had already read, no byte of memory may have changed.
    await disk.host.begin_transfer(1, 40, BLOCKS, disk.host.prps(OUT, BYTES))
    await ClockCycles(dut.clk, disk.rng.randrange(60, 700))
    await disk.reset(kind, order, disk.rng.randrange(40))
    assert not disk.port.in_flight
    disk.image.check()
    assert disk.driver.registers.read(GSTS).value == 0
    disk.identity = True
    await disk.begin()
    await disk.there_and_back()
    disk.identity = False
    await disk.host.disable()
    await disk.software(disk.driver.recover_after_reset)
    await disk.begin()
    await disk.there_and_back()
    assert not disk.driver.handle_faults()
