"""Runs the Wishbone master behind a unit, and reads what that leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pywellen import Waveform

from hdl_bridge.simulation import run
from testbenches.designs import WB_MASTER
from vtd_plugin.cosim import COVERAGE_FOLDER
from vtd_plugin.inspect.coverage import Coverage

if TYPE_CHECKING:
    from pathlib import Path

    from hdl_bridge.simulators import Simulator

MODULE = "testbenches.wishbone.cocotb_wishbone_vtd"


@pytest.mark.parametrize("pipelined", [0, 1])
def test_behind_a_unit(simulator: Simulator, pipelined: int, seed: int) -> None:
    """In either mode."""
    run(
        simulator,
        WB_MASTER.top,
        WB_MASTER.sources,
        MODULE,
        parameters={"DATA_WIDTH": 64, "PIPELINED": pipelined},
        seed=seed,
    )


def test_waveforms_timelines_and_coverage_are_there(simulator: Simulator, tmp_path: Path) -> None:
    """As those of the other masters are, when they are asked for."""
    waves = tmp_path / f"waves{simulator.waves_suffix}"
    env = {COVERAGE_FOLDER: str(tmp_path / "coverage")}
    outcomes = run(
        simulator, WB_MASTER.top, WB_MASTER.sources, MODULE, seed=1, env=env, waves=waves
    )
    signals = {variable.full_name: variable.signal for variable in Waveform(str(waves)).all_vars()}

    def values(name: str) -> set[int]:
        return {value for _, value in signals[f"{WB_MASTER.top}.{name}"]}

    assert values("unit.translation") == values("unit.draining") == {0, 1}
    assert values("probe.remapped") == {0, 1}
    assert values("unit.faults") == values("probe.faults") > {0}
    assert values("probe.request_iova") & values("wb_adr_o") - {0}
    assert len([*(tmp_path / "waves").iterdir()]) == len(outcomes)
    (file,) = (tmp_path / "coverage").iterdir()
    assert Coverage.load(file).hits["requests"].total() > len(outcomes)
