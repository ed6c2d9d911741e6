"""Buses that lack signals, or leave them unknown, behind AXI memories over bare wires."""

from __future__ import annotations

import os
from typing import Any

import cocotb
import pytest
from cocotb.types import LogicArray
from cocotbext.axi import AxiBus, AxiReadBus, AxiWriteBus

from hdl_bridge.axi import AxiMemory
from hdl_bridge.bursts import Burst, Response
from tests.hdl_bridge.axi_bench import SOURCE_ID, SUBORDINATE, lacking, start, subordinate
from tests.hdl_bridge.raw_master import RawMaster
from vtd_plugin.bus import Platform

OKAY = Response.OKAY
HAS_DEFAULTS = ("id", "len", "size", "burst", "lock", "cache", "prot", "qos", "region", "user")
VERILATOR = cocotb.SIM_NAME.lower().startswith("verilator")


@cocotb.test
async def without_strobes_just_what_each_beat_covers_is_written(dut: Any) -> None:
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    subordinate(lacking(AxiBus.from_prefix(dut, "axi"), "wstrb"), dut, platform, SOURCE_ID)
    master = RawMaster(AxiBus.from_prefix(dut, "axi"), dut)
    width = master.bus_bytes
    every = (1 << 8 * width) - 1
    image = bytearray(0x200)
    for burst in (
        Burst(0x102, 1, 2),
        Burst(0x121, 1, 4),
        Burst(0x143, 3, 2),
        Burst(0x161, 2, width),
        Burst(0x1A0, 1, width),
    ):
        assert await master.write(burst, [every] * burst.beats, [0] * burst.beats) == OKAY
        for first, stop in burst.spans():
            image[first:stop] = b"\xff" * (stop - first)
        assert platform.read(0, 0x200) == image, burst


@cocotb.test(skip=VERILATOR)
async def what_makes_no_difference_may_be_unknown(dut: Any) -> None:
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    bus = AxiBus.from_prefix(dut, "axi")
    subordinate(bus, dut, platform, SOURCE_ID)
    master = RawMaster(bus, dut)
    unknown: Any = LogicArray("X")
    master.lock = unknown
    master.user = LogicArray("X" * 32)  # type: ignore[assignment]
    burst = Burst(0x100, 1, 4)
    assert await master.write(burst, [0x1234], [0xF]) == OKAY
    assert await master.read(burst) == ([0x1234], [OKAY])


@cocotb.test(skip=os.environ[SUBORDINATE] != "AxiMemory")
async def signals_that_a_bus_lacks_have_their_default_values(dut: Any) -> None:
    """A whole bus word, one beat, no identifier; a stock slave cannot do without them."""
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    names = [channel + name for channel in ("aw", "ar") for name in HAS_DEFAULTS]
    bus = lacking(AxiBus.from_prefix(dut, "axi"), *names, "bid", "rid", "bresp", "rresp", "rlast")
    AxiMemory(bus, dut.clk, dut.rst, platform, SOURCE_ID)
    master = RawMaster(AxiBus.from_prefix(dut, "axi"), dut)
    width = master.bus_bytes
    word = int.from_bytes(bytes(range(1, width + 1)), "little")
    burst = Burst(0x100, 1, width)
    await master.send_write(burst, [word], [(1 << width) - 1])
    await master.b.recv()
    assert platform.read(0x100, width) == bytes(range(1, width + 1))
    await master.send_read(burst)
    assert int((await master.r.recv()).rdata) == word


@cocotb.test(skip=os.environ[SUBORDINATE] != "AxiMemory")
async def what_has_no_default_value_is_named(dut: Any) -> None:
    await start(dut)
    port = Platform(1 << 20, load_entry_points=False).requester(SOURCE_ID)

    def memory(bus: Any) -> AxiMemory:
        return AxiMemory(bus, dut.clk, dut.rst, port)

    with pytest.raises(ValueError, match=r"the bus lacks wlast, rvalid$"):
        memory(lacking(AxiBus.from_prefix(dut, "axi"), "wlast", "rvalid", "awid"))
    for kind in (AxiBus, AxiWriteBus, AxiReadBus):
        with pytest.raises(ValueError, match="no signals of AXI: is its prefix right"):
            memory(kind.from_prefix(dut, "no_such_prefix"))
    for wrong in (None, dut, dut.axi_awvalid, AxiBus):
        with pytest.raises(TypeError, match="is no AxiBus or AxiLiteBus"):
            memory(wrong)


@cocotb.test(skip=os.environ[SUBORDINATE] != "AxiMemory")
async def a_bus_may_have_one_direction(dut: Any) -> None:
    await start(dut)
    port = Platform(1 << 20, load_entry_points=False).requester(SOURCE_ID)
    write = ("awaddr", "awvalid", "awready", "wdata", "wlast", "wvalid", "wready", "bvalid")
    bus = lacking(AxiBus.from_prefix(dut, "axi"), *write, "bready")
    memory = AxiMemory(bus, dut.clk, dut.rst, port)
    assert memory.write_if is None
    master = RawMaster(AxiBus.from_prefix(dut, "axi"), dut)
    assert (await master.read(Burst(0x100, 1, 4)))[1] == [OKAY]
