"""Requests of Python endpoints under way together: order, atomics, credits, resets."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.utils import get_sim_time
from cocotbext.pcie.core.tlp import CplStatus, Tlp, TlpAt, TlpType

from tests.hdl_bridge.pcie_bench import (
    IOVA,
    LINK,
    MAPPED,
    Bench,
    ask,
    atomic,
    memory_read,
    memory_write,
    put_on_link,
    settle,
    translation_request,
)
from vtd_plugin.bus import AddressType, Answer, Mapping, RequestKind, ResetOrder, Transfer

WINDOW = 0xFEE0_0000
SLOW = 20_000
WALK = 500
"""Nanoseconds between which an answer is certainly quick or slow."""


class Latency:
    """Delays that a test sets: by requester, or at random."""

    def __init__(self) -> None:
        self.of_requester: dict[int, int] = {}
        self.of_next: list[int] = []

    def __call__(self, tlp: Any) -> int:
        if self.of_next:
            return self.of_next.pop(0)
        return self.of_requester.get(int(tlp.requester_id), 0)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(repetition=range(3))
async def test_writes_of_a_requester_land_in_order_whatever_each_takes(
    dut: Any, repetition: int
) -> None:
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    latency.of_next = [bench.rng.randrange(WALK) for _ in range(40)]
    for number in range(40):
        await endpoint.mem_write(IOVA, number.to_bytes(4, "little"))
        await endpoint.mem_write(IOVA + 4 + 4 * number, number.to_bytes(4, "little"))
    ended = [bytes(4)]
    bench.platform.add_observer(lambda _: ended.append(bench.memory(IOVA, 4)))
    await settle(SLOW)
    assert ended == sorted(ended, key=lambda value: int.from_bytes(value, "little"))
    assert bench.memory(IOVA, 4) == (39).to_bytes(4, "little")
    assert bench.memory(IOVA + 4, 160) == b"".join(n.to_bytes(4, "little") for n in range(40))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_read_sees_the_writes_before_it(dut: Any) -> None:
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    latency.of_next = [WALK, 0]
    await endpoint.mem_write(IOVA, b"new")
    assert await endpoint.mem_read(IOVA, 3) == b"new"


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(reader=["host", "peer", "peer at the same port"])
async def test_a_device_does_not_answer_before_its_writes_have_landed(
    dut: Any, reader: str
) -> None:
    """Completions in pieces stay in order behind them, and those of another function pass."""
    latency = Latency()
    same_port = reader == "peer at the same port"
    bench = await Bench.start(
        devices=1 if same_port else 2, functions=2 if same_port else 1, latency=latency
    )
    writer, peer = bench.endpoints
    data = bench.rng.randbytes(512)
    bench.memories[0][:512] = data
    bench.unit.tables.add(Mapping(0x5000_0000, writer.bar[0], 0x1000))
    latency.of_requester = {int(writer.pcie_id): SLOW}
    for number in range(3):
        await writer.mem_write(IOVA + 4 * number, b"data")
    await settle()
    if reader == "host":
        space = bench.root_complex.mem_address_space
        reading = cocotb.start_soon(space.read(writer.bar[0], 512))
    else:
        peer.pcie_cap.max_read_request_size = 5
        reading = cocotb.start_soon(peer.mem_read(0x5000_0000, 512))
        await peer.mem_write(IOVA + 0x100, b"passes")
        assert await peer.mem_read(IOVA + 0x100, 6) == b"passes"
    await settle()
    assert not reading.done()
    assert bench.memory(IOVA, 12) == bytes(12)
    assert await reading == data
    assert bench.memory(IOVA, 12) == b"data" * 3


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_an_answer_does_not_wait_for_writes_that_a_reset_took_back(dut: Any) -> None:
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    latency.of_requester = {int(endpoint.pcie_id): 10 * SLOW}
    await endpoint.mem_write(IOVA, b"never")
    reading = cocotb.start_soon(bench.root_complex.mem_address_space.read(endpoint.bar[0], 4))
    await settle()
    assert not reading.done()
    bench.port(endpoint).reset()
    await settle()
    assert reading.done()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_an_interrupt_follows_the_data_it_tells_of(dut: Any) -> None:
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    seen: list[bytes] = []
    bench.platform.add_interrupt_sink(lambda _: seen.append(bench.memory(IOVA, 4)))
    latency.of_next = [WALK, 0]
    await endpoint.mem_write(IOVA, b"data")
    await endpoint.mem_write(WINDOW, b"\x41\x00\x00\x00")
    await settle()
    assert seen == [b"data"]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_writes_and_quick_reads_pass_a_slow_read(dut: Any) -> None:
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    bench.fill(IOVA, 16)
    latency.of_next = [SLOW, 0, 0]
    slow = cocotb.start_soon(endpoint.mem_read(IOVA, 4))
    await settle()
    await endpoint.mem_write(IOVA, b"late")
    assert await endpoint.mem_read(IOVA + 8, 4) == bench.memory(IOVA + 8, 4)
    assert bench.memory(IOVA, 4) == b"late"
    assert not slow.done()
    assert [each.iova for each in bench.port(endpoint).in_flight] == [IOVA]
    assert await slow == b"late"


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_translation_request_is_in_flight_behind_the_writes_before_it(dut: Any) -> None:
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    told: list[AddressType] = []
    bench.bridge.listeners.append(lambda _, transfer: told.append(transfer.attributes.address_type))
    latency.of_next = [SLOW, WALK]
    await endpoint.mem_write(IOVA, b"before")
    asking = cocotb.start_soon(
        ask(endpoint, translation_request(endpoint, IOVA + 0x1000), 2 * SLOW)
    )
    await settle()
    assert told == [AddressType.UNTRANSLATED, AddressType.TRANSLATION]
    assert [each.iova for each in bench.port(endpoint).in_flight] == [IOVA, IOVA + 0x1000]
    (completion,) = await asking
    assert completion.status is CplStatus.SC
    assert bench.memory(IOVA, 6) == b"before"
    assert bench.port(endpoint).in_flight == ()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_slow_requester_does_not_hold_up_another(dut: Any) -> None:
    latency = Latency()
    bench = await Bench.start(functions=2, latency=latency)
    slow, quick = bench.endpoints
    latency.of_requester = {int(slow.pcie_id): SLOW}
    await slow.mem_write(IOVA, b"slow")
    waiting = cocotb.start_soon(slow.mem_read(IOVA, 4))
    await settle()
    start = get_sim_time("ns")
    await quick.mem_write(IOVA + 64, b"quick")
    assert await quick.mem_read(IOVA + 64, 5) == b"quick"
    assert get_sim_time("ns") - start < LINK
    assert len(bench.port(slow).in_flight) == 2
    assert await waiting == b"slow"


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_credits_come_back_for_any_number_of_requests(dut: Any) -> None:
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    latency.of_requester = {int(endpoint.pcie_id): WALK}
    bench.unit.block(IOVA + 0x1000)
    most = 0
    for number in range(300):
        await endpoint.mem_write(IOVA + 4 * number % MAPPED, number.to_bytes(4, "little"))
        most = max(most, len(bench.port(endpoint).in_flight))
    for _ in range(100):
        await ask(endpoint, memory_read(endpoint, IOVA + 0x1000))
        await ask(endpoint, translation_request(endpoint, IOVA))
        await put_on_link(endpoint, memory_read(endpoint, IOVA + 0xFFC, 2))
    await settle(SLOW)
    assert 10 < most <= 64
    assert bench.port(endpoint).in_flight == ()
    assert bench.memory(IOVA, 4 * 300) == b"".join(n.to_bytes(4, "little") for n in range(300))


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(
    operation=[("FETCH_ADD", 5, 12), ("SWAP", 5, 5), ("CAS", 7, 9), ("CAS", 8, 7)], size=[4, 8]
)
async def test_atomics_change_memory_and_return_what_was_there(
    dut: Any, operation: tuple[str, int, int], size: int
) -> None:
    name, operand, after = operation
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    bench.platform.write(0x10_0000, (7).to_bytes(size, "little"))
    operands = (operand, 9) if name == "CAS" else (operand,)
    (completion,) = await ask(endpoint, atomic(endpoint, name, IOVA, *operands, size=size))
    assert (completion.status, completion.byte_count) == (CplStatus.SC, size)
    assert bytes(completion.data) == (7).to_bytes(size, "little")
    assert bench.memory(IOVA, size) == after.to_bytes(size, "little")
    assert bench.unit.requests[-1].attributes.kind is RequestKind.ATOMIC
    assert bench.port(endpoint).in_flight == ()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_an_atomic_waits_for_the_writes_before_it(dut: Any) -> None:
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    latency.of_next = [WALK, 0]
    await endpoint.mem_write(IOVA, bytes([7, 0, 0, 0, 0, 0, 0, 0]))
    (completion,) = await ask(endpoint, atomic(endpoint, "FETCH_ADD", IOVA, 1))
    assert bytes(completion.data)[0] == 7


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_atomics_that_are_blocked_or_find_no_memory_change_nothing(dut: Any) -> None:
    bench = await Bench.start(devices=2)
    endpoint, peer = bench.endpoints
    before = bench.fill(IOVA, 8)
    bench.unit.block(IOVA, Answer.CA)
    (completion,) = await ask(endpoint, atomic(endpoint, "SWAP", IOVA, 1))
    assert (completion.status, completion.byte_count) == (CplStatus.CA, 8)
    assert bench.memory(IOVA, 8) == before
    bench.unit.tables.add(Mapping(0x5000_0000, peer.bar[0], 0x1000))
    (completion,) = await ask(endpoint, atomic(endpoint, "SWAP", 0x5000_0000, 1))
    assert completion.status is CplStatus.UR
    assert bytes(bench.memories[1][:8]) == bytes(8)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_malformed_requests_are_dropped(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    before = bench.fill(IOVA, MAPPED)
    short = memory_write(endpoint, IOVA, b"12345678")
    short.length = 1
    for tlp in (
        memory_write(endpoint, IOVA + 0xFFC, b"12345678"),
        memory_write(endpoint, IOVA, b"12345678", 0x0, 0xF),
        memory_write(endpoint, WINDOW, b"12345678", 0xF, 0x0),
        memory_write(endpoint, IOVA, b"1234", 0xF, 0xF),
        short,
        atomic(endpoint, "SWAP", IOVA + 4, 1),
        atomic(endpoint, "SWAP", IOVA, 1, size=16),
    ):
        await put_on_link(endpoint, tlp)
    await settle()
    assert bench.unit.requests == []
    assert bench.interrupts.messages == []
    assert bench.memory(IOVA, MAPPED) == before


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_unsupported_requests_are_answered_whatever_their_address(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    before = bench.fill(IOVA, MAPPED)
    locked, swap = memory_read(endpoint, IOVA, 2), atomic(endpoint, "SWAP", IOVA, 1)
    locked.fmt_type = TlpType.MEM_READ_LOCKED
    write = memory_write(endpoint, IOVA, b"1234")
    swap.at = write.at = TlpAt.TRANSLATE_REQ
    await endpoint.send(write)
    for tlp, completed, byte_count in (
        (locked, TlpType.CPL_LOCKED, 8),
        (swap, TlpType.CPL, 8),
        (atomic(endpoint, "CAS", IOVA, 1, 2, size=16), TlpType.CPL, 16),
    ):
        (completion,) = await ask(endpoint, tlp)
        assert (completion.fmt_type, completion.status) == (completed, CplStatus.UR)
        assert completion.byte_count == byte_count
    assert bench.unit.requests == []
    assert bench.memory(IOVA, MAPPED) == before


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(how=["function", *ResetOrder])
async def test_a_reset_takes_back_what_is_under_way(dut: Any, how: str) -> None:
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    before = bench.fill(IOVA, MAPPED)
    latency.of_requester = {int(endpoint.pcie_id): SLOW}
    await endpoint.mem_write(IOVA, b"never")
    await endpoint.mem_write(WINDOW, b"\x41\x00\x00\x00")
    asked = (
        memory_read(endpoint, IOVA, 8),
        atomic(endpoint, "FETCH_ADD", IOVA + 8, 1),
        translation_request(endpoint, IOVA),
    )
    lost = [cocotb.start_soon(ask(endpoint, each)) for each in asked]
    await settle(LINK // 2)
    assert len(bench.port(endpoint).in_flight) == 5
    if how == "function":
        bench.port(endpoint).reset()
    else:
        bench.platform.reset("warm", how)
    assert bench.port(endpoint).in_flight == ()
    latency.of_requester.clear()
    bench.unit.enable()
    assert [await each for each in lost] == [[], [], []]
    # What comes after the reset waits for nothing that came before it.
    start = get_sim_time("ns")
    assert await endpoint.mem_read(IOVA + 0x40, 16) == before[0x40:0x50]
    assert get_sim_time("ns") - start < LINK
    await settle(2 * SLOW)
    assert bench.memory(IOVA, MAPPED) == before
    assert bench.interrupts.messages == []


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(write=[False, True])
async def test_a_reset_gives_back_the_credits_of_what_it_aborts(dut: Any, write: bool) -> None:
    """At once, however long the requests had still to wait."""
    latency = Latency()
    bench = await Bench.start(latency=latency)
    (endpoint,) = bench.endpoints
    latency.of_requester = {int(endpoint.pcie_id): 10 * SLOW}
    kind = memory_write(endpoint, IOVA, b"none") if write else memory_read(endpoint, IOVA)
    for _ in range(80):
        cocotb.start_soon(put_on_link(endpoint, Tlp(kind)))
    await settle()
    assert len(bench.port(endpoint).in_flight) == 64  # as many as the root port has credits for
    latency.of_requester.clear()
    bench.port(endpoint).reset()
    await settle()
    assert len(bench.unit.requests) == 80
    assert bench.port(endpoint).in_flight == ()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_reset_between_completions_ends_them(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    sent: list[int] = []
    send = bench.root_complex.send

    async def count(completion: Any) -> None:
        sent.append(completion.byte_count)
        if len(sent) == 2:
            bench.port(endpoint).reset()
        await send(completion)

    bench.root_complex.send = count
    await ask(endpoint, memory_read(endpoint, IOVA, 256))
    assert sent == [1024, 896]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_listeners_are_told_of_requests_before_a_byte_moves(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    told: list[tuple[int, bytes]] = []

    def listener(tlp: Any, transfer: Transfer) -> None:
        told.append((transfer.iova, bench.memory(tlp.address, 4)))

    bench.bridge.listeners.append(listener)
    await endpoint.mem_write(IOVA, b"data")
    await settle()
    assert told == [(IOVA, bytes(4))]
    assert bench.memory(IOVA, 4) == b"data"
