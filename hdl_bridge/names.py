"""What runs are called in the names of the files that they leave behind.

A name says what was run, and is the same whenever the same is run again. In one process no two runs
have the same name.
"""

from __future__ import annotations

import os
import re
from binascii import crc32
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hdl_bridge.simulators import Simulator

LONGEST: Final = 120
"""Characters of a name: file systems take about twice as many."""

_given: Counter[str] = Counter()


def name_run(
    simulator: Simulator,
    module: str,
    *,
    testcases: Sequence[str] = (),
    parameters: Mapping[str, int],
    env: Mapping[str, str],
    seed: int | None,
) -> str:
    """Name a run that is about to begin; the arguments are those of `hdl_bridge.simulation.run`.

    Of the environment, paths are left out: they often are temporary, and say little.
    """
    name = file_name(
        module.rpartition(".")[2],
        simulator.kind,
        *(f"{parameter}={value}" for parameter, value in parameters.items()),
        *(value for value in env.values() if os.sep not in value),
        "" if seed is None else str(seed),
        *testcases,
    )
    _given[name] += 1
    return name if _given[name] == 1 else f"{name}-{_given[name]}"


def file_name(*words: str) -> str:
    """Words as the name of a file; if that is too long, a digest stands for its end."""
    name = "-".join(re.sub(r"[^\w.=-]+", "_", word) for word in words if word)
    if len(name) <= LONGEST:
        return name
    digest = f"-{crc32(name.encode()):08x}"
    return name[: LONGEST - len(digest)] + digest
