"""A testbench of a scatter-gather DMA engine, in the way of cocotbext-axi: no IOMMU anywhere.

The engine is `testbenches/rtl/sg_dma.sv`. Nothing in this file knows of `vtd_plugin`.
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, Any, Final

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiRam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MEMORY: Final = 4 << 20

CONTROL: Final = 0x04
STATUS: Final = 0x08
HEAD: Final = 0x10
START: Final = 0b11  # RUN, IRQ_ENABLE
DONE: Final = 1 << 1
ERROR: Final = 1 << 2
LAST: Final = 1 << 0


class TB:
    """A clock, registers, and memory for the engine's DMA."""

    def __init__(self, dut: Any) -> None:
        """Start the clock and put models on both buses."""
        self.dut = dut
        dut.rst.value = 1
        Clock(dut.clk, 4, unit="ns").start()
        self.control = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        self.axi_ram = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=MEMORY)

    def set_idle_generator(self, generator: Callable[[], Iterator[bool]]) -> None:
        """Hold back what the memory sends."""
        self.axi_ram.write_if.b_channel.set_pause_generator(generator())
        self.axi_ram.read_if.r_channel.set_pause_generator(generator())

    def set_backpressure_generator(self, generator: Callable[[], Iterator[bool]]) -> None:
        """Hold back what the memory takes."""
        self.axi_ram.write_if.aw_channel.set_pause_generator(generator())
        self.axi_ram.write_if.w_channel.set_pause_generator(generator())
        self.axi_ram.read_if.ar_channel.set_pause_generator(generator())

    async def reset(self) -> None:
        """Reset the engine."""
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, 4)
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    async def copy(self, chain: int, source: int, destination: int, length: int) -> int:
        """Copy by one descriptor; the engine's STATUS when it is done."""
        self.axi_ram.write(chain, struct.pack("<QQQII", source, destination, 0, length, LAST))
        await self.control.write_dword(HEAD, chain)
        await self.control.write_dword(HEAD + 4, 0)
        await self.control.write_dword(CONTROL, START)
        await RisingEdge(self.dut.irq)
        status: int = await self.control.read_dword(STATUS)
        await self.control.write_dword(STATUS, status)
        return status


def pauses() -> Iterator[bool]:
    """Three cycles of rest after each cycle of work."""
    return itertools.cycle([True, True, True, False])
