"""Covergroups, coverpoints, and rules for crosses that cannot be.

The terms are those of SystemVerilog: a covergroup has axes with bins and crosses them all, a bin is
covered once it was hit. What is counted of a unit is in `bins`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from enum import StrEnum

Bin: TypeAlias = tuple[str, ...]
"""One value of each axis of a covergroup."""

CROSS: Final = "cross"
"""Name of the coverpoint that crosses all axes of a covergroup."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One property of what is counted.

    Attributes:
        name: What reports call it; an identifier.
        bins: The values it may have.
    """

    name: str
    bins: tuple[str, ...]

    @classmethod
    def of(cls, name: str, bins: type[StrEnum]) -> Axis:
        """An axis whose values are those of an enumeration."""
        return cls(name, tuple(each.value for each in bins))


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A rule by which crosses cannot be.

    Attributes:
        why: The reason.
        bins: By names of axes, values that cannot meet; any value of an axis not named.
    """

    why: str
    bins: Mapping[str, frozenset[str]]


def never(why: str, **bins: Iterable[str]) -> Exclusion:
    """A rule: these values of the axes named cannot meet."""
    return Exclusion(why, {name: frozenset(map(str, values)) for name, values in bins.items()})


@dataclass(frozen=True)
class Covergroup:
    """What is counted together.

    Attributes:
        name: What reports call it; an identifier.
        axes: Its properties.
        exclusions: The crosses of them that cannot be.
    """

    name: str
    axes: tuple[Axis, ...]
    exclusions: tuple[Exclusion, ...] = ()

    @cached_property
    def bins(self) -> tuple[Bin, ...]:
        """Every cross that can be."""
        crosses = product(*(axis.bins for axis in self.axes))
        return tuple(cross for cross in crosses if self.why_excluded(cross) is None)

    def why_excluded(self, cross: Bin) -> str | None:
        """By which reason a cross cannot be; None if it can."""
        values = dict(zip((axis.name for axis in self.axes), cross, strict=True))
        for rule in self.exclusions:
            if all(values[name] in ruled_out for name, ruled_out in rule.bins.items()):
                return rule.why
        return None


@dataclass(frozen=True, slots=True)
class Coverpoint:
    """An axis of a covergroup, or the cross of all its axes.

    Attributes:
        group: The covergroup.
        name: Name of the axis, or `CROSS`.
        hits: How often each of its bins was hit; those that cannot be are left out.
    """

    group: Covergroup
    name: str
    hits: Mapping[Bin, int]

    @property
    def covered(self) -> int:
        """Bins that were hit."""
        return sum(count > 0 for count in self.hits.values())

    @property
    def title(self) -> str:
        """Group and name, as reports have them."""
        return f"{self.group.name}.{self.name}"


def points_of(group: Covergroup, hits: Mapping[Bin, int]) -> Iterator[Coverpoint]:
    """The coverpoints of a group with their hits: an axis each, then the cross."""
    cross = {each: hits.get(each, 0) for each in group.bins}
    for number, axis in enumerate(group.axes):
        counts: dict[str, int] = {}
        for each, count in cross.items():
            counts[each[number]] = counts.get(each[number], 0) + count
        possible: dict[Bin, int] = {
            (value,): counts[value] for value in axis.bins if value in counts
        }
        yield Coverpoint(group, axis.name, possible)
    if len(group.axes) > 1:
        yield Coverpoint(group, CROSS, cross)
