"""Which tests of a module a run is of: those of exactly the names that were asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from hdl_bridge._steps import run_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from hdl_bridge.simulators import Simulator

_LISTING_TIMEOUT: Final = 60.0
"""Seconds; RTL with a clock of its own runs on when all tests are listed."""


def names_of(testcase: str | Sequence[str]) -> list[str]:
    """The names that were asked for.

    Raises:
        ValueError: There is none.
    """
    names = [testcase] if isinstance(testcase, str) else list(testcase)
    if not names:
        raise ValueError("testcase is empty; leave it out to run all tests")
    return names


def pattern(names: Iterable[str]) -> str:
    """A regular expression that matches ``module.name`` for these names, and nothing else."""
    return rf"\A[\w.]+\.(?:{'|'.join(re.escape(name) for name in names)})\Z"


def require(
    names: Iterable[str],
    found: Sequence[str],
    simulator: Simulator,
    arguments: Mapping[str, Any],
    log: Path,
) -> None:
    """See to it that there is a test of each name.

    Args:
        names: The names that were asked for.
        found: The full names of the tests that ran.
        simulator: Where they ran.
        arguments: How the runner was told to run them.
        log: The file for a list of all tests; that needs a simulation, and is made only if one
            of the names was not found.

    Raises:
        ValueError: There is no test of a name.
    """
    missing = _without(names, found)
    if not missing:
        return
    environment = {**arguments["extra_env"], "COCOTB_LIST_TESTS": "1", "PYTHONUNBUFFERED": "1"}
    listing = {**arguments, "test_filter": None, "extra_env": environment}
    run_step(simulator, "test", listing, log, _LISTING_TIMEOUT)
    lines = log.read_text(errors="replace").splitlines()
    start = f"{arguments['test_module']}."
    there = [line.removeprefix(start) for line in lines if line.startswith(start)]
    unknown = _without(missing, lines)
    # Where tests cannot even be listed, that is what is wrong.
    if there and unknown:
        all_names = "".join(f"\n  {name}" for name in there)
        raise ValueError(
            f"{arguments['test_module']} has no test {unknown[0]!r}; it has:{all_names}"
        )


def _without(names: Iterable[str], found: Sequence[str]) -> list[str]:
    return [name for name in names if not any(re.match(pattern([name]), each) for each in found)]
