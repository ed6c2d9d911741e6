"""The turns of `benchmarks.cosim`: cocotb tests that each time one copy of sg_dma.

They differ in what answers the engine's AXI port, and in nothing else. A turn leaves its wall-clock
nanoseconds in a file that the program names.
"""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiBus, AxiRam

from hdl_bridge.axi import AxiMemory, attach
from hdl_bridge.native import NativeMemory
from testbenches.master import Master
from testbenches.sg import Copy, Flags, SgHost
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from testbenches.nvme import HostMemory

LENGTH: Final = "VTD_BENCH_BYTES"
"""Environment variable: bytes to copy."""
RESULT: Final = "VTD_BENCH_RESULT"
"""Environment variable: the file for the time it took."""

_REQUESTER: Final = "00:05.0"
_MEMORY: Final = 4 << 20
_CHAIN: Final = 0x1000
_SOURCE: Final = 1 << 20
_DESTINATION: Final = 2 << 20
_TABLES: Final = 3 << 20


def _ram(dut: Any) -> AxiRam:
    return AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=_MEMORY)


def _platform(*, translating: bool) -> Platform:
    """A platform whose requester sees memory as it is, or the same through page tables."""
    platform = Platform(ram_size=_MEMORY)
    if translating:
        platform.add_unit(VtdUnit())
        driver = Driver(platform, frames=FrameAllocator(_TABLES, _MEMORY - _TABLES))
        driver.enable()
        domain = driver.create_domain()
        domain.map(0, 0, _TABLES, page_size=4096)
        driver.attach(_REQUESTER, domain)
    return platform


async def _time_copy(master: Master, memory: HostMemory) -> None:
    length = int(os.environ[LENGTH])
    data = os.urandom(length)
    memory.write(_SOURCE, data)
    host = SgHost(master, memory)
    host.write_chain([Copy(_SOURCE, _DESTINATION, length, Flags.INTERRUPT)], [_CHAIN])
    await master.leave_reset()
    start = perf_counter_ns()
    await host.start(_CHAIN, interrupts=True)
    await RisingEdge(master.dut.irq)
    taken = perf_counter_ns() - start
    assert bytes(memory.read(_DESTINATION, length)) == data
    Path(os.environ[RESULT]).write_text(str(taken))


@cocotb.test
async def plain(dut: Any) -> None:
    """The AxiRam alone."""
    master = await Master.power_up(dut)
    await _time_copy(master, _ram(dut))


@cocotb.test
async def direct(dut: Any) -> None:
    """A requester port behind the AxiRam, and no unit."""
    await _behind_ram(dut, _platform(translating=False))


@cocotb.test
async def translated(dut: Any) -> None:
    """A requester port behind the AxiRam, and a unit with translation on."""
    await _behind_ram(dut, _platform(translating=True))


@cocotb.test
async def memory(dut: Any) -> None:
    """Our own memory, and a unit with translation on."""
    platform = _platform(translating=True)
    master = await Master.power_up(dut)
    AxiMemory(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, platform, _REQUESTER)
    await _time_copy(master, platform)


@cocotb.test
async def native(dut: Any) -> None:
    """Our own memory in RTL and C, and a unit with translation on."""
    platform = _platform(translating=True)
    master = await Master.power_up(dut)
    NativeMemory(dut.memory, platform, _REQUESTER)
    await _time_copy(master, platform)


async def _behind_ram(dut: Any, platform: Platform) -> None:
    master = await Master.power_up(dut)
    attach(_ram(dut), platform, _REQUESTER)
    await _time_copy(master, platform)
