"""Functional coverage for people: a table, what was never hit, and what need or cannot have been.

Each axis of a covergroup is a coverpoint, and so is the cross of all. Bins that are ruled out are
in no number; should one be hit nevertheless, `contradictions` has it. Nor are bins that no unit
can hit, and those that are waived (`scope`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rich import box
from rich.table import Table

from vtd_plugin.inspect.coverage.bins import COVERGROUPS
from vtd_plugin.inspect.coverage.model import CROSS
from vtd_plugin.inspect.coverage.scope import Coverpoint, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import TypeAlias

    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.inspect.coverage.model import Bin
    from vtd_plugin.inspect.coverage.waivers import Waiver

    Hits: TypeAlias = Mapping[str, Mapping[Bin, int]]
    """How often each bin was hit, by name of its covergroup."""


class Counted(Protocol):
    """What is reported: a `Coverage`, or anything that has as much.

    Attributes:
        hits: How often each bin was hit.
        units: The capabilities of the units that were observed.
    """

    @property
    def hits(self) -> Hits: ...  # noqa: D102 - above

    @property
    def units(self) -> Collection[Capabilities]: ...  # noqa: D102


def coverpoints(counted: Counted, waivers: Sequence[Waiver] = ()) -> list[Coverpoint]:
    """Every coverpoint with its hits, group by group, the cross of a group last."""
    scope, hits = Scope(counted.units, waivers), counted.hits
    return [
        point for group in COVERGROUPS for point in scope.points(group, hits.get(group.name, {}))
    ]


def percent(covered: int, size: int) -> float:
    """Covered bins in percent; where there are none, nothing is missing."""
    return round(covered * 100 / size, 2) if size else 100.0


def table(counted: Counted, waivers: Sequence[Waiver] = (), files: int = 1) -> Table:
    """A row for each coverpoint, and one for all together; the title says of how many files."""
    points = coverpoints(counted, waivers)
    title = "Functional coverage" if files == 1 else f"Functional coverage of {files} files"
    printed = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    printed.add_column("Coverpoint")
    for heading in ("Hit", "Bins", "Percent", "Not applicable", "Waived"):
        printed.add_column(heading, justify="right")
    for number, point in enumerate(points, 1):
        last = number == len(points) or points[number].group is not point.group
        printed.add_row(*_cells(point.title, [point]), end_section=last)
    printed.add_row(*_cells("all", points))
    return printed


def _cells(title: str, points: Sequence[Coverpoint]) -> list[str]:
    covered, size = sums(points)
    not_applicable = sum(point.not_applicable for point in points)
    waived = sum(point.waived for point in points)
    share = f"{percent(covered, size):.1f}" if size else "-"
    return [title, str(covered), str(size), share, str(not_applicable), str(waived)]


def sums(points: Sequence[Coverpoint]) -> tuple[int, int]:
    """Bins of some coverpoints that were hit, and how many there are."""
    return sum(point.covered for point in points), sum(len(point.hits) for point in points)


def holes(counted: Counted, waivers: Sequence[Waiver] = ()) -> list[str]:
    """What was never hit, a line each.

    A cross is left out where one of its values was never hit at all: that is a hole already.
    """
    return _lines(
        coverpoints(counted, waivers),
        lambda point: {each: "" for each, count in point.hits.items() if not count},
    )


def exclusions(counted: Counted, waivers: Sequence[Waiver] = ()) -> list[str]:
    """What can be but does not count, a line each with the reason: a capability, or a waiver's.

    A cross is left out where one of its values does not count at all.
    """
    return _lines(
        coverpoints(counted, waivers),
        lambda point: {each: f": {why}" for each, why in point.left_out.items()},
    )


def _lines(
    points: Sequence[Coverpoint], choose: Callable[[Coverpoint], Mapping[Bin, str]]
) -> list[str]:
    """A line for each chosen bin, with what is to stand behind it."""
    lines = []
    told: set[tuple[str, str]] = set()
    for point in points:
        for each, behind in choose(point).items():
            if point.name != CROSS:
                told.add((point.title, each[0]))
            elif any(
                (f"{point.group.name}.{axis.name}", value) in told
                for axis, value in zip(point.group.axes, each, strict=True)
            ):
                continue
            lines.append(f"{point.title}: {', '.join(each)}{behind}")
    return lines


def contradictions(counted: Counted) -> list[str]:
    """Bins that were hit although a rule says they cannot be, with the rule, a line each."""
    scope = Scope(counted.units)
    lines = []
    for group in COVERGROUPS:
        for each, count in counted.hits.get(group.name, {}).items():
            why = group.why_excluded(each)
            missing = scope.missing(group, each)
            if why is None and missing:
                why = f"no unit has what it needs: {' and '.join(missing)}"
            if count and why is not None:
                lines.append(f"{group.name}: {', '.join(each)}: hit {count} times, but {why}")
    return lines


def needless(counted: Counted, waivers: Sequence[Waiver]) -> list[str]:
    """Waivers of bins that were hit after all, a line each."""
    lines = []
    for waiver in waivers:
        hit = sum(
            counted.hits.get(group.name, {}).get(cross, 0)
            for group in COVERGROUPS
            for cross in waiver.crosses(group)
        )
        if hit:
            lines.append(f"{waiver.pattern}: hit {hit} times; waived: {waiver.reason}")
    return lines
