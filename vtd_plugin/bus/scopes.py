"""Which unit takes which requester.

A unit with a scope takes the requesters it names; of the rest, the one unit without a scope takes
all. Once taken, a requester stays with its unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtd_plugin.bus.source_id import format_source_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.bus.contract import Unit
    from vtd_plugin.bus.unit_host import UnitHost


@dataclass(frozen=True, slots=True)
class Place:
    """A unit on its platform.

    Attributes:
        unit: The unit.
        host: The platform's side of it.
        scope: The source-ids it takes, or None for all that nobody else does.
    """

    unit: Unit
    host: UnitHost
    scope: frozenset[int] | None


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

    def require_new(self, place: Place) -> None:
        """Refuse a unit that cannot be added.

        Raises:
            ValueError: It is there already, or its scope overlaps another's.
        """
        for other in self._places:
            if other.unit is place.unit:
                raise ValueError(f"unit {place.unit.name!r} has been added already")
            _require_apart(place, other)

    def named(self, source_id: int) -> Place | None:
        """The place of the unit that names a requester."""
        for place in self._places:
            if place.scope is not None and source_id in place.scope:
                return place
        return None

    def rest(self) -> Place | None:
        """The place of the unit that takes whatever nobody else does."""
        return next((place for place in self._places if place.scope is None), None)

    def of_unit(self, unit: Unit) -> Place | None:
        """The place of a unit."""
        return next((place for place in self._places if place.unit is unit), None)


def _require_apart(place: Place, other: Place) -> None:
    if place.scope is None and other.scope is None:
        raise ValueError(
            f"unit {other.unit.name!r} takes every requester that no scope names: "
            f"unit {place.unit.name!r} needs a scope"
        )
    shared = (place.scope or frozenset()) & (other.scope or frozenset())
    if shared:
        names = ", ".join(map(format_source_id, sorted(shared)))
        raise ValueError(f"{names}: in the scope of unit {other.unit.name!r} already")
