"""What runs are called in the names of the files that they leave behind.

A name says what was run, and is the same whenever the same is run again. In one process no two runs
have the same name. Where something long is left out, a digest of it stands in its place.
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

LONGEST_TEST: Final = 32
"""Characters of the name of a test in it, without its parameters."""

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
        *_tests(testcases),
    )
    _given[name] += 1
    return name if _given[name] == 1 else f"{name}-{_given[name]}"


def name_test(test: str) -> str:
    """A test as part of the name of a file: its first words, and all its parameters.

    Args:
        test: As outcomes have it behind the module, such as ``copies/width=32``.
    """
    function, _, parameters = test.partition("/")
    if len(function) > LONGEST_TEST:
        digest = _digest(function)
        words = function[: LONGEST_TEST - len(digest)]
        function = (words.rpartition("_")[0] or words) + digest
    return file_name(f"{function}.{parameters}" if parameters else function)


def file_name(*words: str) -> str:
    """Words as the name of a file; if that is too long, a digest stands for its end."""
    name = "-".join(re.sub(r"[^\w.=-]+", "_", word) for word in words if word)
    if len(name) <= LONGEST:
        return name
    digest = _digest(name)
    return name[: LONGEST - len(digest)] + digest


def _tests(names: Sequence[str]) -> Sequence[str]:
    if len(names) > 1:
        return [f"{len(names)}_tests{_digest(' '.join(names))}"]
    return [name_test(name) for name in names]


def _digest(text: str) -> str:
    return f"-{crc32(text.encode()) & 0xFFFF:04x}"
