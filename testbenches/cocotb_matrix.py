"""The cells of the reset matrix of one memory, each a test; what they checked goes to a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb import Param

from testbenches.cells import Cell, cells, check
from testbenches.matrix_results import RESULTS
from testbenches.memory_side import Memory

_CELLS = [Param(cell, cell.name_in_memory) for cell in cells(Memory.of_this_simulation())]


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(cell=_CELLS)
async def every_byte_lands_where_it_must(dut: Any, cell: Cell) -> None:
    checked = await check(dut, cell)
    if RESULTS in os.environ:
        with Path(os.environ[RESULTS]).open("a") as file:
            file.write(json.dumps(checked.record()) + "\n")
