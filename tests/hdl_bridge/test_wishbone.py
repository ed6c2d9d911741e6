from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hdl_bridge.simulation import run
from hdl_bridge.simulators import available

if TYPE_CHECKING:
    from hdl_bridge.simulators import Simulator

MASTER = Path(__file__).parent / "wb_master.sv"


@pytest.mark.parametrize(("width", "seed"), [(32, 1), (64, 2)])
@pytest.mark.parametrize("simulator", available(), ids=lambda each: str(each.kind))
def test_behind_a_wishbone_master(simulator: Simulator, width: int, seed: int) -> None:
    run(
        simulator,
        "wb_master",
        [MASTER],
        "tests.hdl_bridge.cocotb_wishbone",
        parameters={"DATA_WIDTH": width},
        seed=seed,
    )
