"""What a run leaves behind: probes in its waveforms, timelines beside them, and coverage.

A cocotb test hands each platform it has to `record`. Where `hdl_bridge.simulation.run` started it,
what is recorded follows from what was asked for there: without waveforms there are no probes and no
timelines, and nothing costs time. Whoever else starts it gets both.
"""

from __future__ import annotations

import atexit
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cocotb.simtime import get_sim_time
from cocotb.task import current_task

from hdl_bridge import probe as bus_probe
from hdl_bridge.names import name_test
from hdl_bridge.simulation import RUN_NAME, WAVES_FILE
from vtd_plugin.cosim.unit_probe import UnitProbe
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.trace import Trace
from vtd_plugin.iommu import VtdUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from hdl_bridge.burst_port import BurstPort
    from vtd_plugin.bus import Platform

    Probes: TypeAlias = Mapping[VtdUnit | BurstPort | int | str, Any]

SOURCES: Final = (bus_probe.SOURCE, Path(__file__).parent / "rtl" / "vtd_probe.sv")
"""The files to build a testbench with: ``bus_probe`` and ``vtd_probe``."""

COVERAGE_FOLDER: Final = "VTD_COVERAGE_FOLDER"
"""The environment variable that has every simulation leave a coverage file in a folder."""

_recorded: Counter[str] = Counter()
_coverages: list[Coverage] = []


def record(
    platform: Platform, probes: Probes | None = None, *, timeline: Path | None = None
) -> Recording:
    """Record a platform from now on, as far as that is asked for.

    Args:
        platform: The platform.
        probes: For units their ``vtd_probe`` instances, and for requesters their ``bus_probe``
            instances. A requester is what `hdl_bridge.probe.show` takes: a bridge, or a source-id.
        timeline: The file for the timeline. By default, beside waveforms that
            `hdl_bridge.simulation.run` writes, as `timeline_beside` says; otherwise in the current
            folder, named after the test.

    Returns:
        What to show further requesters with, or to stop with; at the end of the simulation all
        files are whole without that.

    Raises:
        OSError: The timeline cannot be written.
        TypeError: `probes` has something that is neither unit nor requester.
        ValueError: It has a unit of another platform, or a number that is no source-id.
    """
    recording = Recording(platform)
    recording.show(probes or {})
    if recording.is_wanted:
        recording.draw(_timeline() if timeline is None else timeline)
    if COVERAGE_FOLDER in os.environ:
        if not _coverages:
            atexit.register(_save_coverage)
        _coverages.append(Coverage(platform))
    return recording


class Recording:
    """What `record` began.

    Attributes:
        is_wanted: Whether signals and a timeline are asked for.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._ends: list[Callable[[], None]] = []
        self.is_wanted = WAVES_FILE in os.environ or RUN_NAME not in os.environ

    def show(self, probes: Probes) -> None:
        """Show further units and requesters, such as endpoints once they are enumerated.

        Raises:
            TypeError: Something is neither unit nor requester.
            ValueError: A unit of another platform, or a number that is no source-id.
        """
        if not self.is_wanted:
            return
        for shown, probe in probes.items():
            if isinstance(shown, VtdUnit):
                self._ends.append(UnitProbe(probe, self._platform, shown).stop)
            else:
                self._ends.append(bus_probe.show(probe, self._platform, shown))

    def draw(self, timeline: Path) -> None:
        """Draw a timeline in a file."""
        timeline.parent.mkdir(parents=True, exist_ok=True)
        trace = Trace(self._platform, timeline, lambda: get_sim_time("ns"))
        self._ends.append(trace.close)
        atexit.register(trace.close)

    def stop(self) -> None:
        """Show and draw no longer; the timeline is whole."""
        for end in self._ends:
            end()


def timeline_beside(waves: Path, test: str = "") -> Path:
    """The file for the timeline of a test, in a folder named like the waveforms beside them.

    Without a test, and where the waveforms are of that test alone, it has their name.
    """
    name = name_test(test)
    if not name or waves.stem.endswith(f"-{name}"):
        return waves.with_suffix(".trace.json")
    return waves.with_suffix("") / f"{name}.trace.json"


def _timeline() -> Path:
    """The file for a timeline of the test that runs."""
    waves = os.environ.get(WAVES_FILE)
    if waves is None:
        return Path(f"{name_test(_running_test())}.trace.json")
    return timeline_beside(Path(waves), _running_test())


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
    name = os.environ.get(RUN_NAME) or os.environ["COCOTB_TEST_MODULES"]
    first.save(folder / f"{name}.json")
