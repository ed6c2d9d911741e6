"""What functions of cocotbext-pcie do by themselves: reads and writes of any size, and waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
import pytest
from cocotb.utils import get_sim_time
from cocotbext.pcie.core import Device
from cocotbext.pcie.core.caps import PciCapId

from hdl_bridge.pcie import FunctionReset
from tests.hdl_bridge.pcie_bench import (
    HOST,
    IOVA,
    LINK,
    MAPPED,
    Bench,
    ask,
    make_function,
    memory_read,
    settle,
)
from vtd_plugin.bus import Mapping, ResetKind, ResetOrder

if TYPE_CHECKING:
    from collections.abc import Awaitable

SIZES = (*range(9), 15, 63, 64, 65, 127, 128, 129, 511, 512, 513, 4093, 4094, 4095, 4096)
SCATTERED = 0x30_0000
SLOW = 20_000
TAGS = 32
DEVICE_CONTROL, INITIATE_RESET = 0x08, 1 << 15
"""A register of the PCI Express capability, and its bit (PCIe §7.5.3.4)."""


async def outcome(read: Awaitable[bytes]) -> str:
    """What a function is told of a read that it waits for: that there are data, or why not."""
    try:
        await read
    except Exception as error:  # noqa: BLE001 - cocotbext-pcie raises nothing more special
        return str(error)
    return "data"


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(largest=[(0, 0), (2, 1), (5, 0)])
async def test_reads_and_writes_of_any_size_at_any_alignment(
    dut: Any, largest: tuple[int, int]
) -> None:
    """Neighbours of what is written stay, across pages that lie anywhere.

    `largest` are the codes of the largest read request and the largest payload.
    """
    read_request_size, payload = largest
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    endpoint.pcie_cap.max_read_request_size = read_request_size
    endpoint.pcie_cap.max_payload_size = bench.root_complex.max_payload_size = payload
    bench.unit.tables.add(Mapping(IOVA + MAPPED, SCATTERED, 0x1000))
    image = bytearray(bench.fill(IOVA, MAPPED))
    image += bench.rng.randbytes(0x1000)
    bench.platform.write(SCATTERED, image[MAPPED:])
    for size in SIZES:
        for alignment in [*bench.rng.sample(range(128), 2), *range(4)]:
            page = bench.rng.choice((0, 0xF80, MAPPED - 0x80, MAPPED + 0x1000 - 0x80 - 4096))
            offset = min(page + alignment, len(image) - size)
            assert await endpoint.mem_read(IOVA + offset, size) == image[offset : offset + size]
            image[offset : offset + size] = bench.rng.randbytes(size)
            await endpoint.mem_write(IOVA + offset, bytes(image[offset : offset + size]))
    await settle()
    assert bench.platform.read(HOST, MAPPED) + bench.platform.read(SCATTERED, 0x1000) == image
    assert not any(endpoint.tag_active)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_read_into_a_page_that_is_blocked_gets_the_data_before_it_and_ur(dut: Any) -> None:
    """A request never leaves its page, so each is answered whole: with all its data, or none."""
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    data = bench.fill(IOVA, MAPPED)
    bench.unit.block(IOVA + 0x1000)
    answers = await ask(endpoint, memory_read(endpoint, IOVA + 0xF80, 32))
    answers += await ask(endpoint, memory_read(endpoint, IOVA + 0x1000, 32))
    assert [(each.status.name, bytes(each.data)) for each in answers] == [
        ("SC", data[0xF80:0x1000]),
        ("UR", b""),
    ]
    with pytest.raises(Exception, match="Unsuccessful completion"):
        await endpoint.mem_read(IOVA + 0xF80, 256)
    assert not any(endpoint.tag_active)
    assert await endpoint.mem_read(IOVA + 0xF80, 128) == data[0xF80:0x1000]
    await endpoint.mem_write(IOVA + 0xFFE, b"1234")
    await settle()
    assert bench.memory(IOVA + 0xFFC, 8) == data[0xFFC:0xFFE] + b"12" + data[0x1000:0x1004]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_reset_of_the_units_alone_leaves_nobody_waiting(dut: Any) -> None:
    """What is in flight is answered, out of the page it was translated to."""
    bench = await Bench.start(latency=lambda _: SLOW)
    (endpoint,) = bench.endpoints
    data = bench.fill(IOVA, 64)
    reading = cocotb.start_soon(endpoint.mem_read(IOVA, 64))
    await settle()
    bench.platform.reset_units("cold")
    assert await reading == data
    assert not any(endpoint.tag_active)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(order=list(ResetOrder))
async def test_a_function_that_is_reset_with_the_platform_stops_waiting(
    dut: Any, order: ResetOrder
) -> None:
    """At once; reads that had no tag are sent when the tags are given out again."""
    latency = {"ns": SLOW}
    bench = await Bench.start(latency=lambda _: latency["ns"])
    (endpoint,) = bench.endpoints
    endpoint.tag_count = TAGS
    bench.platform.add_device(FunctionReset("endpoint", endpoint, hold=LINK))
    data = bench.fill(IOVA, MAPPED)
    reads = [
        cocotb.start_soon(outcome(endpoint.mem_read(IOVA + 64 * each, 64))) for each in range(40)
    ]
    await settle()
    start = get_sim_time("ns")
    bench.platform.reset("warm", order)
    bench.unit.enable()
    latency["ns"] = 0
    assert [await each for each in reads[:TAGS]] == ["Timeout"] * TAGS
    assert get_sim_time("ns") == start
    assert [await each for each in reads[TAGS:]] == ["data"] * (40 - TAGS)
    assert LINK < get_sim_time("ns") - start < 2 * LINK
    assert not any(endpoint.tag_active)
    for _ in range(2 * TAGS):
        address = bench.rng.randrange(MAPPED - 64)
        assert await endpoint.mem_read(IOVA + address, 64) == data[address : address + 64]


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(tags=[1, 2, TAGS], latency=[0, LINK])
async def test_what_was_on_the_link_at_a_reset_is_taken_for_nobody_elses(
    dut: Any, tags: int, latency: int
) -> None:
    """Whenever it comes, a completion or the request: on a narrow link a read takes its time."""
    bench = Bench(latency=lambda _: latency)
    device = Device()
    device.upstream_port.max_link_speed = device.upstream_port.max_link_width = 1
    endpoint, _ = make_function(device)
    bench.endpoints.append(endpoint)
    bench.root_complex.make_port().connect(device)
    await bench.enumerate()
    endpoint.tag_count = tags
    bench.platform.add_device(FunctionReset("endpoint", endpoint, hold=3 * LINK))
    data = bench.fill(IOVA, MAPPED)
    told = []
    for delay in range(10, 800, 60):
        reading = cocotb.start_soon(outcome(endpoint.mem_read(IOVA, 64)))
        await settle(latency + delay if delay > 400 else delay)
        bench.platform.reset_masters()
        told.append(await reading)
        for number in range(1, 4):
            address = IOVA + 64 * number
            assert await endpoint.mem_read(address, 64) == data[64 * number : 64 * number + 64]
    assert "Timeout" in told
    await settle(3 * LINK)
    assert not any(endpoint.tag_active)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_tag_that_a_reset_took_back_is_given_out_when_its_time_is_over(dut: Any) -> None:
    """The second reset starts the time of its own tag, and does not end that of another."""
    bench = await Bench.start(latency=lambda _: SLOW)
    (endpoint,) = bench.endpoints
    endpoint.tag_count = 2
    bench.platform.add_device(FunctionReset("endpoint", endpoint, hold=LINK))
    for _ in range(2):
        reading = cocotb.start_soon(outcome(endpoint.mem_read(IOVA, 64)))
        await settle(LINK // 2)
        bench.platform.reset_masters()
        assert await reading == "Timeout"
    assert sum(endpoint.tag_active) == 2
    await settle(LINK // 2 + 10)
    assert sum(endpoint.tag_active) == 1
    await settle(LINK // 2)
    assert sum(endpoint.tag_active) == 0


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(tag=[5, 300])
async def test_a_function_may_choose_its_tags_itself(dut: Any, tag: int) -> None:
    """The queues of cocotbext-pcie end at 255; what has handlers of its own may go on."""
    bench = await Bench.start(latency=lambda _: LINK)
    (endpoint,) = bench.endpoints
    data = bench.fill(IOVA, 4)
    came: list[Any] = []
    handle = endpoint.handle_tlp

    async def take(tlp: Any) -> None:
        if tlp.is_completion() and tlp.tag == 300:
            came.append(tlp)
        else:
            await handle(tlp)

    endpoint.handle_tlp = take
    bench.platform.add_device(FunctionReset("endpoint", endpoint, hold=LINK))
    read = memory_read(endpoint, IOVA)
    read.tag = tag
    await endpoint.send(read)
    if tag == 300:
        await settle(2 * LINK)
        assert [bytes(each.data) for each in came] == [data]
        return
    assert bytes((await endpoint.recv_cpl(tag)).data) == data
    await endpoint.send(read)
    waiting = cocotb.start_soon(endpoint.recv_cpl(tag))
    await settle(LINK // 2)
    bench.platform.reset_masters()
    assert await waiting is None
    await settle(2 * LINK)
    assert not any(endpoint.tag_active)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_function_level_reset_through_configuration_space_is_one_of_the_requester(
    dut: Any,
) -> None:
    """The other function of the device does not notice."""
    bench = await Bench.start(functions=2, latency=lambda _: SLOW)
    endpoint, other = bench.endpoints
    data = bench.fill(IOVA, 64)
    function_reset = FunctionReset("endpoint", endpoint)

    async def reset() -> None:
        bench.port(endpoint).reset()
        function_reset.reset(ResetKind.FUNCTION)

    endpoint.pcie_cap.initiate_function_level_reset = reset
    reads = [cocotb.start_soon(outcome(each.mem_read(IOVA, 64))) for each in (endpoint, other)]
    await settle()
    device = bench.root_complex.find_device(endpoint.pcie_id)
    await device.capability_write_word(PciCapId.EXP, DEVICE_CONTROL, INITIATE_RESET)
    assert [await each for each in reads] == ["Timeout", "data"]
    assert await endpoint.mem_read(IOVA, 64) == data
    assert function_reset.kinds == [ResetKind.FUNCTION]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_reset_between_completions_ends_the_wait_for_the_rest(dut: Any) -> None:
    bench = await Bench.start()
    (endpoint,) = bench.endpoints
    endpoint.pcie_cap.max_read_request_size = 5
    reset = FunctionReset("endpoint", endpoint, hold=LINK)
    bench.platform.add_device(reset)
    send = bench.root_complex.send
    sent: list[Any] = []

    async def send_two(completion: Any) -> None:
        sent.append(completion)
        await send(completion)
        if len(sent) == 2:
            await settle()
            bench.platform.reset()
            bench.unit.enable()

    bench.root_complex.send = send_two
    assert await outcome(endpoint.mem_read(IOVA, 512)) == "Timeout"
    assert len(sent) == 2
    bench.root_complex.send = send
    data = bench.fill(IOVA, 512)
    for _ in range(40):
        assert await endpoint.mem_read(IOVA, 512) == data
