"""The write direction of an `AxiMemory`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

from cocotb.triggers import RisingEdge

from hdl_bridge._channel import Channel
from hdl_bridge._lanes import stores_of
from hdl_bridge._signals import Output, sampler
from hdl_bridge.axi.bus import signal
from hdl_bridge.axi.side import (
    AddressChannel,
    Flight,
    Side,
    first_host_address,
    next_due,
)
from hdl_bridge.burst_port import end_if_interrupt
from hdl_bridge.bursts import MOST_BEATS, AxiProtocolError, Response, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from hdl_bridge.axi.side import Terms

_Beats: TypeAlias = tuple[list[str], list[str]]
"""The words of a burst, and their strobes."""


class _DataChannel(Channel):
    def __init__(self, bus: Any, bus_bytes: int, clock: Any, changed: Any) -> None:
        super().__init__(clock, changed)
        self.valid = sampler(bus.wvalid)
        self.ready = Output(bus.wready)
        self.data = sampler(bus.wdata)
        self.last = _sampler_or(signal(bus, "wlast"), "1")
        self.strobes = _sampler_or(signal(bus, "wstrb"), "1" * bus_bytes)


def _sampler_or(handle: Any | None, default: str) -> Callable[[], str]:
    """What samples a signal, or gives its default value."""
    return sampler(handle) if handle is not None else lambda: default


class _ResponseChannel(Channel):
    def __init__(self, bus: Any, clock: Any, changed: Any) -> None:
        super().__init__(clock, changed)
        self.ready = sampler(bus.bready)
        self.valid = Output(bus.bvalid)
        self.identifier = Output(signal(bus, "bid"))
        self.response = Output(signal(bus, "bresp"))
        Output(signal(bus, "buser"))


class WriteSide(Side):
    """A burst is written when its last beat is here; data may come before its address.

    Attributes:
        aw_channel: Its back-pressure on addresses.
        w_channel: Its back-pressure on data.
        b_channel: Its back-pressure on responses.
    """

    def __init__(self, bus: Any, terms: Terms) -> None:
        super().__init__(terms)
        clock, self._bus_bytes = terms.clock, len(bus.w.wdata) // 8
        self.aw_channel = AddressChannel(bus.aw, "aw", self._bus_bytes, terms)
        self.w_channel = _DataChannel(bus.w, self._bus_bytes, clock, terms.wake)
        self.b_channel = _ResponseChannel(bus.b, clock, terms.wake)
        self.requests = [
            (self.aw_channel.valid, RisingEdge(bus.aw.awvalid)),
            (self.w_channel.valid, RisingEdge(bus.w.wvalid)),
        ]
        self._dataless: deque[Flight] = deque()
        self._unclaimed: deque[_Beats] = deque()  # whole bursts without their address
        self._words: list[str] = []
        self._strobes: list[str] = []
        self._shown: Flight | None = None

    def drop(self) -> None:
        """Drop everything, as a reset does."""
        super().drop()
        self._dataless.clear()
        self._unclaimed.clear()
        self._words, self._strobes = [], []
        self._shown = None
        for output in (self.aw_channel.ready, self.w_channel.ready, self.b_channel.valid):
            output.drive(0)

    def step(self) -> bool:
        """Do what is to be done at a clock edge; whether there is more to come."""
        address, data = self.aw_channel, self.w_channel
        self._now += 1
        if address.ready.value and address.valid() == "1":
            self._take_address()
        if data.ready.value and data.valid() == "1":
            self._take_beat()
        if self._shown is not None and self.b_channel.ready() == "1":
            self._accepted(self._shown)
        if self._shown is None and self._waiting:
            self._show()
        full = len(self._waiting) >= self._outstanding
        address.ready.drive(0 if address.held or full else 1)
        data.ready.drive(0 if self._holds_data_back() else 1)
        return bool(self._waiting or self._words)

    def _holds_data_back(self) -> bool:
        return (
            self.w_channel.held
            or self._now < self._resume_at
            or len(self._unclaimed) >= self._outstanding
        )

    def _take_address(self) -> None:
        flight = self.aw_channel.take()
        self._begin(flight, write=True)
        self._dataless.append(flight)
        self._match()
        self._require_last()

    def _take_beat(self) -> None:
        data = self.w_channel
        self._words.append(data.data())
        self._strobes.append(data.strobes())
        self._resume_at = self._now + self._latency.beat
        last = data.last()
        if last not in ("0", "1"):
            raise unknown("w", "wlast", last)
        if last == "1":
            self._unclaimed.append((self._words, self._strobes))
            self._words, self._strobes = [], []
            self._match()
        else:
            self._require_last()

    def _match(self) -> None:
        """Write what has both its address and its data; both come in one order."""
        while self._dataless and self._unclaimed:
            flight = self._dataless.popleft()
            words, strobes = self._unclaimed.popleft()
            if len(words) != flight.burst.beats:
                raise AxiProtocolError(f"W: {flight.burst} has {len(words)} beats of data")
            self._write(flight, words, strobes)
            flight.ready = True
            flight.due = max(flight.due, self._now + self._latency.address)

    def _require_last(self) -> None:
        """Refuse data that goes on where its burst has had all its beats."""
        if self._dataless and len(self._words) >= self._dataless[0].burst.beats:
            raise AxiProtocolError(f"W: {self._dataless[0].burst} has no WLAST in its last beat")
        if len(self._words) >= MOST_BEATS:
            raise AxiProtocolError(f"W: {MOST_BEATS} beats without WLAST, and no address")

    def _write(self, flight: Flight, words: list[str], strobes: list[str]) -> None:
        transfer = flight.transfer
        joined = transfer is not None and transfer.in_ram
        try:
            stores = list(stores_of(flight.burst, words, strobes, self._bus_bytes, joined=joined))
        except ValueError as error:
            raise AxiProtocolError(f"W: a strobe of {flight.burst} is not known") from error
        if transfer is None:
            flight.transfer = self._port.write_beat(stores, flight.user)
        elif transfer.ok and self._may_write(flight):
            for address, data in stores:
                transfer.write(address - transfer.iova, data)
            end_if_interrupt(transfer)

    def _may_write(self, flight: Flight) -> bool:
        """Whether a write takes place: an exclusive one may not."""
        transfer = flight.transfer
        if self._monitor is None or transfer is None or not transfer.translations:
            return True
        where = first_host_address(transfer)
        if flight.exclusive:
            owner = (self._port, flight.identifier)
            flight.succeeded = self._monitor.claim(owner, where, transfer.size)
            if not flight.succeeded:
                return False
        self._monitor.written(where, transfer.size)
        return True

    def _show(self) -> None:
        """Show the next response, if there is one that nothing holds back."""
        flight = None if self.b_channel.held else next_due(self._waiting, self._now)
        if flight is None:
            return
        response = self._port.response(flight.transfer)
        if flight.succeeded and response is Response.OKAY:
            response = Response.EXOKAY
        self._shown = flight
        self.b_channel.identifier.drive(flight.identifier)
        self.b_channel.response.drive(response)
        self.b_channel.valid.drive(1)

    def _accepted(self, flight: Flight) -> None:
        self._end(flight)
        self._waiting.remove(flight)
        self._shown = None
        self.b_channel.valid.drive(0)
