"""A master that does its DMA over AXI4-Lite, with an AxiMemory on bare wires."""

from __future__ import annotations

import itertools
import random
from typing import Any

import cocotb
from cocotbext.axi import AxiLiteMaster, AxiResp

from hdl_bridge.axi import AxiMemory
from tests.hdl_bridge.axi_bench import start_lite
from vtd_plugin.bus import Mapping, Platform
from vtd_plugin.bus.testing import FakeUnit

SOURCE_ID = "00:04.0"
IOVA, HOST, MAPPED = 0x4000, 0x10_0000, 0x2000


async def start(dut: Any) -> tuple[Platform, AxiMemory, AxiLiteMaster]:
    bus = await start_lite(dut)
    platform = Platform(4 << 20, load_entry_points=False)
    platform.add_unit(FakeUnit([Mapping(IOVA, HOST, MAPPED)]))
    memory = AxiMemory(bus, dut.clk, dut.rst, platform, SOURCE_ID)
    return platform, memory, AxiLiteMaster(bus, dut.clk, dut.rst)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(paused=[False, True])
async def test_accesses_of_any_size_go_through_the_unit(dut: Any, paused: bool) -> None:
    platform, memory, master = await start(dut)
    rng = random.Random(1)
    if paused:
        assert memory.write_if is not None
        assert memory.read_if is not None
        pauses = [rng.random() < 0.5 for _ in range(97)]
        for channel in (memory.write_if.w_channel, memory.write_if.b_channel):
            channel.set_pause_generator(itertools.cycle(pauses))
        memory.read_if.r_channel.set_pause_generator(itertools.cycle(pauses[::-1]))
    image = bytearray(rng.randbytes(MAPPED))
    platform.write(HOST, image)
    for _ in range(40):
        offset, size = rng.randrange(MAPPED - 64), rng.randrange(1, 64)
        assert (await master.read(IOVA + offset, size)).data == image[offset : offset + size]
        image[offset : offset + size] = data = rng.randbytes(size)
        assert (await master.write(IOVA + offset, data)).resp == AxiResp.OKAY
    assert platform.read(HOST, MAPPED) == image
    assert platform.requester(SOURCE_ID).in_flight == ()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_what_is_not_mapped_is_a_decode_error(dut: Any) -> None:
    platform, _, master = await start(dut)
    before = platform.read(0, 4 << 20)
    assert (await master.write(IOVA + MAPPED, b"1234")).resp == AxiResp.DECERR
    assert (await master.read(IOVA - 4, 4)).resp == AxiResp.DECERR
    assert platform.read(0, 4 << 20) == before
