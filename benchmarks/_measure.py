"""Measuring side by side, and reporting what was measured.

A figure by itself says more about a machine than about the model, so each is taken together with
that of a named rival: both take turns within one run, and what counts is the ratio of each turn.
"""

from __future__ import annotations

import gc
import json
import os
import platform
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from time import process_time_ns
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NANOSECONDS_PER_SECOND: Final = 1_000_000_000

_WIDTH: Final = 110
"""Columns of a table that goes to a file or a pipe."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Two ways of doing the same work.

    Attributes:
        subject: What is measured.
        rival: What it is compared with.
        operations: How many operations one turn of either has.
        run_subject: Takes a turn.
        run_rival: Takes a turn.
    """

    subject: str
    rival: str
    operations: int
    run_subject: Callable[[], object]
    run_rival: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Figure:
    """The middle of several values, and the quartiles around it."""

    median: float
    lower: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        """Sum up values; there must be one at least."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        lower, _, upper = quantiles(values, n=4, method="inclusive")
        return cls(median(values), lower, upper)

    def per_second(self) -> Figure:
        """The rate, if the values are nanoseconds."""
        second = NANOSECONDS_PER_SECOND
        return Figure(second / self.median, second / self.upper, second / self.lower)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a contest came out.

    Attributes:
        subject: What was measured.
        rival: What it was compared with.
        subject_time: Nanoseconds per operation.
        rival_time: Nanoseconds per operation.
        times_as_fast: The rival's time by the subject's; from the turns, not from the medians.
    """

    subject: str
    rival: str
    subject_time: Figure
    rival_time: Figure
    times_as_fast: Figure


def compare(contests: Sequence[Contest], repeats: int) -> list[Comparison]:
    """Let subjects and rivals of all contests take turns; what counts is time of the processor.

    Args:
        contests: Who takes part.
        repeats: Turns of each; a first turn that warms up does not count.
    """
    turns: list[list[tuple[float, float]]] = [[] for _ in contests]
    with _undisturbed():
        for repeat in range(repeats + 1):
            for contest, times in zip(contests, turns, strict=True):
                pair = _turn(contest, rival_first=repeat % 2 == 1)
                if repeat:
                    times.append(pair)
    return [
        sum_up(contest.subject, contest.rival, times)
        for contest, times in zip(contests, turns, strict=True)
    ]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the garbage collector, which comes when it wants to."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _turn(contest: Contest, *, rival_first: bool) -> tuple[float, float]:
    """Nanoseconds per operation of subject and rival, which take turns in coming first."""
    if rival_first:
        rival = _time(contest.run_rival)
        subject = _time(contest.run_subject)
    else:
        subject = _time(contest.run_subject)
        rival = _time(contest.run_rival)
    return subject / contest.operations, rival / contest.operations


def _time(run: Callable[[], object]) -> int:
    # Time of the processor: what else the machine does would hit long turns more than short ones.
    start = process_time_ns()
    run()
    return max(process_time_ns() - start, 1)


def sum_up(subject: str, rival: str, times: Sequence[tuple[float, float]]) -> Comparison:
    """Compare by turns that were timed elsewhere.

    Args:
        subject: What was measured.
        rival: What it was compared with.
        times: Nanoseconds per operation of both, by turn.
    """
    return Comparison(
        subject,
        rival,
        Figure.of([one for one, _ in times]),
        Figure.of([other for _, other in times]),
        Figure.of([other / one for one, other in times]),
    )


def show(title: str, comparisons: Sequence[Comparison], *, rate: str | None = None) -> None:
    """Print the comparisons as a table.

    Args:
        title: Its heading.
        comparisons: Its rows.
        rate: Unit of a rate to show instead of times, such as ``"beats/s"``.
    """
    unit, ratio = rate or "ns", "times as\nfast"
    table = Table(title=title, title_justify="left", caption=_machine_text())
    for column in ("subject", unit, "rival", unit, ratio, "quartiles"):
        table.add_column(column, justify="right" if column in (unit, ratio) else "left")
    for row in comparisons:
        subject, rival = (
            time.per_second() if rate else time for time in (row.subject_time, row.rival_time)
        )
        speed = row.times_as_fast
        table.add_row(
            row.subject,
            f"{subject.median:,.0f}",
            row.rival,
            f"{rival.median:,.0f}",
            f"{speed.median:.3g}",
            f"{speed.lower:.3g} to {speed.upper:.3g}",
        )
    console = Console()
    if not console.is_terminal:
        console.width = _WIDTH
    console.print(table)


def as_json(comparisons: Sequence[Comparison], **parameters: object) -> str:
    """The comparisons for programs, all times in nanoseconds per operation.

    Args:
        comparisons: What was measured.
        **parameters: What it was measured with.
    """
    results = [
        {
            "subject": {"name": row.subject, "ns": _numbers(row.subject_time)},
            "rival": {"name": row.rival, "ns": _numbers(row.rival_time)},
            "times_as_fast": _numbers(row.times_as_fast),
        }
        for row in comparisons
    ]
    document = {"machine": machine(), "parameters": parameters, "results": results}
    return json.dumps(document, indent=2)


def _numbers(figure: Figure) -> dict[str, float]:
    return {"median": figure.median, "lower": figure.lower, "upper": figure.upper}


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


def _machine_text() -> str:
    found = machine()
    return f"{found['python']}, {found['system']}, {found['processors']} processors"
