"""Which seeds a soak runs with, each as a cocotb test of its own: its environment says so."""

from __future__ import annotations

import os
from typing import Final

_SEEDS: Final = "VTD_SOAK_SEEDS"
"""The environment variable that gives the first seed and their number, ``1:50``."""


def seeds_of_this_simulation() -> range:
    """Those that the environment says; without, as where nothing runs, the first alone."""
    first, number = map(int, os.environ.get(_SEEDS, "1:1").split(":"))
    return range(first, first + number)


def environment(seeds: range) -> dict[str, str]:
    """The environment of a simulation with these seeds."""
    return {_SEEDS: f"{seeds.start}:{len(seeds)}"}
