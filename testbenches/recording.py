"""What a run leaves behind: timelines beside its waveforms, and coverage.

A testbench hands each platform it has to `record`. Where waveforms are written, timelines go beside
them; where the environment names a folder for coverage (`COVERAGE_FOLDER`), a file goes there at
the end of the simulation. Otherwise nothing is observed, and nothing costs time.
"""

from __future__ import annotations

import atexit
import os
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cocotb.simtime import get_sim_time

from hdl_bridge.simulation import WAVES_FILE
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.trace import Trace

if TYPE_CHECKING:
    from vtd_plugin import Platform

COVERAGE_FOLDER: Final = "VTD_COVERAGE_FOLDER"
"""The environment variable that has every simulation leave a coverage file in a folder."""

_platforms = count(1)
_coverages: list[Coverage] = []


def record(platform: Platform) -> None:
    """Record a platform from now on, as far as that is asked for."""
    waves = os.environ.get(WAVES_FILE)
    if waves is not None:
        path = timeline_beside(Path(waves), next(_platforms))
        atexit.register(Trace(platform, path, lambda: get_sim_time("ns")).close)
    if COVERAGE_FOLDER in os.environ:
        if not _coverages:
            atexit.register(_save_coverage)
        _coverages.append(Coverage(platform))


def timeline_beside(waves: Path, number: int = 1) -> Path:
    """The file beside waveforms for the timeline of the first or a later platform of a run."""
    return waves.with_suffix(".trace.json" if number == 1 else f".{number}.trace.json")


def _save_coverage() -> None:
    folder = Path(os.environ[COVERAGE_FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    first, *others = _coverages
    first.merge(*others)
    first.save(folder / f"simulation-{os.getpid()}.json")
