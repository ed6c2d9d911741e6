"""Requests of Python endpoints: where they go, what comes back."""

from __future__ import annotations

from typing import Any

import cocotb
import pytest
from cocotbext.pcie.core import MemoryEndpoint, RootComplex
from cocotbext.pcie.core.switch import SwitchPort
from cocotbext.pcie.core.tlp import CplStatus, TlpAt, TlpAttr
from cocotbext.pcie.core.utils import PcieId

from hdl_bridge.pcie import attach, route_msi
from tests.hdl_bridge.pcie_bench import (
    BAR_BYTES,
    HOST,
    IOVA,
    LINK,
    MAPPED,
    Bench,
    ask,
    memory_read,
    memory_write,
    settle,
    translation_request,
)
from vtd_plugin.bus import AddressType, Answer, Mapping, RequestKind
from vtd_plugin.bus.testing import FakeRegisters

WINDOW = 0xFEE0_0000
ELSEWHERE = 0x20_0000


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_dma_of_any_size_follows_the_translations(dut: Any) -> None:
    bench = await Bench.start()
    bench.unit.tables.add(Mapping(IOVA + MAPPED, ELSEWHERE, 0x1000))
    (endpoint,) = bench.endpoints
    for _ in range(20):
        size = bench.rng.choice([1, 3, 4, 64, 130, 1000, 0x1800])
        iova = IOVA + bench.rng.randrange(MAPPED + 0x1000 - size)
        data = bench.rng.randbytes(size)
        await endpoint.mem_write(iova, data)
        assert await endpoint.mem_read(iova, size) == data
        image = bench.platform.read(HOST, MAPPED) + bench.platform.read(ELSEWHERE, 0x1000)
        assert image[iova - IOVA : iova - IOVA + size] == data
    assert bench.port(endpoint).in_flight == ()


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(payload=[0, 1], wide_boundary=[False, True], every_boundary=[False, True])
async def test_completions_of_a_long_read_are_cut_as_configured(
    dut: Any, payload: int, wide_boundary: bool, every_boundary: bool
) -> None:
    bench = await Bench.start()
    bench.root_complex.max_payload_size = payload
    bench.root_complex.read_completion_boundary = wide_boundary
    bench.root_complex.split_on_all_rcb = every_boundary
    data = bench.fill(IOVA, 0x1000)
    completions = await ask(bench.endpoints[0], memory_read(bench.endpoints[0], IOVA + 4, 200))
    assert b"".join(bytes(each.data) for each in completions) == data[4:804]
    sizes = [len(each.data) for each in completions]
    step = 128 if wide_boundary else 64
    if not every_boundary:
        step = 128 << payload
    assert sizes == [step - 4] + [step] * (800 // step - 1) + [804 - 800 // step * step]
    assert [each.byte_count for each in completions] == [
        800 - sum(sizes[:number]) for number in range(len(sizes))
    ]


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(
    case=[(Answer.UR, CplStatus.UR), (Answer.CA, CplStatus.CA)],
)
async def test_a_blocked_page_is_not_touched_and_reads_of_it_get_the_units_answer(
    dut: Any, case: tuple[Answer, CplStatus]
) -> None:
    answer, status = case
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    before = bench.fill(IOVA, MAPPED)
    bench.unit.block(IOVA + 0x1000, answer)
    await endpoint.mem_write(IOVA + 0xFFC, b"lastpage")
    await settle()
    assert bench.memory(IOVA, MAPPED) == before[:0xFFC] + b"last" + before[0x1000:]
    (completion,) = await ask(endpoint, memory_read(endpoint, IOVA + 0x1000, 8))
    assert (completion.status, completion.byte_count, completion.data) == (status, 32, b"")
    assert bench.port(endpoint).in_flight == ()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_byte_enables_select_what_is_written_and_asked_for(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    for dwords in (1, 2, 3):
        for _ in range(24):
            first, last = bench.rng.randrange(1, 16), bench.rng.randrange(1, 16)
            if dwords > 2:
                first, last = (
                    bench.rng.choice((0x8, 0xC, 0xE, 0xF)),
                    bench.rng.choice((1, 3, 7, 15)),
                )
            lanes = [first >> lane & 1 for lane in range(4)]
            if dwords > 1:
                lanes += [1] * 4 * (dwords - 2) + [last >> lane & 1 for lane in range(4)]
            before = bench.fill(IOVA, 4 * dwords)
            data = bench.rng.randbytes(4 * dwords)
            await endpoint.send(
                memory_write(endpoint, IOVA, data, first, last if dwords > 1 else 0)
            )
            read = memory_read(endpoint, IOVA, dwords, first, last if dwords > 1 else 0)
            (completion,) = await ask(endpoint, read)
            after = bytes(
                new if lane else old for lane, new, old in zip(lanes, data, before, strict=True)
            )
            assert bench.memory(IOVA, 4 * dwords) == after
            start = lanes.index(1)
            end = 4 * dwords - lanes[::-1].index(1)
            assert completion.lower_address == start
            assert completion.byte_count == end - start
            answered = bytes(completion.data)[start % 4 :]
            for lane, place in zip(lanes[start:end], range(end - start), strict=True):
                assert not lane or answered[place] == after[start + place]
            asked = [(each.address, each.size) for each in bench.unit.requests[-2:]]
            assert asked == [(IOVA + start, end - start)] * 2


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_requests_without_enabled_bytes_ask_and_move_nothing(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    before = bench.fill(IOVA, 4)
    await endpoint.send(memory_write(endpoint, IOVA, b"1234", 0))
    (completion,) = await ask(endpoint, memory_read(endpoint, IOVA, 1, 0))
    assert (completion.status, completion.byte_count, completion.length) == (CplStatus.SC, 1, 1)
    assert bench.memory(IOVA, 4) == before
    assert [(each.attributes.kind, each.size) for each in bench.unit.requests] == [
        (RequestKind.WRITE, 0),
        (RequestKind.READ, 0),
    ]
    assert await endpoint.mem_read(IOVA, 0) == b""


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_an_address_in_a_bar_window_is_translated_like_any_other(dut: Any) -> None:
    bench = await Bench.start(devices=2)
    first, second = bench.endpoints
    for number, bar in enumerate((first.bar[0], second.bar[0])):
        bench.unit.tables.add(Mapping(bar, HOST + 0x1000 * number, 0x1000))
        await first.mem_write(bar, b"to memory")
        assert await first.mem_read(bar, 9) == b"to memory"
        assert bench.platform.read(HOST + 0x1000 * number, 9) == b"to memory"
    assert [bytes(memory[:9]) for memory in bench.memories] == [bytes(9)] * 2


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_what_is_translated_to_a_bar_goes_to_the_peer(dut: Any) -> None:
    bench = await Bench.start(devices=2)
    first, second = bench.endpoints
    bench.unit.tables.add(Mapping(0x2_0000_0000, second.bar[0], BAR_BYTES))
    await first.mem_write(0x2_0000_0FFE, b"peer")
    assert await first.mem_read(0x2_0000_0FFE, 4) == b"peer"
    assert bytes(bench.memories[1][0xFFE:0x1002]) == b"peer"
    assert bench.port(first).in_flight == ()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_zero_length_read_goes_where_a_longer_one_would(dut: Any) -> None:
    """To the peer, behind the writes before it; or nowhere, and that is UR."""
    bench = await Bench.start(devices=2)
    first, second = bench.endpoints
    bench.unit.tables.add(Mapping(0x5000_0000, second.bar[0], 0x1000))
    bench.unit.tables.add(Mapping(0x6000_0000, 0x9_0000_0000, 0x1000))
    await first.mem_write(0x5000_0000, b"flush")
    (completion,) = await ask(first, memory_read(first, 0x5000_0000, 1, 0))
    assert (completion.status, completion.completer_id) == (CplStatus.SC, second.pcie_id)
    assert bytes(bench.memories[1][:5]) == b"flush"
    (completion,) = await ask(first, memory_read(first, 0x6000_0000, 1, 0))
    assert completion.status is CplStatus.UR


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_what_is_translated_to_memory_of_the_root_complex_reaches_it(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    region = bench.root_complex.mem_pool.alloc_region(16 << 20)
    bench.unit.tables.add(Mapping(0x5000_0000, region.get_absolute_address(0) + (8 << 20), 0x1000))
    await endpoint.mem_write(0x5000_0000, b"pool")
    assert await endpoint.mem_read(0x5000_0000, 4) == b"pool"
    assert region[8 << 20 : (8 << 20) + 4] == b"pool"


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_registers_of_the_platform_are_reached_if_they_take_dma(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    registers = FakeRegisters()
    bench.platform.add_mmio(0xB000_0000, 4096, registers, dma=True)
    bench.unit.tables.add(Mapping(0x6000_0000, 0xB000_0000, 0x1000))
    await endpoint.mem_write(0x6000_0008, b"doorbell")
    (completion,) = await ask(endpoint, memory_read(endpoint, 0x6000_0008, 2, 0b0001, 0b1000))
    assert (bytes(completion.data)[0], bytes(completion.data)[7]) == (ord("d"), ord("l"))
    assert registers.accesses == [("write", 8, 8), ("read", 8, 1), ("read", 15, 1)]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_the_host_reaches_bars_without_the_unit(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    await bench.root_complex.mem_write(endpoint.bar[0], b"from the host")
    assert await bench.root_complex.mem_read(endpoint.bar[0], 13) == b"from the host"
    assert bench.unit.requests == []


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_each_function_is_a_requester_of_its_own(dut: Any) -> None:
    bench = await Bench.start(devices=2, functions=2)
    for endpoint in bench.endpoints:
        await endpoint.mem_read(IOVA, 4)
    asked = [each.source_id for each in bench.unit.requests]
    assert asked == [int(endpoint.pcie_id) for endpoint in bench.endpoints]
    assert len(set(asked)) == 4


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_an_endpoint_inside_the_root_complex_is_translated_too(dut: Any) -> None:
    bench = await Bench.start()
    endpoint = MemoryEndpoint()
    endpoint.pcie_id = PcieId(0, 9, 0)
    endpoint.bus_master_enable = True
    bench.root_complex.append_endpoint(endpoint)
    await bench.root_complex.switch_ports[-1].bridge.mem_write(IOVA, b"integrated")
    assert await endpoint.mem_read(IOVA, 10) == b"integrated"
    assert bench.memory(IOVA, 10) == b"integrated"
    assert bench.unit.requests[0].source_id == 9 << 3
    assert isinstance(bench.root_complex.switch_ports[-1], SwitchPort)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_an_endpoint_inside_the_root_complex_may_use_its_tlps_again(dut: Any) -> None:
    bench = await Bench.start(latency=lambda _: LINK)
    endpoint = MemoryEndpoint()
    endpoint.pcie_id = PcieId(0, 9, 0)
    endpoint.bus_master_enable = True
    bench.root_complex.append_endpoint(endpoint)
    tlp = memory_write(endpoint, IOVA, b"sent")
    await endpoint.send(tlp)
    tlp.address = IOVA + 4
    tlp.set_data(b"more")
    await endpoint.send(tlp)
    tlp.set_data(b"none")
    await settle(2 * LINK)
    assert bench.memory(IOVA, 8) == b"sentmore"


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_ports_made_before_attaching_are_guarded_and_nothing_is_attached_twice(
    dut: Any,
) -> None:
    bench = Bench()
    stock = bench.root_complex
    try:
        attach(stock, bench.platform)
    except ValueError as error:
        assert "has a bridge already" in str(error)  # noqa: PT017 - cocotb runs this, not pytest
    else:
        raise AssertionError
    other = RootComplex()
    bench.root_complex = other
    bench.add_device()
    attach(other, bench.platform)
    await bench.enumerate()
    await bench.endpoints[0].mem_write(IOVA, b"guarded")
    await settle()
    assert bench.memory(IOVA, 7) == b"guarded"


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_attributes_of_a_request_reach_the_unit(dut: Any) -> None:
    pasids = {0: None, 1: 0x12345}
    bench = await Bench.start(functions=2, pasid_of=lambda tlp: pasids[tlp.requester_id.function])
    for endpoint in bench.endpoints:
        tlp = memory_read(endpoint, IOVA)
        tlp.at = TlpAt.TRANSLATED
        tlp.attr = TlpAttr.NS | TlpAttr.RO
        await ask(endpoint, tlp)
    plain, with_pasid = (each.attributes for each in bench.unit.requests)
    assert (plain.address_type, plain.no_snoop, plain.pasid) == (AddressType.TRANSLATED, True, None)
    assert with_pasid.pasid == 0x12345


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(
    wrong=[
        ("latency", -5, "a latency of -5 ns"),
        ("latency", 1.5, "a latency of 1.5 for"),
        ("latency", None, "a latency of None for"),
        ("pasid_of", True, "PASID True"),
        ("pasid_of", 1 << 20, "PASID 0x100000"),
    ]
)
async def test_what_a_testbench_says_of_a_request_is_checked(
    dut: Any, wrong: tuple[str, Any, str]
) -> None:
    name, value, message = wrong
    options: dict[str, Any] = {name: lambda _: value}
    bench = await Bench.start(**options)
    (endpoint,) = bench.endpoints
    with pytest.raises((TypeError, ValueError), match=message):
        bench.bridge.accept(memory_write(endpoint, IOVA, b"data"), endpoint.send)
    assert bench.port(endpoint).in_flight == ()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_translation_request_is_told_where_a_page_lies(dut: Any) -> None:
    bench = await Bench.start(pasid_of=lambda _: 7)
    (endpoint,) = bench.endpoints
    (completion,) = await ask(endpoint, translation_request(endpoint, IOVA + 0x2040, no_write=True))
    assert (completion.status, completion.byte_count) == (CplStatus.SC, 8)
    assert int.from_bytes(completion.data, "big") == HOST + 0x2000 | 0b11
    asked = bench.unit.requests[-1]
    assert (asked.address, asked.attributes.address_type) == (
        IOVA + 0x2000,
        AddressType.TRANSLATION,
    )
    assert (asked.attributes.no_write, asked.attributes.pasid) == (True, 7)
    (completion,) = await ask(endpoint, translation_request(endpoint, IOVA + MAPPED))
    assert completion.status is CplStatus.UR
    bench.unit.block(IOVA, Answer.NO_RIGHTS)
    (completion,) = await ask(endpoint, translation_request(endpoint, IOVA))
    assert (completion.status, bytes(completion.data)) == (CplStatus.SC, bytes(8))


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_dword_written_to_the_window_is_an_interrupt(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    await endpoint.mem_write(WINDOW, b"\x41\x00\x00\x00")
    await endpoint.mem_write(WINDOW + 1, b"\x42")
    await endpoint.send(memory_write(endpoint, WINDOW, b"\x43\x00\x00\x00", 0b1001))
    await settle()
    requester = int(endpoint.pcie_id)
    assert [message.data for message in bench.interrupts.messages] == [0x41]
    assert bench.unit.interrupts == [(requester, WINDOW, 0x41)]
    bench.unit.block(WINDOW)
    await endpoint.mem_write(WINDOW, b"\x44\x00\x00\x00")
    await settle()
    assert bench.unit.interrupts[-1] == (requester, WINDOW, 0x44)
    assert len(bench.interrupts.messages) == 1


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_vectors_of_cocotbext_pcie_pass_the_unit(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    route_msi(bench.root_complex, bench.platform)
    device = bench.root_complex.find_device(endpoint.pcie_id)
    await device.alloc_irq_vectors(4, 4)
    for number in (2, 0):
        vector = device.msi_vectors[number]
        assert vector.addr == WINDOW
        await endpoint.msi_cap.issue_msi_interrupt(number)
        await vector.event.wait()
    assert [data for _, _, data in bench.unit.interrupts] == [
        device.msi_vectors[number].data for number in (2, 0)
    ]
