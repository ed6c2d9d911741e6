"""The cells of the reset matrix on the native memory, each a test of its own."""

from __future__ import annotations

from typing import Any

import cocotb

from testbenches.cells import NATIVE_MEMORIES, Cell, cells, check


@cocotb.test
@cocotb.parametrize(cell=list(cells(NATIVE_MEMORIES)))
async def every_byte_lands_where_it_must(dut: Any, cell: Cell) -> None:
    checked = await check(dut, cell)
    assert checked.bytes_compared
