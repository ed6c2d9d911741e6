"""A root complex with Python endpoints before a platform, and requests made by hand."""

from __future__ import annotations

import random
from typing import Any

from cocotb.triggers import Timer
from cocotbext.pcie.core import Device, MemoryEndpoint, RootComplex
from cocotbext.pcie.core.caps import MsiCapability
from cocotbext.pcie.core.tlp import Tlp, TlpAt, TlpType

from hdl_bridge.pcie import PcieBridge, attach
from vtd_plugin.bus import Mapping, Platform, RequesterPort
from vtd_plugin.bus.testing import FakeUnit, RecordingSink

IOVA = 0x1000_0000
HOST = 0x10_0000
MAPPED = 0x4000
RAM = 4 << 20
BAR_BYTES = 0x4000
LINK = 2_000
"""Nanoseconds in which anything on its way has arrived."""


class Bench:
    """A platform with a fake unit behind a root complex; `start` adds endpoints.

    Attributes:
        endpoints: One function of each device, in the order of the root ports.
        memories: What is behind BAR 0 of each.
    """

    def __init__(self, **options: Any) -> None:
        self.rng = random.Random(random.getrandbits(32))
        self.platform = Platform(RAM, load_entry_points=False)
        self.unit = self.platform.add_unit(FakeUnit([Mapping(IOVA, HOST, MAPPED)]))
        self.interrupts = RecordingSink()
        self.platform.add_interrupt_sink(self.interrupts)
        self.root_complex = RootComplex()
        self.bridge: PcieBridge = attach(self.root_complex, self.platform, **options)
        self.root_ports: list[Any] = []
        self.endpoints: list[Any] = []
        self.memories: list[Any] = []

    @classmethod
    async def start(cls, devices: int = 1, functions: int = 1, **options: Any) -> Bench:
        """With devices of so many functions each, enumerated and enabled."""
        bench = cls(**options)
        for _ in range(devices):
            bench.add_device(functions)
        await bench.enumerate()
        return bench

    def add_device(self, functions: int = 1) -> None:
        device = Device()
        for _ in range(functions):
            endpoint, memory = make_function(device)
            self.endpoints.append(endpoint)
            self.memories.append(memory)
        root_port = self.root_complex.make_port()
        root_port.connect(device)
        self.root_ports.append(root_port)

    async def enumerate(self) -> None:
        await self.root_complex.enumerate()
        for endpoint in self.endpoints:
            found = self.root_complex.find_device(endpoint.pcie_id)
            await found.enable_device()
            await found.set_master()

    def port(self, endpoint: Any) -> RequesterPort:
        return self.platform.requester(int(endpoint.pcie_id))

    def memory(self, iova: int, size: int) -> bytes:
        """What is behind mapped addresses."""
        return self.platform.read(iova - IOVA + HOST, size)

    def fill(self, iova: int, size: int) -> bytes:
        """Put random bytes behind mapped addresses."""
        data = self.rng.randbytes(size)
        self.platform.write(iova - IOVA + HOST, data)
        return data


def make_function(device: Any) -> tuple[Any, Any]:
    """A function with memory behind BAR 0 and four message-signalled interrupts; both."""
    endpoint = MemoryEndpoint()
    endpoint.msi_cap = MsiCapability()
    endpoint.msi_cap.msi_multiple_message_capable = 2
    endpoint.msi_cap.msi_64bit_address_capable = 1
    endpoint.register_capability(endpoint.msi_cap)
    memory = endpoint.add_mem_region(BAR_BYTES)
    device.append_function(endpoint)
    return endpoint, memory


def memory_read(
    endpoint: Any, address: int, dwords: int = 1, first: int = 0xF, last: int | None = None
) -> Any:
    """A read as it is on the link."""
    tlp = _request(endpoint, TlpType.MEM_READ, TlpType.MEM_READ_64, address)
    tlp.length = dwords
    return _with_enables(tlp, first, last)


def memory_write(
    endpoint: Any, address: int, data: bytes, first: int = 0xF, last: int | None = None
) -> Any:
    """A write of whole dwords as it is on the link."""
    tlp = _request(endpoint, TlpType.MEM_WRITE, TlpType.MEM_WRITE_64, address)
    tlp.set_data(data)
    return _with_enables(tlp, first, last)


def atomic(endpoint: Any, name: str, address: int, *operands: int, size: int = 8) -> Any:
    """An atomic as it is on the link: ``"FETCH_ADD"``, ``"SWAP"`` or ``"CAS"``."""
    tlp = _request(endpoint, TlpType[name], TlpType[f"{name}_64"], address)
    tlp.set_data(b"".join(operand.to_bytes(size, "little") for operand in operands))
    return tlp


def translation_request(endpoint: Any, address: int, *, no_write: bool = False) -> Any:
    tlp = memory_read(endpoint, address, dwords=2)
    tlp.at = TlpAt.TRANSLATE_REQ
    tlp.ph = int(no_write)
    return tlp


async def ask(endpoint: Any, tlp: Any, nanoseconds: int = LINK) -> list[Any]:
    """Send a request that is not posted; its completions, none if they do not come in time."""
    completions: list[Any] = await endpoint.perform_nonposted_operation(tlp, nanoseconds, "ns")
    return completions


async def put_on_link(endpoint: Any, tlp: Any) -> None:
    """Send a request that the function itself would not let out."""
    device = endpoint.upstream_tx_handler.__self__
    await device.upstream_port.send(tlp)


async def settle(nanoseconds: int = LINK) -> None:
    """Let everything arrive."""
    await Timer(nanoseconds, "ns")


def _request(endpoint: Any, short: TlpType, long: TlpType, address: int) -> Any:
    tlp = Tlp()
    tlp.fmt_type = long if address >> 32 else short
    tlp.requester_id = endpoint.pcie_id
    tlp.address = address
    return tlp


def _with_enables(tlp: Any, first: int, last: int | None) -> Any:
    tlp.first_be = first
    tlp.last_be = last if last is not None else 0xF if tlp.length > 1 else 0
    return tlp
