"""Where a bridge stands: root complexes with handlers of their own, late attaching, switches."""

from __future__ import annotations

import logging
from typing import Any

import cocotb
from cocotb.triggers import Event
from cocotbext.pcie.core import Device, RootComplex, Switch
from cocotbext.pcie.core.tlp import CplStatus, Tlp, TlpType

from hdl_bridge.pcie import attach
from tests.hdl_bridge.pcie_bench import (
    HOST,
    IOVA,
    Bench,
    ask,
    make_function,
    memory_read,
    settle,
)
from vtd_plugin.bus import Mapping

NOWHERE = 0x5000_0000
"""The platform has nothing there, nor has a new root complex."""


class Handlers:
    """What a testbench registers for memory requests, long before there is a bridge."""

    def __init__(self, root_complex: Any) -> None:
        self.seen: list[Tlp] = []
        self._root_complex = root_complex
        for kind in (TlpType.MEM_READ, TlpType.MEM_WRITE):
            root_complex.register_rx_tlp_handler(kind, self.handle)

    async def handle(self, tlp: Tlp) -> None:
        """Note it, and answer a read with ones."""
        self.seen.append(tlp)
        if tlp.fmt_type is TlpType.MEM_READ:
            completion = Tlp.create_completion_data_for_tlp(tlp, self._root_complex.pcie_id)
            completion.byte_count = 4
            completion.set_data(b"\xff" * 4)
            await self._root_complex.send(completion)


class Warnings(logging.Handler):
    """The warnings of a logger."""

    def __init__(self, logger: logging.Logger) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the text."""
        self.texts.append(record.getMessage())


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_handlers_of_a_testbench_get_what_the_platform_has_nothing_for(dut: Any) -> None:
    """They get it with its new address, and `attach` warns of the rest."""
    bench = Bench()
    bench.root_complex = RootComplex()
    handlers = Handlers(bench.root_complex)
    warnings = Warnings(bench.root_complex.log)
    attach(bench.root_complex, bench.platform)
    assert [text for text in warnings.texts if "MEM_READ, MEM_WRITE" in text]
    bench.add_device()
    await bench.enumerate()
    (endpoint,) = bench.endpoints
    bench.unit.tables.add(Mapping(0x6000_0000, NOWHERE, 0x1000))
    await endpoint.mem_write(IOVA, b"here")
    assert await endpoint.mem_read(IOVA, 4) == b"here"
    assert handlers.seen == []
    await endpoint.mem_write(0x6000_0040, b"away")
    assert await endpoint.mem_read(0x6000_0040, 4) == b"\xff" * 4
    assert [(tlp.fmt_type, tlp.address) for tlp in handlers.seen] == [
        (TlpType.MEM_WRITE, NOWHERE + 0x40),
        (TlpType.MEM_READ, NOWHERE + 0x40),
    ]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_root_complex_as_it_comes_is_attached_to_without_a_word(dut: Any) -> None:
    bench = Bench()
    root_complex = RootComplex()
    warnings = Warnings(root_complex.log)
    attach(root_complex, bench.platform)
    assert warnings.texts == []


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_bus_that_was_enumerated_and_used_can_be_attached_to(dut: Any) -> None:
    bench = Bench()
    bench.root_complex = RootComplex()
    bench.add_device()
    await bench.enumerate()
    (endpoint,) = bench.endpoints
    region = bench.root_complex.mem_pool.alloc_region(0x1000)
    address = region.get_absolute_address(0)
    await endpoint.mem_write(address, b"before")
    assert await endpoint.mem_read(address, 6) == b"before"
    attach(bench.root_complex, bench.platform)
    await endpoint.mem_write(IOVA, b"after")
    assert await endpoint.mem_read(IOVA, 5) == b"after"
    assert bench.platform.read(HOST, 5) == b"after"


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_functions_below_switches_are_translated_each_by_its_own_id(dut: Any) -> None:
    """Two switches, one below the other, a device with two functions and another beside it."""
    bench = Bench()
    upper, lower = Switch(), Switch()
    bench.root_complex.make_port().connect(upper)
    upper.make_port().connect(lower)
    for functions in (2, 1):
        device = Device()
        for _ in range(functions):
            endpoint, memory = make_function(device)
            bench.endpoints.append(endpoint)
            bench.memories.append(memory)
        lower.make_port().connect(device)
    await bench.enumerate()
    ids = [int(endpoint.pcie_id) for endpoint in bench.endpoints]
    assert len(set(ids)) == 3
    for number, endpoint in enumerate(bench.endpoints):
        address = IOVA + 0x100 * number
        data = bench.rng.randbytes(0x80)
        await endpoint.mem_write(address, data)
        assert await endpoint.mem_read(address, 0x80) == data
        assert bench.memory(address, 0x80) == data
    assert [request.source_id for request in bench.unit.requests] == [
        each for each in ids for _ in range(2)
    ]
    bench.unit.block(IOVA)
    (completion,) = await ask(bench.endpoints[2], memory_read(bench.endpoints[2], IOVA))
    assert completion.status is CplStatus.UR


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(below=["one device", "a switch"])
async def test_what_is_translated_to_a_peer_behind_the_same_root_port_turns_back(
    dut: Any, below: str
) -> None:
    """To the other function of a device, or to another device of a switch; so does the answer."""
    bench = await _two_behind_one_port(below)
    first, second = bench.endpoints
    first.pcie_cap.max_read_request_size = 5
    bench.unit.tables.add(Mapping(0x5000_0000, second.bar[0], 0x1000))
    data = bench.rng.randbytes(0x1000)
    for start in range(0, 0x1000, 0x100):
        await first.mem_write(0x5000_0000 + start, data[start : start + 0x100])
    assert await first.mem_read(0x5000_0000, 0x1000) == data
    assert bytes(bench.memories[1][:0x1000]) == data
    reads = [cocotb.start_soon(first.mem_read(0x5000_0000 + 64 * n, 256)) for n in range(40)]
    for number, read in enumerate(reads):
        assert await read == data[64 * number : 64 * number + 256]
    assert bench.port(first).in_flight == ()
    assert {request.source_id for request in bench.unit.requests} == {int(first.pcie_id)}


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_what_is_handed_to_a_slow_peer_at_a_reset_arrives_before_what_comes_later(
    dut: Any,
) -> None:
    """One write may be on its way already; none of those that wait behind it moves."""
    bench = await _two_behind_one_port("a switch")
    writer, peer = bench.endpoints
    bench.unit.tables.add(Mapping(0x5000_0000, peer.bar[0], 0x4000))
    busy, handle = Event(), peer.rx_tlp_handler[TlpType.MEM_WRITE]
    landed: list[bytes] = []

    async def take(tlp: Any) -> None:
        await busy.wait()
        landed.append(bytes(tlp.data))
        await handle(tlp)

    peer.rx_tlp_handler[TlpType.MEM_WRITE] = take
    writer.pcie_cap.max_payload_size = 2
    sent = [b"%04d" % number * 120 for number in range(80)]  # leave data credits for a few bytes
    for data in sent:
        await writer.mem_write(0x5000_0000, data)
    await settle()
    waiting = bench.port(writer).in_flight
    assert len(waiting) > 5
    bench.port(writer).reset()
    await writer.mem_write(0x5000_0000, b"last")
    await settle()
    busy.set()
    await settle(50_000)
    assert landed == [*sent[: len(sent) - len(waiting) + 1], b"last"]


async def _two_behind_one_port(below: str) -> Bench:
    """Two functions of a device, or each in a device of its own below a switch."""
    if below == "one device":
        return await Bench.start(functions=2)
    bench = Bench()
    switch = Switch()
    bench.root_complex.make_port().connect(switch)
    for _ in range(2):
        device = Device()
        endpoint, memory = make_function(device)
        bench.endpoints.append(endpoint)
        bench.memories.append(memory)
        switch.make_port().connect(device)
    await bench.enumerate()
    return bench


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_what_a_switch_routes_between_its_own_ports_is_not_seen(dut: Any) -> None:
    bench = await _two_behind_one_port("a switch")
    first, second = bench.endpoints
    await first.mem_write(second.bar[0], b"peer")
    await settle()
    assert bytes(bench.memories[1][:4]) == b"peer"
    assert bench.unit.requests == []
