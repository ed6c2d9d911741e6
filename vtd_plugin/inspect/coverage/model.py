"""Covergroups, and rules for crosses that cannot be, at all or without a capability.

The terms are those of SystemVerilog: a covergroup has axes with bins and crosses them all, a bin is
covered once it was hit. What is counted of a unit is in `bins`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

    from vtd_plugin.encodings.capabilities import Capabilities

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
    return Exclusion(why, _sets(bins))


def _sets(bins: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(map(str, values)) for name, values in bins.items()}


@dataclass(frozen=True, slots=True)
class Requirement:
    """A rule by which crosses can only be where a unit has a capability.

    Attributes:
        capability: An expression that `Capabilities.satisfies` takes.
        bins: By names of axes, values that need it where they meet; any value of an axis not named.
        absent: The crosses need a unit *without* the capability.
    """

    capability: str
    bins: Mapping[str, frozenset[str]]
    absent: bool = False

    def met_by(self, unit: Capabilities) -> bool:
        """Whether a unit is such."""
        return unit.satisfies(self.capability) is not self.absent

    def __str__(self) -> str:
        text = self.capability.replace(";", " and ").replace("|", " or ")
        return f"no {text}" if self.absent else text


def needs(capability: str, **bins: Iterable[str]) -> Requirement:
    """A rule: these values of the axes named meet only where a unit has a capability."""
    return Requirement(capability, _sets(bins))


def needs_no(capability: str, **bins: Iterable[str]) -> Requirement:
    """A rule: these values of the axes named meet only where a unit lacks a capability."""
    return Requirement(capability, _sets(bins), absent=True)


@dataclass(frozen=True)
class Covergroup:
    """What is counted together.

    Attributes:
        name: What reports call it; an identifier.
        axes: Its properties.
        exclusions: The crosses of them that cannot be.
        requirements: What units must have for others of them.
    """

    name: str
    axes: tuple[Axis, ...]
    exclusions: tuple[Exclusion, ...] = ()
    requirements: tuple[Requirement, ...] = ()

    @cached_property
    def bins(self) -> tuple[Bin, ...]:
        """Every cross that can be."""
        crosses = product(*(axis.bins for axis in self.axes))
        return tuple(cross for cross in crosses if self.why_excluded(cross) is None)

    def bins_of(self, point: str) -> tuple[Bin, ...]:
        """The bins of a coverpoint, the name of an axis or `CROSS`, that can be."""
        for number, axis in enumerate(self.axes):
            if axis.name == point:
                possible = {cross[number] for cross in self.bins}
                return tuple((value,) for value in axis.bins if value in possible)
        return self.bins

    def why_excluded(self, cross: Bin) -> str | None:
        """By which reason a cross cannot be; None if it can."""
        for rule in self.exclusions:
            if self._is_named(cross, rule.bins):
                return rule.why
        return None

    def requirements_of(self, cross: Bin) -> tuple[Requirement, ...]:
        """What a unit must have for a cross."""
        return tuple(rule for rule in self.requirements if self._is_named(cross, rule.bins))

    def _is_named(self, cross: Bin, bins: Mapping[str, frozenset[str]]) -> bool:
        values = dict(zip((axis.name for axis in self.axes), cross, strict=True))
        return all(values[name] in named for name, named in bins.items())
