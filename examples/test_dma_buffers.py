"""A driver's own code, tested against the unit: what a device reaches, and what it does not.

`DmaBuffers` stands for the code to be tested. Run it with ``pytest examples/test_dma_buffers.py``.
"""

from __future__ import annotations

from typing import Final

import pytest

from vtd_plugin import Platform, VtdUnit
from vtd_plugin.software import PAGE_4K, Domain, Driver, FrameAllocator

NIC: Final = "00:19.0"
BUFFER: Final = 0x20_0000


class DmaBuffers:
    """Gives buffers an address for a device, and takes it away again.

    Buffers are released lazily: one invalidation for all of them, by `flush`.
    """

    def __init__(self, driver: Driver, domain: Domain) -> None:
        """Manage addresses of a domain, from 4 GiB on."""
        self._driver = driver
        self._domain = domain
        self._next = 1 << 32

    def map(self, address: int, size: int) -> int:
        """Let the device use a buffer; the address to tell it."""
        iova = self._next
        self._next += size
        self._domain.map(iova, address, size)
        return iova

    def release(self, iova: int, size: int) -> None:
        """Take a buffer out of the tables; the device may go on using it until `flush`."""
        self._domain.table.unmap(iova, size)

    def flush(self) -> None:
        """From here on the device does not reach what was released."""
        self._driver.invalidate_iotlb(self._domain.domain_id)


@pytest.fixture
def machine() -> Platform:
    """A machine with a unit that is off."""
    platform = Platform(ram_size=16 << 20)
    platform.add_unit(VtdUnit())
    return platform


@pytest.fixture
def driver(machine: Platform) -> Driver:
    """The driver of the unit, with translation on."""
    driver = Driver(machine, frames=FrameAllocator(0x80_0000, 0x40_0000))
    driver.enable()
    return driver


@pytest.fixture
def buffers(driver: Driver) -> DmaBuffers:
    """What is tested, for a network card."""
    domain = driver.create_domain()
    driver.attach(NIC, domain)
    return DmaBuffers(driver, domain)


def test_the_device_fills_a_mapped_buffer(machine: Platform, buffers: DmaBuffers) -> None:
    """Bytes that the device writes arrive where the driver looks for them."""
    iova = buffers.map(BUFFER, 2 * PAGE_4K)
    assert machine.requester(NIC).write(iova, b"frame" * 1000).ok
    assert machine.read(BUFFER, 5000) == b"frame" * 1000


def test_a_released_buffer_is_out_of_reach_after_the_flush(
    machine: Platform, buffers: DmaBuffers
) -> None:
    """Until the flush the unit goes on with what it has cached, as hardware does."""
    nic = machine.requester(NIC)
    iova = buffers.map(BUFFER, PAGE_4K)
    nic.write(iova, b"first")
    buffers.release(iova, PAGE_4K)
    assert nic.write(iova, b"stale").ok
    buffers.flush()
    assert not nic.write(iova, b"later").ok
    assert machine.read(BUFFER, 5) == b"stale"


def test_a_wild_access_is_reported_with_its_address(
    machine: Platform, driver: Driver, buffers: DmaBuffers
) -> None:
    """The fault record names the device, the page, and the condition."""
    iova = buffers.map(BUFFER, PAGE_4K)
    assert not machine.requester(NIC).write(iova + PAGE_4K, b"past the end").ok
    (fault,) = driver.handle_faults()
    assert str(fault).startswith("LGN.2 (0x05): 00:19.0 write at 0x100001000")
