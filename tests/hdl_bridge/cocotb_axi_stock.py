"""What only stock slaves have: classes for one direction."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotbext.axi import AxiBus, AxiRamRead, AxiRamWrite

from hdl_bridge.axi import attach
from hdl_bridge.bursts import Burst, Response
from tests.hdl_bridge.axi_bench import start
from tests.hdl_bridge.raw_master import RawMaster
from vtd_plugin.bus import Platform


@cocotb.test
async def one_direction_alone_can_be_attached(dut: Any) -> None:
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    bus = AxiBus.from_prefix(dut, "axi")
    attach(AxiRamWrite(bus.write, dut.clk, dut.rst, size=1 << 20), platform, "00:01.0")
    attach(AxiRamRead(bus.read, dut.clk, dut.rst, size=1 << 20), platform, "00:02.0")
    master = RawMaster(bus, dut)
    burst = Burst(0x100, 1, 4)
    seen: list[Any] = []
    platform.add_observer(seen.append)
    assert await master.write(burst, [0x1234], [0xF]) == Response.OKAY
    assert (await master.read(burst))[0] == [0x1234]
    assert {event.source_id for event in seen} == {0x08, 0x10}
