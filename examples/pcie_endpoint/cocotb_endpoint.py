"""The same testbench without an IOMMU and with one: `attach` is the line that makes the difference.

Run it with ``pytest tests/hdl_bridge/test_pcie_page.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotbext.pcie.core import Device, MemoryEndpoint, RootComplex
from cocotbext.pcie.core.caps import MsiCapability

from hdl_bridge.pcie import attach, route_msi
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from cocotb.triggers import Event

MEMORY: Final = 16 << 20
TABLES: Final = 8 << 20
BUFFER: Final = 0x10_0000
DATA: Final = bytes(number % 251 for number in range(5000))


class Endpoint(MemoryEndpoint):  # type: ignore[misc]  # cocotbext-pcie has no types
    """Turns a buffer around in memory, and tells of it."""

    def __init__(self) -> None:
        """With one message-signalled interrupt."""
        super().__init__()
        self.msi_cap = MsiCapability()
        self.msi_cap.msi_64bit_address_capable = 1
        self.register_capability(self.msi_cap)

    async def work(self, address: int, size: int) -> None:
        """Read, write back, interrupt."""
        data = await self.mem_read(address, size)
        await self.mem_write(address, data[::-1])
        await self.msi_cap.issue_msi_interrupt()


class TB:
    """A root complex with memory and an endpoint."""

    def __init__(self) -> None:
        """Connect them."""
        self.root_complex = RootComplex()
        self.memory = self.root_complex.mem_pool.alloc_region(MEMORY)
        self.endpoint = Endpoint()
        self.root_complex.make_port().connect(Device(self.endpoint))

    async def start(self) -> Event:
        """Enumerate; what is set when the endpoint interrupts."""
        await self.root_complex.enumerate()
        device = self.root_complex.find_device(self.endpoint.pcie_id)
        await device.enable_device()
        await device.set_master()
        await device.alloc_irq_vectors(1, 1)
        interrupted: Event = device.msi_vectors[0].event
        return interrupted

    async def check_work(self, bus_address: int) -> None:
        """What the testbench has always done."""
        self.memory[BUFFER : BUFFER + len(DATA)] = DATA
        interrupted = await self.start()
        await self.before_work()
        await self.endpoint.work(bus_address, len(DATA))
        await interrupted.wait()
        assert self.memory[BUFFER : BUFFER + len(DATA)] == DATA[::-1]

    async def before_work(self) -> None:
        """Nothing is needed without an IOMMU."""


class TBWithIommu(TB):
    """The same with an IOMMU in the root complex; the memory stays the same bytes."""

    def __init__(self) -> None:
        """Attach; the driver lives in the upper half of memory."""
        super().__init__()
        self.platform = Platform(ram=self.memory.mem)
        self.platform.add_unit(VtdUnit())
        self.driver = Driver(self.platform, frames=FrameAllocator(TABLES, MEMORY - TABLES))
        attach(self.root_complex, self.platform)
        route_msi(self.root_complex, self.platform)

    async def before_work(self) -> None:
        """Map the buffer, and nothing else, where the device is told it is."""
        self.driver.enable()
        domain = self.driver.create_domain()
        domain.map(0x7000_0000, BUFFER, 0x2000)
        self.driver.attach(int(self.endpoint.pcie_id), domain)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def before(dut: Any) -> None:  # noqa: ARG001 - the endpoint is Python
    """As it was."""
    await TB().check_work(BUFFER)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def after(dut: Any) -> None:  # noqa: ARG001 - the endpoint is Python
    """The same check, every request translated."""
    await TBWithIommu().check_work(0x7000_0000)
