"""Files are named so that one finds what one has seen to fail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hdl_bridge.simulation import WAVES_FOLDER
from testbenches.cells import Cell
from testbenches.moments import Moment
from testbenches.setups import setups
from testbenches.triggers import Trigger
from vtd_plugin.cosim import COVERAGE_FOLDER, timeline_beside

if TYPE_CHECKING:
    import pytest


def test_files_are_named_after_the_run_and_the_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = setups("sg_dma")[0]
    cell = Cell(Trigger.WARM_RESET, "units-first", Moment.IDLE, "", setup.memory)
    for variable in (WAVES_FOLDER, COVERAGE_FOLDER):
        monkeypatch.setenv(variable, str(tmp_path))
    setup.run("cocotb_matrix", testcase=[cell.test], seed=3)
    test = "every_byte_lands_where_it_must.cell=warm_reset_units-first_idle"
    run = f"cocotb_matrix-{setup.simulator.kind}-{setup.memory}-3-{test}"
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{run}{setup.simulator.waves_suffix}",
        f"{run}.trace.json",
        f"{run}.json",
    }


def test_timelines_of_one_run_are_named_after_their_tests() -> None:
    waves = Path("cocotb_matrix-icarus-AxiRam-1-18_tests-5f3a.fst")
    timeline = timeline_beside(waves, "every_byte_lands_where_it_must/cell=SRTP_idle")
    test = "every_byte_lands_where_it_must.cell=SRTP_idle"
    assert timeline == Path(waves.stem, f"{test}.trace.json")
    assert timeline_beside(Path("build/demo.fst")) == Path("build/demo.trace.json")
