"""A timeline of a run, for Perfetto and Chrome's tracing page.

Each requester has a row, and further ones while it has several transfers in flight; each unit has
rows for page walks, for commands and invalidations, and for drains. Arrows lead from a transfer to
the walk it needed, and from the transfer that a drain waited for last to that drain. What takes no
time is an instant; only walks are slices all the same, since arrows lead to slices alone. Times are
those of the run: in co-simulation, simulated time.
"""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from vtd_plugin.bus import (
    ALL_ADDRESSES,
    AddressSpaceSwitched,
    Event,
    InterruptDelivered,
    Platform,
    RequestBlocked,
    ResetDone,
    TransferBegan,
    TransferEnded,
    format_source_id,
)
from vtd_plugin.encodings.codes import QueueError
from vtd_plugin.inspect.trace_events import Argument, Row, TraceEvents, last_moment
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.events import (
    CachesDropped,
    CommandCompleted,
    CommandSuperseded,
    DrainBegan,
    Invalidated,
    QueueStopped,
    TablesWalked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vtd_plugin.encodings.faults import Condition

_NANOSECOND: Final = 1000  # picoseconds


class Trace:
    """Draws what a platform does, from its construction on.

    Args:
        platform: What is observed.
        path: The file to draw in, for Perfetto (ui.perfetto.dev) or chrome://tracing.
        clock: The time in nanoseconds, such as ``lambda: get_sim_time("ns")`` of cocotb; it is
            drawn to a picosecond. The machine's own clock unless said.

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(
        self,
        platform: Platform,
        path: Path,
        clock: Callable[[], float] = time.perf_counter_ns,
    ) -> None:
        self._clock = clock
        self._events = TraceEvents(path.open("w", buffering=1))
        self._in_flight: dict[int, _InFlight] = {}
        self._just_ended: _InFlight | None = None
        self._waiting: dict[tuple[str, str], int] = {}
        self._handlers: Mapping[type[Event], Callable[[Any], None]] = {
            TransferBegan: self._began,
            TransferEnded: self._ended,
            RequestBlocked: self._blocked,
            AddressSpaceSwitched: self._switched,
            TablesWalked: self._walked,
            Invalidated: self._invalidated,
            CachesDropped: self._dropped,
            QueueStopped: self._queue_stopped,
            DrainBegan: self._drain_began,
            CommandCompleted: self._completed,
            CommandSuperseded: self._superseded,
            InterruptDelivered: self._interrupt,
            ResetDone: self._reset,
        }
        self._stop = platform.add_observer(self._observe)

    def close(self) -> None:
        """Observe no longer; what has not ended is drawn until now. Once is enough."""
        self._stop()
        now = self._now()
        for transfer in self._in_flight.values():
            transfer.draw(self._events, now, status="in flight")
        self._in_flight.clear()
        self._draw_all_waiting("in progress")
        self._events.close()

    def _observe(self, event: Event) -> None:
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)
        if not isinstance(event, TransferEnded | CommandCompleted):
            self._just_ended = None  # what completes from now on has not waited for it

    def _now(self) -> int:
        return round(self._clock() * _NANOSECOND)

    def _instant(self, row: Row, name: str, **arguments: Argument) -> None:
        self._events.instant(row, name, self._now(), **arguments)

    # --- requesters

    def _began(self, event: TransferBegan) -> None:
        others = self._in_flight.values()
        taken = {each.lane for each in others if each.event.source_id == event.source_id}
        lane = next(number for number in count() if number not in taken)
        self._in_flight[event.number] = _InFlight(event, self._now(), lane)

    def _ended(self, event: TransferEnded) -> None:
        transfer = self._in_flight.pop(event.number, None)
        if transfer is not None:
            self._just_ended = transfer
            moved = event.transferred
            transfer.draw(self._events, self._now(), status=event.answer, transferred=moved)

    def _blocked(self, event: RequestBlocked) -> None:
        fault = event.fault
        transfer = self._youngest_at(fault.source_id, fault.address)
        row = _requester(fault.source_id) if transfer is None else transfer.row
        self._instant(
            row,
            f"fault {fault.name}",
            iova=f"{fault.address:#x}",
            fault_reason=f"{fault.code:#x}",
            text=fault.text,
            recorded=fault.recorded,
        )

    def _switched(self, event: AddressSpaceSwitched) -> None:
        name = f"address space: {event.after.name}"
        before, reason = event.before.name, event.reason
        self._instant(_requester(event.source_id), name, before=before, reason=reason)

    def _youngest_at(self, source_id: int, address: int) -> _InFlight | None:
        """The transfer whose request for an address it may be."""
        for transfer in reversed(self._in_flight.values()):
            event = transfer.event
            first, last = event.iova, event.iova + max(event.size, 1) - 1
            if event.source_id == source_id and first <= address <= last:
                return transfer
        return None

    # --- units

    def _walked(self, event: TablesWalked) -> None:
        row, now = Row(event.unit, "page walks"), self._now()
        requester, iova = format_source_id(event.source_id), f"{event.address:#x}"
        found = _found(event.found)
        self._events.slice(row, "page walk", now, now, requester=requester, iova=iova, **found)
        transfer = self._youngest_at(event.source_id, event.address)
        if transfer is not None:
            self._events.arrow("page walk", (transfer.row, now), (row, now))

    def _invalidated(self, event: Invalidated) -> None:
        arguments: dict[str, Argument] = {}
        if event.domain_id is not None:
            arguments["domain_id"] = event.domain_id
        if event.pasid is not None:
            arguments["pasid"] = f"{event.pasid:#x}"
        if (event.first, event.last) != (0, ALL_ADDRESSES):
            arguments |= {"first": f"{event.first:#x}", "last": f"{event.last:#x}"}
        name = f"{event.cache} invalidation: {event.granularity}"
        self._instant(_commands(event.unit), name, **arguments)

    def _dropped(self, event: CachesDropped) -> None:
        name = f"caches invalidated: {event.reason}"
        self._instant(_commands(event.unit), name, entries=event.entries)

    def _queue_stopped(self, event: QueueStopped) -> None:
        error, head = QueueError(event.error).name, f"{event.head:#x}"
        self._instant(_commands(event.unit), "invalidation queue error", error=error, head=head)

    def _drain_began(self, event: DrainBegan) -> None:
        self._waiting[event.unit, event.operation] = self._now()

    def _completed(self, event: CommandCompleted) -> None:
        began = self._waiting.pop((event.unit, event.operation), None)
        if began is None:
            self._instant(_commands(event.unit), event.operation)
            return
        row, now = _drains(event.unit), self._now()
        self._events.slice(row, event.operation, began, now)
        ended = self._just_ended
        if ended is not None:
            origin = ended.row, last_moment(ended.began, now)
            self._events.arrow("drained", origin, (row, last_moment(began, now)))

    def _superseded(self, event: CommandSuperseded) -> None:
        if (event.unit, event.operation) in self._waiting:
            self._draw_waiting(event.unit, event.operation, "superseded")

    def _draw_all_waiting(self, status: str) -> None:
        for unit, operation in tuple(self._waiting):
            self._draw_waiting(unit, operation, status)

    def _draw_waiting(self, unit: str, operation: str, status: str) -> None:
        """Draw what waits until now; it does not wait any longer."""
        began = self._waiting.pop((unit, operation))
        self._events.slice(_drains(unit), operation, began, self._now(), status=status)

    # --- the platform

    def _interrupt(self, event: InterruptDelivered) -> None:
        message = event.message
        self._instant(
            Row("processors", "interrupts"),
            "interrupt message",
            address=f"{message.address:#x}",
            data=f"{message.data:#x}",
        )

    def _reset(self, event: ResetDone) -> None:
        if event.part == "units":
            self._draw_all_waiting("reset")
        self._instant(Row("platform", "resets"), f"{event.kind} reset of {event.part}")


class _InFlight:
    """A transfer that has not ended, and which of its requester's rows it is drawn on."""

    __slots__ = ("began", "event", "lane")

    def __init__(self, event: TransferBegan, began: int, lane: int) -> None:
        self.event = event
        self.began = began
        self.lane = lane

    @property
    def row(self) -> Row:
        return _requester(self.event.source_id, self.lane)

    def draw(self, events: TraceEvents, now: int, **arguments: Argument) -> None:
        """Draw it from its begin until now."""
        event = self.event
        name = event.attributes.kind.name.lower()
        if event.attributes.pasid is not None:
            name += f", PASID {event.attributes.pasid:#x}"
        iova = f"{event.iova:#x}"
        events.slice(self.row, name, self.began, now, iova=iova, size=event.size, **arguments)


def _requester(source_id: int, lane: int = 0) -> Row:
    name = format_source_id(source_id)
    return Row("requesters", f"{name} ({lane + 1})" if lane else name)


def _commands(unit: str) -> Row:
    return Row(unit, "commands and invalidations")


def _drains(unit: str) -> Row:
    return Row(unit, "drains")


def _found(found: IotlbEntry | Condition) -> dict[str, Argument]:
    """What a walk came to."""
    if not isinstance(found, IotlbEntry):
        return {"fault": found.name, "text": found.text}
    return {
        "address": f"{found.base:#x}",
        "page_size": found.mask + 1,
        "domain_id": found.domain_id,
        "read": bool(found.rights & IotlbEntry.READABLE),
        "write": bool(found.rights & IotlbEntry.WRITABLE),
    }
