"""Our own AXI memory with a master in RTL that keeps several bursts under way: sg_dma."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBus

from hdl_bridge.axi import AxiMemory, Latency
from testbenches.axi_checker import AxiChecker
from testbenches.master import Master, pause_all
from testbenches.sg import Copy, SgHost, Status
from tests.hdl_bridge.axi_bench import CachingUnit
from vtd_plugin.bus import Mapping, Platform

SOURCE_ID = "00:05.0"
IOVA = 0x4000_0000
PAGE = 0x1000
PAGES = 32
DESCRIPTORS, SOURCE, DESTINATION = 0, 4 * PAGE, 16 * PAGE
"""Offsets from IOVA."""


class Bench:
    """The engine behind a unit that scatters its pages over memory."""

    def __init__(self, master: Master) -> None:
        dut = master.dut
        self.rng = random.Random(random.getrandbits(32))
        self.platform = Platform(PAGES * PAGE, load_entry_points=False)
        self.unit = self.platform.add_unit(CachingUnit())
        self.hosts = [page * PAGE for page in self.rng.sample(range(PAGES), PAGES)]
        for number, host in enumerate(self.hosts):
            self.unit.tables.add(Mapping(IOVA + number * PAGE, host, PAGE))
        self.unit.refresh()
        self.port = self.platform.requester(SOURCE_ID)
        latency = Latency(*(self.rng.choice((0, 0, 1, 9, 40)) for _ in range(2)))
        self.memory = AxiMemory(
            AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, self.port, latency=latency
        )
        self.host = SgHost(master, self)
        self.checker = AxiChecker(dut)
        for names in (("b", "id", "resp"), ("r", "id", "data", "resp", "last")):
            cocotb.start_soon(require_stable(dut, *names))

    def read(self, offset: int, size: int) -> bytes:
        """What the engine sees from an offset on."""
        content = b"".join(self.platform.read(host, PAGE) for host in self.hosts)
        return content[offset : offset + size]

    def write(self, offset: int, data: bytes) -> None:
        """Write where the engine sees an offset; not across pages."""
        self.platform.write(self.hosts[offset // PAGE] + offset % PAGE, data)

    def write_chain(self, copies: list[Copy]) -> None:
        places = [DESCRIPTORS + 32 * number for number in range(len(copies))]
        self.host.write_chain(copies, places)
        for place in places[:-1]:
            self.write(place + 16, (IOVA + place + 32).to_bytes(8, "little"))

    def random_chain(self, count: int) -> list[Copy]:
        place, copies = DESTINATION, []
        for _ in range(count):
            length = self.rng.choice((1, 3, 64, 65, 1000, 4096, 5001))
            source = SOURCE + self.rng.randrange(0, 10 * PAGE, 16)
            copies.append(Copy(IOVA + source, IOVA + place, length))
            place = (place + length + 31) & -16
        return copies


async def require_stable(dut: Any, channel: str, *names: str) -> None:
    """What a subordinate shows must stay until it is accepted."""
    valid, ready = (getattr(dut, f"m_axi_{channel}{name}") for name in ("valid", "ready"))
    payload = [getattr(dut, f"m_axi_{channel}{name}") for name in names]
    shown: list[Any] | None = None
    while True:
        await RisingEdge(dut.clk)
        values = [signal.value for signal in payload] if int(valid.value) else None
        if shown is not None and not int(dut.rst.value):
            assert values == shown, f"{channel} changed from {shown} to {values}"
        shown = None if int(ready.value) else values


async def power_up(dut: Any) -> Bench:
    master = await Master.power_up(dut)
    bench = Bench(master)
    for number in range(SOURCE, DESTINATION, PAGE):
        bench.write(number, bench.rng.randbytes(PAGE))
    await master.leave_reset()
    return bench


async def copy_some(bench: Bench) -> None:
    copies = bench.random_chain(6)
    bench.write_chain(copies)
    expected = bytearray(bench.read(0, PAGES * PAGE))
    for copy in copies:
        source, destination = copy.source - IOVA, copy.destination - IOVA
        expected[destination : destination + copy.length] = expected[source : source + copy.length]
    await bench.host.start(IOVA + DESCRIPTORS)
    assert Status.DONE in await bench.host.wait_idle()
    assert bench.read(0, PAGES * PAGE) == expected
    bench.checker.require_clean()


@cocotb.test
async def copies_every_byte_under_random_back_pressure(dut: Any) -> None:
    bench = await power_up(dut)
    pause_all(bench.memory, bench.rng)
    await copy_some(bench)
    assert bench.port.in_flight == ()


@cocotb.test
async def a_blocked_page_stops_the_engine_and_is_not_touched(dut: Any) -> None:
    bench = await power_up(dut)
    blocked = DESTINATION + PAGE
    bench.unit.block(IOVA + blocked)
    bench.write_chain([Copy(IOVA + SOURCE, IOVA + DESTINATION, 2 * PAGE)])
    await bench.host.start(IOVA + DESCRIPTORS)
    assert Status.ERROR in await bench.host.wait_idle()
    assert await bench.host.error_address() & -PAGE == IOVA + blocked
    assert bench.read(blocked, PAGE) == bytes(PAGE)
    assert bench.port.in_flight == ()


@cocotb.test
async def a_reset_at_any_cycle_leaves_nothing_behind(dut: Any) -> None:
    bench = await power_up(dut)
    for _ in range(6):
        bench.write_chain([Copy(IOVA + SOURCE, IOVA + DESTINATION, 2 * PAGE)])
        await bench.host.start(IOVA + DESCRIPTORS)
        await ClockCycles(dut.clk, bench.rng.randrange(1, 400))
        await bench.host.master.pulse_reset()
        assert bench.port.in_flight == ()
    await copy_some(bench)
