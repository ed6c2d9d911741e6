"""What a run leaves behind: probes in its waveforms, timelines beside them, and coverage.

A testbench hands each platform it has to `record`, and its unit and requesters to `show_unit` and
`show_requester`. Where waveforms are written they have these beside the RTL, and timelines go
beside them; where the environment names a folder for coverage (`COVERAGE_FOLDER`), a file goes
there at the end of the simulation. Otherwise nothing is observed, and nothing costs time.
"""

from __future__ import annotations

import atexit
import os
from binascii import crc32
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.simtime import get_sim_time

import hdl_bridge.probe
from hdl_bridge.simulation import WAVES_FILE
from testbenches.memory_side import MEMORY
from testbenches.unit_probe import UnitProbe
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


def timeline_beside(waves: Path, number: int = 1) -> Path:
    """The file beside waveforms for the timeline of the first or a later platform of a run."""
    return waves.with_suffix(".trace.json" if number == 1 else f".{number}.trace.json")


def _save_coverage() -> None:
    folder = Path(os.environ[COVERAGE_FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    first, *others = _coverages
    first.merge(*others)
    first.save(folder / f"{_name_of_this_run()}.json")


def _name_of_this_run() -> str:
    """The same for the same run, so that what it covers is not counted twice."""
    module = os.environ["COCOTB_TEST_MODULES"].rpartition(".")[2]
    chosen = os.environ.get("COCOTB_TEST_FILTER", "")
    words = [
        module,
        cocotb.SIM_NAME.split()[0].lower(),
        os.environ.get(MEMORY, ""),
        os.environ.get("COCOTB_RANDOM_SEED", ""),
        f"{crc32(chosen.encode()):08x}" if chosen else "",
    ]
    return "-".join(word for word in words if word)
