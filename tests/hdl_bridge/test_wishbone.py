from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hdl_bridge.simulation import run
from hdl_bridge.simulators import available
from testbenches.designs import WB_MASTER

if TYPE_CHECKING:
    from hdl_bridge.simulators import Simulator

SLAVE = Path(__file__).parent / "wb_slave.sv"

on_all_simulators = pytest.mark.parametrize(
    "simulator", available(), ids=lambda each: str(each.kind)
)


@pytest.mark.parametrize(
    ("width", "pipelined", "seed"), [(32, 0, 1), (64, 0, 2), (32, 1, 3), (64, 1, 4)]
)
@on_all_simulators
def test_behind_a_wishbone_master(
    simulator: Simulator, width: int, pipelined: int, seed: int
) -> None:
    run(
        simulator,
        WB_MASTER.top,
        WB_MASTER.sources,
        "tests.hdl_bridge.cocotb_wishbone",
        parameters={"DATA_WIDTH": width, "PIPELINED": pipelined},
        seed=seed,
    )


@pytest.mark.parametrize("width", [32, 64])
@on_all_simulators
def test_behind_a_wishbone_master_with_several_accesses_under_way(
    simulator: Simulator, width: int
) -> None:
    run(
        simulator,
        WB_MASTER.top,
        WB_MASTER.sources,
        "tests.hdl_bridge.cocotb_wishbone_pipelined",
        parameters={"DATA_WIDTH": width, "PIPELINED": 1},
        seed=1,
    )


@pytest.mark.parametrize(
    ("width", "unit", "pipelined", "seed"),
    [(32, 1, 0, 1), (64, 8, 0, 2), (32, 4, 1, 3), (64, 1, 1, 4)],
)
@on_all_simulators
def test_a_wishbone_master_of_a_testbench(
    simulator: Simulator, width: int, unit: int, pipelined: int, seed: int
) -> None:
    run(
        simulator,
        "wb_slave",
        [SLAVE],
        "tests.hdl_bridge.cocotb_wishbone_master",
        parameters={"DATA_WIDTH": width, "ADDRESS_UNIT": unit, "PIPELINED": pipelined},
        seed=seed,
    )
