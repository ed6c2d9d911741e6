"""A platform with a fake unit behind AXI wires, and a raw master on them."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiLiteBus, AxiRam, AxiSlave

from hdl_bridge.axi import AxiMemory, BurstPort, attach
from hdl_bridge.bursts import Burst, BurstType
from tests.hdl_bridge.raw_master import RawMaster
from vtd_plugin.bus import Mapping, Platform, Translation
from vtd_plugin.bus.testing import FakeUnit

if TYPE_CHECKING:
    from vtd_plugin.bus import Attributes, Resolution

SUBORDINATE = "TEST_AXI_SUBORDINATE"
"""Environment variable: the class of what is on the wires of a bench."""

SOURCE_ID = "00:04.0"
IOVA = 0x1000_0000
HOST = 0x10_0000
MAPPED = 0x4000


def subordinate(bus: Any, dut: Any, *requester: Any, **options: Any) -> tuple[Any, BurstPort]:
    """What is to be tested, behind a bus; and the port behind that."""
    name = os.environ[SUBORDINATE]
    if name == "AxiMemory":
        memory = AxiMemory(bus, dut.clk, dut.rst, *requester, **options)
        return memory, memory
    slave = (
        AxiSlave(bus, dut.clk, dut.rst)
        if name == "AxiSlave"
        else AxiRam(bus, dut.clk, dut.rst, size=1 << 32)
    )
    return slave, attach(slave, *requester, **options)


class CachingUnit(FakeUnit):
    """A fake unit that answers with the same translation again, until it is told to forget."""

    def __init__(self) -> None:
        super().__init__()
        self.cache: dict[int, Translation] = {}

    def resolve(
        self, source_id: int, address: int, size: int, attributes: Attributes
    ) -> Resolution:
        answer = super().resolve(source_id, address, size, attributes)
        if isinstance(answer, Translation):
            return self.cache.setdefault(address >> 12, answer)
        return answer


def lacking(bus: AxiBus, *names: str) -> AxiBus:
    """That bus as it is found where a design has no such signals."""
    for channel in (bus.write.aw, bus.write.w, bus.write.b, bus.read.ar, bus.read.r):
        for name in names:
            if name in channel._signals:
                if name in channel._optional_signals:
                    del channel._signals[name]
                    delattr(channel, name)
                else:
                    channel._signals[name] = None
                    setattr(channel, name, None)
    return bus


async def start_lite(dut: Any) -> AxiLiteBus:
    """The AXI4-Lite wires with their clock, nobody on them yet."""
    dut.rst.value = 0
    for name in ("aw", "w", "b", "ar", "r"):
        getattr(dut, f"axil_{name}valid").value = 0
        getattr(dut, f"axil_{name}ready").value = 0
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 2)
    return AxiLiteBus.from_prefix(dut, "axil")


class Bench:
    def __init__(self, dut: Any, unit: FakeUnit | None = None, **options: Any) -> None:
        self.dut = dut
        self.platform = Platform(4 << 20, load_entry_points=False)
        self.unit = self.platform.add_unit(unit or FakeUnit())
        self.unit.tables.add(Mapping(IOVA, HOST, MAPPED))
        self.port = self.platform.requester(SOURCE_ID)
        bus = AxiBus.from_prefix(dut, "axi")
        self.slave, self.bridge = subordinate(bus, dut, self.port, **options)
        self.master = RawMaster(bus, dut)
        self.rng = random.Random(random.getrandbits(32))

    def content(self, iova: int, size: int) -> bytes:
        return self.platform.read(iova - IOVA + HOST, size)

    async def write(self, iova: int, data: bytes, beat: int = 4) -> int:
        """Write aligned data in one burst of beats as wide as 32 bits; its BRESP."""
        burst = Burst(iova, len(data) // beat, beat)
        words = []
        for number, (first, _) in enumerate(burst.spans()):
            piece = data[number * beat : (number + 1) * beat]
            words.append(int.from_bytes(piece, "little") << 8 * (first % self.master.bus_bytes))
        return await self.master.write(burst, words, self.master.all_strobes(burst))

    async def read(self, iova: int, size: int) -> tuple[bytes, set[int]]:
        """Read aligned data in one burst of 32-bit beats; it and the RRESPs there were."""
        burst = Burst(iova, size // 4, 4)
        words, responses = await self.master.read(burst)
        data = b""
        for word, (first, _) in zip(words, burst.spans(), strict=True):
            lanes = word >> 8 * (first % self.master.bus_bytes)
            data += (lanes & 0xFFFF_FFFF).to_bytes(4, "little")
        return data, set(responses)


async def start(dut: Any) -> None:
    dut.rst.value = 0
    for prefix in ("axi", "stock"):
        for name in ("awready", "wready", "bvalid", "arready", "rvalid"):
            getattr(dut, f"{prefix}_{name}").value = 0
        for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
            getattr(dut, f"{prefix}_{name}").value = 0
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 2)


def random_burst(rng: random.Random, bus_bytes: int) -> Burst:
    """Any burst that AXI allows inside the first pages of memory."""
    beat = 1 << rng.randrange(bus_bytes.bit_length())
    kind = rng.choice(list(BurstType))
    if kind is BurstType.WRAP:
        address = rng.randrange(0, 0x3000, beat)
        return Burst(address, rng.choice((2, 4, 8, 16)), beat, kind)
    address = rng.randrange(0x3000)
    if kind is BurstType.FIXED:
        return Burst(address, rng.randint(1, 16), beat, kind)
    room = (4096 - (address & -beat) % 4096) // beat
    return Burst(address, rng.randint(1, min(room, 24)), beat, kind)
