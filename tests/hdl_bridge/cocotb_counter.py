"""Cocotb tests of a counter, of which some fail on purpose, to test the runner with."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles


@cocotb.test
async def counts(dut: Any) -> None:
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 1)
    before = int(dut.count.value)
    await ClockCycles(dut.clk, 4)
    assert int(dut.count.value) - before == 4


@cocotb.test
async def never_counts(dut: Any) -> None:
    raise AssertionError("asked for by the ending of its name")


@cocotb.test
@cocotb.parametrize(by=[1, 11])
async def advances(dut: Any, by: int) -> None:
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 1)
    before = int(dut.count.value)
    await ClockCycles(dut.clk, by)
    assert int(dut.count.value) - before == by


@cocotb.test
async def is_as_wide_as_told(dut: Any) -> None:
    assert len(dut.count) == int(os.environ["EXPECTED_WIDTH"])


@cocotb.test
async def draws_the_number_of_its_seed(dut: Any) -> None:
    raise AssertionError(f"drew {random.randrange(1 << 32)}")


@cocotb.test
async def breaks_off(dut: Any) -> None:
    os._exit(1)


@cocotb.test
async def hangs(dut: Any) -> None:
    if "TELL_PID" in os.environ:
        Path(os.environ["TELL_PID"]).write_text(str(os.getpid()))
    time.sleep(600)
