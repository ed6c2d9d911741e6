"""A native AXI4 memory before a unit with translation on, and a master in Python on its wires."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBus

from hdl_bridge.axi import AxiUser
from hdl_bridge.bursts import Burst
from hdl_bridge.native import NativeMemory
from tests.hdl_bridge.raw_master import RawMaster
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from vtd_plugin.software import Domain

SOURCE_ID: Final = "00:04.0"
RAM: Final = 4 << 20
TABLES: Final = 0x20_0000
IOVA: Final = 0x4000_0000
HOST: Final = 0x10_0000
PAGES: Final = 16


class Bench:
    """A unit with translation on, and a raw master on the wires of the memory."""

    def __init__(self, dut: Any, **fields: Any) -> None:
        self.dut = dut
        self.rng = random.Random(random.getrandbits(32))
        self.platform = Platform(RAM, load_entry_points=False)
        self.unit = self.platform.add_unit(VtdUnit(VtdConfig(**fields)))
        self.driver = Driver(self.platform, frames=FrameAllocator(TABLES, 0x10_0000))
        self.port = self.platform.requester(SOURCE_ID)
        self.master = RawMaster(AxiBus.from_prefix(dut, "axi"), dut)
        self.memory = NativeMemory(dut.memory, self.port, user=AxiUser())
        self.domain: Domain | None = None

    def enable(self) -> Domain:
        """Translation on, sixteen pages mapped."""
        self.driver.enable()
        self.domain = self.driver.create_domain()
        self.domain.map(IOVA, HOST, PAGES * 0x1000)
        self.driver.attach(SOURCE_ID, self.domain)
        return self.domain

    async def write(self, address: int, data: bytes) -> int:
        """Write aligned data in one burst of whole words; its BRESP."""
        width = self.master.bus_bytes
        burst = Burst(address, len(data) // width, width)
        words = [
            int.from_bytes(data[place : place + width], "little")
            for place in range(0, len(data), width)
        ]
        response = await self.master.write(burst, words, self.master.all_strobes(burst))
        await RisingEdge(self.dut.clk)  # at which the memory, too, sees that the burst is over
        return response

    async def read(self, address: int, size: int) -> tuple[bytes, set[int]]:
        """Read aligned data in one burst of whole words; it and the RRESPs there were."""
        width = self.master.bus_bytes
        words, responses = await self.master.read(Burst(address, size // width, width))
        await RisingEdge(self.dut.clk)
        return b"".join(word.to_bytes(width, "little") for word in words), set(responses)


async def start(dut: Any, **fields: Any) -> Bench:
    dut.rst.value = 1
    dut.stall.value = 0
    for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
        getattr(dut, f"axi_{name}").value = 0
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 3)
    bench = Bench(dut, **fields)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)
    return bench


async def stall_at_random(dut: Any, rng: random.Random) -> None:
    while True:
        await RisingEdge(dut.clk)
        dut.stall.value = rng.getrandbits(5) & rng.getrandbits(5)
