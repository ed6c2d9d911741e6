"""Which bins a report counts: those that a unit can hit, less those that are waived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtd_plugin.inspect.coverage.bins import COVERGROUPS
from vtd_plugin.inspect.coverage.model import CROSS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.inspect.coverage.model import Bin, Covergroup
    from vtd_plugin.inspect.coverage.waivers import Waiver


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a bin is in no number.

    Attributes:
        reasons: What no unit has, or the reason of a waiver.
        waived: Whether it is a waiver's; otherwise it is not applicable.
    """

    reasons: tuple[str, ...]
    waived: bool = False

    def __str__(self) -> str:
        return f"{'waived:' if self.waived else 'needs'} {' and '.join(self.reasons)}"


@dataclass(frozen=True, slots=True)
class Coverpoint:
    """An axis of a covergroup, or the cross of all its axes.

    Attributes:
        group: The covergroup.
        name: Name of the axis, or `CROSS`.
        hits: How often each of its bins was hit; those that cannot be, or are left out, are not
            there.
        left_out: Its bins that can be but do not count.
    """

    group: Covergroup
    name: str
    hits: Mapping[Bin, int]
    left_out: Mapping[Bin, LeftOut]

    @property
    def covered(self) -> int:
        """Bins that were hit."""
        return sum(count > 0 for count in self.hits.values())

    @property
    def waived(self) -> int:
        """Bins that were waived."""
        return sum(each.waived for each in self.left_out.values())

    @property
    def not_applicable(self) -> int:
        """Bins that no unit can hit."""
        return len(self.left_out) - self.waived

    @property
    def title(self) -> str:
        """Group and name, as reports have them."""
        return f"{self.group.name}.{self.name}"


class Scope:
    """Which bins count.

    Args:
        units: The capabilities of the units that were observed. A bin is left out if none of them
            can hit it; where no unit is known, all bins count.
        waivers: What need not be covered.
    """

    __slots__ = ("_units", "_waived")

    def __init__(self, units: Collection[Capabilities], waivers: Sequence[Waiver] = ()) -> None:
        self._units = units
        self._waived = {
            (group.name, cross): waiver
            for waiver in reversed(waivers)
            for group in COVERGROUPS
            for cross in waiver.crosses(group)
        }

    def missing(self, group: Covergroup, cross: Bin) -> tuple[str, ...]:
        """What no unit has that a cross needs; empty if one of them can hit it."""
        required = group.requirements_of(cross)
        if not self._units or any(all(r.met_by(unit) for r in required) for unit in self._units):
            return ()
        nowhere = [r for r in required if not any(r.met_by(unit) for unit in self._units)]
        return tuple(dict.fromkeys(map(str, nowhere or required)))

    def left_out(self, group: Covergroup, cross: Bin) -> LeftOut | None:
        """Why a cross that can be does not count; None if it does."""
        missing = self.missing(group, cross)
        if missing:
            return LeftOut(missing)
        waiver = self._waived.get((group.name, cross))
        return None if waiver is None else LeftOut((waiver.reason,), waived=True)

    def points(self, group: Covergroup, hits: Mapping[Bin, int]) -> Iterator[Coverpoint]:
        """The coverpoints of a group with their hits: an axis each, then the cross."""
        found = {cross: self.left_out(group, cross) for cross in group.bins}
        left_out = {cross: why for cross, why in found.items() if why is not None}
        counted = {cross: hits.get(cross, 0) for cross in group.bins if cross not in left_out}
        for number, axis in enumerate(group.axes):
            sums: dict[str, int] = {}
            for cross, count in counted.items():
                sums[cross[number]] = sums.get(cross[number], 0) + count
            gone: dict[str, list[LeftOut]] = {}
            for cross, why in left_out.items():
                gone.setdefault(cross[number], []).append(why)
            yield Coverpoint(
                group,
                axis.name,
                {(value,): sums[value] for value in axis.bins if value in sums},
                {(v,): _together(gone[v]) for v in axis.bins if v in gone and v not in sums},
            )
        if len(group.axes) > 1:
            yield Coverpoint(group, CROSS, counted, left_out)


def _together(crosses: Sequence[LeftOut]) -> LeftOut:
    """Why a value of an axis is left out, of which no cross counts."""
    for waived in (each for each in crosses if each.waived):
        return waived
    shared = [why for why in crosses[0].reasons if all(why in each.reasons for each in crosses)]
    return LeftOut(tuple(shared) or crosses[0].reasons)
