"""The cells of the reset matrix, each a test of its own; what they checked goes to a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import cocotb

from testbenches.cells import Cell, cells, check

RESULTS: Final = "VTD_MATRIX_RESULTS"
"""The environment variable that names the file for what was checked; unset for none."""


@cocotb.test
@cocotb.parametrize(cell=list(cells()))
async def every_byte_lands_where_it_must(dut: Any, cell: Cell) -> None:
    checked = await check(dut, cell)
    if RESULTS in os.environ:
        with Path(os.environ[RESULTS]).open("a") as file:
            file.write(json.dumps(checked.record()) + "\n")
