"""What a run leaves beside its waveforms: a timeline of all that its platform did.

Whoever starts a simulation names the file in its environment; a testbench that has its platform
records it with `recorded`. Without a name nothing is observed, and nothing costs time.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cocotb.simtime import get_sim_time

from vtd_plugin.inspect.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin import Platform

TRACE: Final = "VTD_TRACE"
"""The environment variable that names the file for the timeline."""

SUFFIX: Final = ".trace.json"
"""What such a file is called, after the name of the waveforms."""


@contextmanager
def recorded(platform: Platform) -> Iterator[None]:
    """Record a platform in simulated time until the block ends, however it does."""
    path = os.environ.get(TRACE)
    if path is None:
        yield
        return
    trace = Trace(platform, lambda: get_sim_time("ns"))
    try:
        yield
    finally:
        trace.stop()
        trace.save(Path(path))
