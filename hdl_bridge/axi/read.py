"""The read direction of an `AxiMemory`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cocotb.triggers import RisingEdge

from hdl_bridge._channel import Channel
from hdl_bridge._lanes import words_of
from hdl_bridge._signals import Output, sampler
from hdl_bridge.axi.bus import signal
from hdl_bridge.axi.side import (
    AddressChannel,
    Flight,
    Side,
    first_host_address,
    next_due,
)
from hdl_bridge.bursts import Response

if TYPE_CHECKING:
    from hdl_bridge.axi.side import Terms


class _DataChannel(Channel):
    def __init__(self, bus: Any, clock: Any, changed: Any) -> None:
        super().__init__(clock, changed)
        self.ready = sampler(bus.rready)
        self.valid = Output(bus.rvalid)
        self.data = Output(bus.rdata)
        self.last = Output(signal(bus, "rlast"))
        self.identifier = Output(signal(bus, "rid"))
        self.response = Output(signal(bus, "rresp"))
        Output(signal(bus, "ruser"))


class ReadSide(Side):
    """Bursts are answered whole, one after the other, those of one identifier in order.

    Attributes:
        ar_channel: Its back-pressure on addresses.
        r_channel: Its back-pressure on data.
    """

    def __init__(self, bus: Any, terms: Terms) -> None:
        super().__init__(terms)
        self._bus_bytes = len(bus.r.rdata) // 8
        self._no_data = (1 << len(bus.r.rdata)) - 1
        self.ar_channel = AddressChannel(bus.ar, "ar", self._bus_bytes, terms)
        self.r_channel = _DataChannel(bus.r, terms.clock, terms.wake)
        self.requests = [(self.ar_channel.valid, RisingEdge(bus.ar.arvalid))]
        self._current: Flight | None = None
        self._words: list[int] = []
        self._beat = 0

    def drop(self) -> None:
        """Drop everything, as a reset does."""
        super().drop()
        if self._current is not None:
            self._current.abort()
            self._current = None
        self.r_channel.valid.drive(0)
        self.ar_channel.ready.drive(0)

    def step(self) -> bool:
        """Do what is to be done at a clock edge; whether there is more to come."""
        address, data = self.ar_channel, self.r_channel
        self._now += 1
        if address.ready.value and address.valid() == "1":
            self._take_address()
        if not data.valid.value:
            self._show()
        elif data.ready() == "1":
            self._accepted()
            self._show()
        taken = len(self._waiting) + (self._current is not None)
        full = taken >= self._outstanding
        address.ready.drive(0 if address.held or full else 1)
        return self._current is not None or bool(self._waiting)

    def _take_address(self) -> None:
        flight = self.ar_channel.take()
        flight.ready = True
        self._begin(flight, write=False)

    def _accepted(self) -> None:
        """The beat that is shown has been accepted."""
        self._resume_at = self._now + self._latency.beat
        self._beat += 1
        if self._beat == len(self._words) and self._current is not None:
            self._end(self._current)
            self._current = None

    def _show(self) -> None:
        """Show the next beat, if there is one that nothing holds back."""
        data = self.r_channel
        if data.held or self._now < self._resume_at or not (self._current or self._choose()):
            data.valid.drive(0)
            return
        if self._current is not None and self._current.aborted:
            data.data.drive(self._no_data)
            data.response.drive(Response.SLVERR)
        else:
            data.data.drive(self._words[self._beat])
        data.last.drive(1 if self._beat == len(self._words) - 1 else 0)
        data.valid.drive(1)

    def _choose(self) -> bool:
        """Begin to answer the next burst; whether there is one."""
        flight = next_due(self._waiting, self._now)
        if flight is None:
            return False
        self._waiting.remove(flight)
        self._current, self._beat = flight, 0
        transfer = flight.transfer
        assert transfer is not None  # noqa: S101 - reads begin with their address
        self._words = words_of(flight.burst, transfer.read, self._bus_bytes, joined=transfer.in_ram)
        self.r_channel.identifier.drive(flight.identifier)
        self.r_channel.response.drive(self._response(flight))
        return True

    def _response(self, flight: Flight) -> Response:
        transfer = flight.transfer
        assert transfer is not None  # noqa: S101 - reads begin with their address
        response = self._port.response(transfer)
        if response is Response.OKAY and flight.exclusive and self._monitor is not None:
            owner = (self._port, flight.identifier)
            self._monitor.reserve(owner, first_host_address(transfer), transfer.size)
            return Response.EXOKAY
        return response
