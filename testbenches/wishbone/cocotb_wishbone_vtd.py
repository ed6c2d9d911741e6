"""A Wishbone master in RTL behind a VT-d unit: mapped words, an unmap that waits, resets."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.task import bridge
from cocotb.triggers import ClockCycles, RisingEdge

from hdl_bridge.reset import ResetLine
from hdl_bridge.waiting import until
from hdl_bridge.wishbone import WishboneMemory
from testbenches.cells import ORDERS
from testbenches.wishbone.master import Master, bus_of, start
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.cosim import record
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from vtd_plugin.software import Domain

SOURCE_ID: Final = "00:04.0"
IOVA: Final = 0x1000_0000
HOST: Final = 0x20_0000
PAGE: Final = 0x1000
PAGES: Final = 4
WORDS: Final = 40


class World:
    """The master, and software that has mapped some pages for it.

    Attributes:
        platform: Memory and the unit's registers.
        memory: What the master sees.
        master: Its commands.
        line: Its reset.
        domain: Its mappings.
    """

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.platform = Platform(4 << 20, load_entry_points=False)
        unit = self.platform.add_unit(VtdUnit())
        record(self.platform, {unit: dut.unit, SOURCE_ID: dut.probe})
        self.memory = WishboneMemory(bus_of(dut), dut.clk, dut.rst, self.platform, SOURCE_ID)
        self.line = self.platform.add_device(ResetLine("master", dut.rst, dut.clk))
        self.master = Master(dut)
        self.every = (1 << self.master.size) - 1
        self.domain: Domain
        self.driver: Driver

    @classmethod
    async def power_up(cls, dut: Any) -> World:
        """Take the master out of reset, and turn translation on."""
        await start(dut)
        world = cls(dut)
        await world.bring_up()
        return world

    async def bring_up(self) -> None:
        """What software does after each reset."""
        frames = FrameAllocator(0x10_0000, 0x10_0000)
        self.driver = Driver(self.platform, frames=frames, wait=until(RisingEdge(self._dut.clk)))
        await bridge(self.driver.enable)()
        self.domain = self.driver.create_domain()
        self.domain.map(IOVA, HOST, PAGES * PAGE)
        self.driver.attach(SOURCE_ID, self.domain)

    async def write(self, address: int, data: bytes) -> bool:
        """Have the master write a bus word; whether all was well."""
        _, is_well = await self.master.access(address, self.every, data)
        return is_well

    async def read(self, address: int) -> tuple[bytes, bool]:
        """Have it read one."""
        return await self.master.access(address, self.every)


@cocotb.test
async def words_go_where_they_are_mapped(dut: Any) -> None:
    """And nowhere else: of all memory around them nothing changes."""
    world = await World.power_up(dut)
    size = world.master.size
    content = bytearray(random.randbytes(PAGES * PAGE))
    world.platform.write(HOST, content)
    for _ in range(WORDS):
        offset = random.randrange(0, PAGES * PAGE, size)
        if random.random() < 0.5:
            content[offset : offset + size] = data = random.randbytes(size)
            assert await world.write(IOVA + offset, data)
        else:
            expected = bytes(content[offset : offset + size])
            assert await world.read(IOVA + offset) == (expected, True)
    assert not await world.write(IOVA + PAGES * PAGE, bytes(size))
    assert world.platform.read(HOST, PAGES * PAGE) == content
    (report,) = world.driver.handle_faults()
    assert report.address == IOVA + PAGES * PAGE


@cocotb.test
async def an_unmap_waits_for_an_access_that_is_held_up(dut: Any) -> None:
    """The access goes where it had begun, and those after it nowhere."""
    world = await World.power_up(dut)
    word = random.randbytes(world.master.size)
    world.memory.response_channel.pause = True
    outcome = await world.master.request(IOVA, world.every, word)
    await ClockCycles(dut.clk, 4)
    unmap = cocotb.start_soon(bridge(world.domain.unmap)(IOVA, PAGE))
    await ClockCycles(dut.clk, 20)
    assert not unmap.done()
    world.memory.response_channel.pause = False
    assert (await outcome.wait())[1]
    await unmap
    assert world.platform.read(HOST, len(word)) == word
    assert not await world.write(IOVA, bytes(len(word)))
    assert world.platform.read(HOST, len(word)) == word


@cocotb.test
@cocotb.parametrize(order=ORDERS)
async def a_reset_gives_the_master_memory_as_it_is(dut: Any, order: str) -> None:
    """Until software has turned translation on again."""
    world = await World.power_up(dut)
    word = random.randbytes(world.master.size)
    assert not await world.write(HOST, word)
    world.platform.reset("warm", order)
    await world.line.released()
    assert await world.write(HOST, word)
    await world.bring_up()
    assert await world.read(IOVA) == (word, True)
    assert not (await world.read(HOST))[1]
