"""Who waits for whom among the TLPs of a function (PCIe §2.4.1)."""

from __future__ import annotations

from cocotb.triggers import Event


class Line:
    """The last of each function's TLPs of some kind that is not done yet."""

    def __init__(self) -> None:
        self._last: dict[int, Event] = {}

    def last(self, function: int) -> Event | None:
        """Set when the last one is done; None if there is none."""
        return self._last.get(function)

    def join(self, function: int) -> Event:
        """Be the last one of a function from now on, until `leave`."""
        place = self._last[function] = Event()
        return place

    def leave(self, function: int, place: Event) -> None:
        """Be done, so that whoever waits goes on."""
        place.set()
        if self._last.get(function) is place:
            del self._last[function]
