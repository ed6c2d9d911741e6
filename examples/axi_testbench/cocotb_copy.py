"""The same testbench without an IOMMU and with one: `attach` is the line that makes the difference.

Run it with ``pytest tests/examples``.
"""

from __future__ import annotations

from typing import Any, Final

import cocotb

from examples.axi_testbench.testbench import DONE, ERROR, MEMORY, TB, pauses
from hdl_bridge.axi import attach
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

ENGINE: Final = "00:04.0"
CHAIN: Final = 0x1000
SOURCE: Final = 0x10_0000
DESTINATION: Final = 0x20_0000
TABLES: Final = 0x30_0000
LENGTH: Final = 5000
DATA: Final = bytes(number % 251 for number in range(LENGTH))


async def check_copy(tb: TB) -> None:
    """What the testbench has always done."""
    tb.set_idle_generator(pauses)
    tb.set_backpressure_generator(pauses)
    await tb.reset()
    tb.axi_ram.write(SOURCE, DATA)
    assert await tb.copy(CHAIN, SOURCE, DESTINATION, LENGTH) & DONE
    assert tb.axi_ram.read(DESTINATION, LENGTH) == DATA


class TBWithIommu(TB):
    """The same with an IOMMU between engine and memory, which is the platform's from then on."""

    def __init__(self, dut: Any) -> None:
        """Turn translation on, with nothing mapped but the engine's own addresses."""
        super().__init__(dut)
        self.platform = Platform(ram_size=MEMORY)
        attach(self.axi_ram, self.platform, ENGINE)
        self.platform.add_unit(VtdUnit())
        self.driver = Driver(self.platform, frames=FrameAllocator(TABLES, MEMORY - TABLES))
        self.driver.enable()
        self.domain = self.driver.create_domain()
        self.domain.map(0, 0, TABLES)
        self.driver.attach(ENGINE, self.domain)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def before(dut: Any) -> None:
    """As it was."""
    await check_copy(TB(dut))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def after(dut: Any) -> None:
    """The same check, every burst translated."""
    await check_copy(TBWithIommu(dut))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def a_page_that_is_not_mapped_stops_the_engine(dut: Any) -> None:
    """The engine gets DECERR, memory keeps its bytes, and the driver reads why."""
    tb = TBWithIommu(dut)
    await tb.reset()
    tb.axi_ram.write(SOURCE, DATA)
    tb.domain.unmap(DESTINATION, 0x2000)
    assert await tb.copy(CHAIN, SOURCE, DESTINATION, LENGTH) & ERROR
    assert tb.axi_ram.read(DESTINATION, LENGTH) == bytes(LENGTH)
    fault = tb.driver.handle_faults()[0]
    assert (fault.request, fault.address) == ("write", DESTINATION)
