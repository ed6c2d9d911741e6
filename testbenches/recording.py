"""What a run leaves beside its waveforms: timelines of all that its platforms did.

One option asks for both: where waveforms are written, each platform that a testbench hands to
`record` is drawn in a file beside them. Otherwise nothing is observed, and nothing costs time.
"""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from cocotb.simtime import get_sim_time

from hdl_bridge.simulation import WAVES_FILE
from vtd_plugin.inspect.trace import Trace

if TYPE_CHECKING:
    from vtd_plugin import Platform

_platforms = count(1)


def record(platform: Platform) -> None:
    """Draw a platform in simulated time from now on, if waveforms are written."""
    waves = os.environ.get(WAVES_FILE)
    if waves is not None:
        path = timeline_beside(Path(waves), next(_platforms))
        Trace(platform, path, lambda: get_sim_time("ns"))


def timeline_beside(waves: Path, number: int = 1) -> Path:
    """The file beside waveforms for the timeline of the first or a later platform of a run."""
    return waves.with_suffix(".trace.json" if number == 1 else f".{number}.trace.json")
