"""What a run leaves behind: waveforms and timelines that tell the same, and coverage."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from pywellen import Waveform

from hdl_bridge.simulation import run
from hdl_bridge.simulators import available
from testbenches.designs import SG_DMA
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.cosim import COVERAGE_FOLDER, UnitProbe
from vtd_plugin.inspect.coverage import Coverage

if TYPE_CHECKING:
    from pathlib import Path

    from hdl_bridge.simulators import Simulator

MODULE = "tests.cosim.cocotb_recording"
TEST = "test_all_of_it_is_recorded"
STATE = ("translation", "root_table", "interrupt_remapping", "queue")

on_all_simulators = pytest.mark.parametrize(
    "simulator", available(), ids=lambda each: str(each.kind)
)


class Signals:
    """The signals of the unit's probe, in a file of waveforms."""

    def __init__(self, path: Path) -> None:
        prefix = f"{SG_DMA.top}.unit."
        self._signals = {
            variable.full_name.removeprefix(prefix): variable.signal
            for variable in Waveform(str(path)).all_vars()
            if variable.full_name.startswith(prefix)
        }

    def __getitem__(self, name: str) -> list[int]:
        return [value for _, value in self._signals[name]]

    def texts(self, name: str) -> set[str]:
        return {value.to_bytes(32, "big").lstrip(b"\0").decode() for value in self[name]} - {""}


@on_all_simulators
def test_waveforms_and_timeline_tell_the_same(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / f"waves{simulator.waves_suffix}"
    run(simulator, SG_DMA.top, SG_DMA.sources, MODULE, testcase=TEST, seed=1, waves=path)
    signals = Signals(path)
    for name in (*STATE, "fault_pending", "draining", "interrupt_entries"):
        assert signals[name] == [0, 1, 0], name
    for name in ("context_entries", "structure_entries", "iotlb_entries"):
        assert max(signals[name]) > signals[name][-1] == 0
    assert signals.texts("invalidation") == {"IOTLB page"}
    assert signals.texts("drain") == {"invalidation wait 1"}

    events = json.loads((tmp_path / "waves" / f"{TEST}.trace.json").read_text())
    drawn = Counter(_kind(event) for event in events)
    for name in ("walks", "invalidations", "switches", "faults"):
        assert drawn[name] == signals[name][-1] > 0
    assert drawn["drains"] == signals["drains_began"][-1] == signals["drains_ended"][-1] == 1


def _kind(event: dict[str, Any]) -> str:
    """Which counter an event of the timeline belongs to."""
    name = event["name"]
    if event["ph"] == "X":
        return {"page walk": "walks"}.get(name, "drains" if "invalidation wait" in name else "")
    if event["ph"] == "i":
        kinds = {" invalidation: ": "invalidations", "address space": "switches", "fault": "faults"}
        return next((kind for part, kind in kinds.items() if part in name), "")
    return ""


@on_all_simulators
def test_without_waveforms_there_is_nothing_but_the_coverage(
    simulator: Simulator, tmp_path: Path
) -> None:
    env = {COVERAGE_FOLDER: str(tmp_path)}
    test = "test_nothing_is_shown_without_waveforms"
    run(simulator, SG_DMA.top, SG_DMA.sources, MODULE, testcase=test, seed=1, env=env)
    (file,) = tmp_path.iterdir()
    assert Coverage.load(file).hits["requests"].total() == 1


@on_all_simulators
def test_each_platform_is_counted_by_itself(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / f"waves{simulator.waves_suffix}"
    tests = [TEST, "test_another_platform_is_counted_afresh"]
    run(simulator, SG_DMA.top, SG_DMA.sources, MODULE, testcase=tests, seed=1, waves=path)


def test_a_unit_of_another_platform_is_refused() -> None:
    unit = VtdUnit(name="stranger")
    with pytest.raises(ValueError, match="unit 'stranger' is not among the units of the platform"):
        UnitProbe(None, Platform(), unit)
