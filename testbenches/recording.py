"""What a run leaves behind: probes in its waveforms, timelines beside them, and coverage.

A testbench hands each platform it has to `record`, and its unit and requesters to `show_unit` and
`show_requester`. Where waveforms are written they have these beside the RTL, and timelines go
beside them; where the environment names a folder for coverage (`COVERAGE_FOLDER`), a file goes
there at the end of the simulation. Otherwise nothing is observed, and nothing costs time.
"""

from __future__ import annotations

import atexit
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cocotb.simtime import get_sim_time
from cocotb.task import current_task

import hdl_bridge.probe
from hdl_bridge.names import name_test
from hdl_bridge.simulation import RUN_NAME, WAVES_FILE
from testbenches.unit_probe import UnitProbe
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.trace import Trace

if TYPE_CHECKING:
    from vtd_plugin import Platform

COVERAGE_FOLDER: Final = "VTD_COVERAGE_FOLDER"
"""The environment variable that has every simulation leave a coverage file in a folder."""

_recorded: Counter[str] = Counter()
_coverages: list[Coverage] = []


def record(platform: Platform, test: str | None = None) -> None:
    """Record a platform from now on, as far as that is asked for.

    Args:
        platform: The platform.
        test: What its timeline is named after, see `timeline_beside`; by default the cocotb test
            that records it.
    """
    waves = os.environ.get(WAVES_FILE)
    if waves is not None:
        path = timeline_beside(Path(waves), _running_test() if test is None else test)
        path.parent.mkdir(exist_ok=True)
        atexit.register(Trace(platform, path, lambda: get_sim_time("ns")).close)
    if COVERAGE_FOLDER in os.environ:
        if not _coverages:
            atexit.register(_save_coverage)
        _coverages.append(Coverage(platform))


def show_unit(platform: Platform, probe: Any) -> None:
    """Show the unit of a platform from now on, where waveforms are written.

    Args:
        platform: The platform.
        probe: The ``vtd_probe`` that is to show it.
    """
    if WAVES_FILE in os.environ:
        UnitProbe(probe, platform)


def show_requester(platform: Platform, source_id: int | str, probe: Any) -> None:
    """Show a requester from now on, where waveforms are written.

    Args:
        platform: The platform.
        source_id: The requester.
        probe: The ``bus_probe`` that is to show it.
    """
    if WAVES_FILE in os.environ:
        hdl_bridge.probe.show(probe, platform, source_id)


def timeline_beside(waves: Path, test: str = "") -> Path:
    """The file for the timeline of a test, in a folder named like the waveforms beside them.

    Without a test, and where the waveforms are of that test alone, it has their name.
    """
    name = name_test(test)
    if not name or waves.stem.endswith(f"-{name}"):
        return waves.with_suffix(".trace.json")
    return waves.with_suffix("") / f"{name}.trace.json"


def _running_test() -> str:
    """The name of the test that runs; with a number where it has more than one platform."""
    name = current_task().get_name().removeprefix("Test ")
    _recorded[name] += 1
    return name if _recorded[name] == 1 else f"{name}/{_recorded[name]}"


def _save_coverage() -> None:
    folder = Path(os.environ[COVERAGE_FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    first, *others = _coverages
    first.merge(*others)
    first.save(folder / f"{os.environ[RUN_NAME]}.json")
