"""What every sorter is: handlers by type of event, and somebody who counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from vtd_plugin.bus import Event

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.model import Covergroup

Handlers: TypeAlias = Mapping[type[Event], Callable[[Any], None]]
"""What to call with events of a type."""


class Count(Protocol):
    """Who counts."""

    def __call__(self, group: Covergroup, *values: str) -> None:
        """Count a hit of a covergroup: a value of each of its axes."""


class Sorter(Protocol):
    """Sorts events into bins.

    Attributes:
        handlers: The events it wants, and what to call with them.
    """

    handlers: Handlers
