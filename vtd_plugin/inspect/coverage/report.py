"""Functional coverage for people: a table, what was never hit, and what cannot have been.

Each axis of a covergroup is a coverpoint, and so is the cross of all. Bins that are ruled out are
in no number; should one be hit nevertheless, `contradictions` has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from vtd_plugin.inspect.coverage.bins import COVERGROUPS
from vtd_plugin.inspect.coverage.model import CROSS, points_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from vtd_plugin.inspect.coverage.model import Bin, Coverpoint

    Hits: TypeAlias = Mapping[str, Mapping[Bin, int]]
    """How often each bin was hit, by name of its covergroup."""


def coverpoints(hits: Hits) -> list[Coverpoint]:
    """Every coverpoint with its hits, group by group, the cross of a group last."""
    return [point for group in COVERGROUPS for point in points_of(group, hits.get(group.name, {}))]


def percent(covered: int, size: int) -> float:
    """Covered bins in percent."""
    return round(covered * 100 / size, 2)


def table(hits: Hits, files: int = 1) -> Table:
    """A row for each coverpoint, and one for all together; the title says of how many files."""
    points = coverpoints(hits)
    title = "Functional coverage" if files == 1 else f"Functional coverage of {files} files"
    printed = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    printed.add_column("Coverpoint")
    for heading in ("Hit", "Bins", "Percent"):
        printed.add_column(heading, justify="right")
    for number, point in enumerate(points, 1):
        last = number == len(points) or points[number].group is not point.group
        printed.add_row(*_cells(point.title, [point]), end_section=last)
    printed.add_row(*_cells("all", points))
    return printed


def _cells(title: str, points: Sequence[Coverpoint]) -> tuple[str, str, str, str]:
    covered, size = sums(points)
    return title, str(covered), str(size), f"{percent(covered, size):.1f}"


def sums(points: Sequence[Coverpoint]) -> tuple[int, int]:
    """Bins of some coverpoints that were hit, and how many there are."""
    return sum(point.covered for point in points), sum(len(point.hits) for point in points)


def holes(hits: Hits) -> list[str]:
    """What was never hit, a line each.

    A cross is left out where one of its values was never hit at all: that is a hole already.
    """
    lines = []
    missed: set[tuple[str, str]] = set()
    for point in coverpoints(hits):
        for each, count in point.hits.items():
            if count:
                continue
            if point.name != CROSS:
                missed.add((point.title, each[0]))
            elif any(
                (f"{point.group.name}.{axis.name}", value) in missed
                for axis, value in zip(point.group.axes, each, strict=True)
            ):
                continue
            lines.append(f"{point.title}: {', '.join(each)}")
    return lines


def contradictions(hits: Hits) -> list[str]:
    """Bins that were hit although a rule says they cannot be, with the rule, a line each."""
    return [
        f"{group.name}: {', '.join(each)}: hit {count} times, but {why}"
        for group in COVERGROUPS
        for each, count in hits.get(group.name, {}).items()
        if count and (why := group.why_excluded(each)) is not None
    ]
