"""Sorts resets by which half of the platform came first.

A half that was reset alone is counted once it is clear that the other does not follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import ResetDone, ResetKind
from vtd_plugin.inspect.coverage.bins.resets import RESETS, Order
from vtd_plugin.iommu.events import RegisterWritten

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.model import Bin
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers

_FIRST: Final = {"masters": Order.MASTERS_FIRST, "units": Order.UNITS_FIRST}
_ALONE: Final = {"masters": Order.MASTERS_ONLY, "units": Order.UNITS_ONLY}


class ResetSorter:
    """Sorts resets of the platform and of functions.

    Args:
        count: Told of each hit.
    """

    __slots__ = ("_count", "_half", "handlers")

    def __init__(self, count: Count) -> None:
        self._count = count
        self._half: ResetDone | None = None
        self.handlers: Handlers = {ResetDone: self._reset_done, RegisterWritten: self._written}

    @property
    def lone_half(self) -> Bin | None:
        """A half that was reset and whose other half, so far, was not."""
        if self._half is None:
            return None
        return str(self._half.kind), str(_ALONE[self._half.part])

    def _reset_done(self, event: ResetDone) -> None:
        if event.kind is ResetKind.FUNCTION:
            self._count(RESETS, event.kind, Order.MASTERS_ONLY)
            return
        before = self._half
        if before is not None and _are_one(before, event):
            self._count(RESETS, event.kind, _FIRST[before.part])
            self._half = None
            return
        self._count_lone_half()
        self._half = event

    def _written(self, _: RegisterWritten) -> None:
        # Software runs again: what is reset from now on is another reset.
        self._count_lone_half()

    def _count_lone_half(self) -> None:
        if self.lone_half is not None:
            self._count(RESETS, *self.lone_half)
        self._half = None


def _are_one(first: ResetDone, second: ResetDone) -> bool:
    """Whether two halves belong to one reset, asked for at once or half by half."""
    return (first.kind, first.order) == (second.kind, second.order) and first.part != second.part
