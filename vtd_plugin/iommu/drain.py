"""Draining: requests that used an old translation end before a command is done (§6.5.4).

A command that must drain takes effect for new requests at once and names the transfers that began
before it; when the last of them has ended, its completion runs. With nothing in flight that is
immediately.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vtd_plugin.bus import Transfer


@dataclass(slots=True)
class _Drain:
    operation: str
    waiting: set[Transfer]
    done: Callable[[], None]


class Drains:
    """The commands that wait for transfers to end, in the order they began.

    Args:
        began: Told when a command has to wait, with the number of transfers.
        completed: Told when a command is done.
        superseded: Told when a command that waited gives way to a newer one.
    """

    __slots__ = ("_began", "_completed", "_pending", "_superseded")

    def __init__(
        self,
        began: Callable[[str, int], None],
        completed: Callable[[str], None],
        superseded: Callable[[str], None],
    ) -> None:
        self._began = began
        self._completed = completed
        self._superseded = superseded
        self._pending: list[_Drain] = []

    @property
    def operations(self) -> tuple[str, ...]:
        """What is waiting, oldest first."""
        return tuple(drain.operation for drain in self._pending)

    def start(
        self, operation: str, transfers: Iterable[Transfer], done: Callable[[], None]
    ) -> None:
        """Run `done` once all `transfers` have ended; now, if there are none.

        A second start of the same operation takes the place of the first: software asked for a new
        command before the old one was done, and only the new one's completion means anything.
        """
        self.cancel(operation)
        waiting = set(transfers)
        if waiting:
            self._pending.append(_Drain(operation, waiting, done))
            self._began(operation, len(waiting))
        else:
            done()
            self._completed(operation)

    def cancel(self, operation: str) -> None:
        """Forget a drain, if there is one: its completion never runs."""
        if operation in self.operations:
            self._pending = [drain for drain in self._pending if drain.operation != operation]
            self._superseded(operation)

    def clear(self) -> None:
        """Forget all drains: the unit was reset."""
        self._pending.clear()

    def ended(self, transfer: Transfer) -> None:
        """A transfer is over; complete what waited only for it."""
        for drain in self._pending:
            drain.waiting.discard(transfer)
        ready = [drain for drain in self._pending if not drain.waiting]
        self._pending = [drain for drain in self._pending if drain.waiting]
        for drain in ready:
            drain.done()
            self._completed(drain.operation)
