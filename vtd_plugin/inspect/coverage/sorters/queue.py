"""Sorts the waits of the invalidation queue and its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import ResetDone
from vtd_plugin.encodings.codes import QueueError
from vtd_plugin.inspect.coverage.bins.queue import (
    QUEUE_ERRORS,
    WAITS,
    Completion,
    Drain,
    Fence,
    Waits,
)
from vtd_plugin.iommu.events import CommandCompleted, DrainBegan, InvalidationWaited, QueueStopped
from vtd_plugin.iommu.waits import OPERATION

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers

_COMPLETIONS: Final = {
    (True, False): Completion.STATUS,
    (False, True): Completion.INTERRUPT,
    (True, True): Completion.BOTH,
    (False, False): Completion.NEITHER,
}
"""By status write and interrupt."""


class QueueSorter:
    """Sorts what happens in invalidation queues.

    Args:
        count: Told of each hit.
    """

    __slots__ = ("_count", "_pending", "handlers")

    def __init__(self, count: Count) -> None:
        self._count = count
        self._pending: set[tuple[str, str]] = set()  # units and their waits
        self.handlers: Handlers = {
            InvalidationWaited: self._waited,
            DrainBegan: self._drain_began,
            CommandCompleted: self._completed,
            QueueStopped: self._stopped,
            ResetDone: self._reset_done,
        }

    def _waited(self, event: InvalidationWaited) -> None:
        completion = _COMPLETIONS[event.status_write, event.interrupt]
        fence = Fence.WITH if event.fence else Fence.WITHOUT
        drain = Drain.TRANSFERS if event.transfers else Drain.NOTHING
        self._count(WAITS, completion, fence, drain)

    def _drain_began(self, event: DrainBegan) -> None:
        if event.operation.startswith(OPERATION):
            self._pending.add((event.unit, event.operation))

    def _completed(self, event: CommandCompleted) -> None:
        self._pending.discard((event.unit, event.operation))

    def _stopped(self, event: QueueStopped) -> None:
        pending = any(unit == event.unit for unit, _ in self._pending)
        waits = Waits.PENDING if pending else Waits.NONE
        self._count(QUEUE_ERRORS, QueueError(event.error).name, waits)

    def _reset_done(self, event: ResetDone) -> None:
        if event.part == "units":
            self._pending.clear()
