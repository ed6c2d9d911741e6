"""A native memory of which Python knows nothing."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus

from hdl_bridge.bursts import Burst
from tests.hdl_bridge.raw_master import RawMaster


@cocotb.test
async def a_read_is_not_answered(dut: Any) -> None:
    dut.rst.value = 1
    dut.stall.value = 0
    Clock(dut.clk, 10, unit="ns").start()
    master = RawMaster(AxiBus.from_prefix(dut, "axi"), dut)
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    await master.send_read(Burst(0x1000, 1, 4))
    await ClockCycles(dut.clk, 100)
    assert dut.axi_rvalid.value == 1, "nobody answers"
