"""Runs the soak of the Wishbone master, in either mode and with either width."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hdl_bridge.simulation import run
from testbenches import soak_seeds
from testbenches.designs import WB_MASTER

if TYPE_CHECKING:
    from hdl_bridge.simulators import Simulator


@pytest.mark.parametrize("pipelined", [0, 1])
@pytest.mark.parametrize("width", [32, 64])
def test_soak(simulator: Simulator, width: int, pipelined: int, seeds: range) -> None:
    """All seeds in one simulation."""
    run(
        simulator,
        WB_MASTER.top,
        WB_MASTER.sources,
        "testbenches.wishbone.cocotb_wishbone_soak",
        parameters={"DATA_WIDTH": width, "PIPELINED": pipelined},
        seed=seeds.start,
        env=soak_seeds.environment(seeds),
        timeout=600 + 10 * len(seeds),
    )
