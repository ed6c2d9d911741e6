"""Which unit takes which requester.

A unit with a scope takes the requesters it names; of the rest, the one unit without a scope takes
all. Once taken, a requester stays with its unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtd_plugin.bus.source_id import format_source_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vtd_plugin.bus.contract import Unit
    from vtd_plugin.bus.port import RequesterPort
    from vtd_plugin.bus.unit_host import UnitHost


@dataclass(frozen=True, slots=True)
class Place:
    """A unit on its platform.

    Attributes:
        unit: The unit.
        base: Physical address of its registers.
        host: The platform's side of it.
        scope: The source-ids it takes, or None for all that nobody else does.
    """

    unit: Unit
    base: int
    host: UnitHost
    scope: frozenset[int] | None

    def __str__(self) -> str:
        return f"unit {self.unit.name!r} at {self.base:#x}"


class Scopes:
    """The units of a platform and their scopes."""

    __slots__ = ("_places",)

    def __init__(self) -> None:
        self._places: list[Place] = []

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places)

    def add(self, place: Place) -> None:
        """Take in one more unit, which `require_new` has let pass."""
        self._places.append(place)

    def require_new(self, place: Place, ports: Iterable[RequesterPort]) -> None:
        """Refuse a unit that cannot be added.

        Args:
            place: Where it would be.
            ports: The ports there are.

        Raises:
            ValueError: It or another of its name is there already, its scope overlaps another's, or
                a requester that it names has been taken.
        """
        for other in self._places:
            if other.unit is place.unit:
                raise ValueError(f"{other} has been added already")
            if other.unit.name == place.unit.name:
                raise ValueError(
                    f"there is a {other} already: give the one at {place.base:#x} a name of its "
                    "own, by which events and reports tell them apart"
                )
            _require_apart(place, other)
        for port in ports:
            if port.unit is not None and port.source_id in (place.scope or ()):
                raise ValueError(
                    f"{format_source_id(port.source_id)} belongs to unit {port.unit.name!r} "
                    "already: add units with a scope before their requesters are used"
                )

    def place_for(self, source_id: int, claim: Callable[[], Unit | None]) -> Place | None:
        """Find the unit that takes a requester.

        Args:
            source_id: The requester.
            claim: Asked only if no scope names it: which unit claims it.

        Returns:
            The unit's place, or None if nobody takes it.

        Raises:
            ValueError: The unit that claims it is not on this platform.
        """
        for place in self._places:
            if place.scope is not None and source_id in place.scope:
                return place
        claimed = claim()
        for place in self._places:
            if place.unit is claimed or (claimed is None and place.scope is None):
                return place
        if claimed is None:
            return None
        raise ValueError(
            f"a plug-in gives {format_source_id(source_id)} to {claimed!r}, "
            "which is no unit of this platform"
        )


def _require_apart(place: Place, other: Place) -> None:
    if place.scope is None and other.scope is None:
        raise ValueError(
            f"{other} takes every requester that no scope names: "
            f"give {place} a scope, such as add_unit(..., scope=['00:04.0'])"
        )
    shared = (place.scope or frozenset()) & (other.scope or frozenset())
    if shared:
        names = ", ".join(map(format_source_id, sorted(shared)))
        raise ValueError(f"{names}: in the scope of {other} already")
