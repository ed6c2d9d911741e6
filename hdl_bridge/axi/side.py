"""What the two directions of an `AxiMemory` have in common.

A `Side` does at each clock edge what is to be done. A `Flight` is a burst from its address phase
until its last response is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hdl_bridge._arguments import require_count
from hdl_bridge._channel import Channel
from hdl_bridge._signals import Output, sampler
from hdl_bridge.axi.bus import signal
from hdl_bridge.bursts import AxiProtocolError, BurstType, legal_burst, unknown
from vtd_plugin.bus import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cocotb.triggers import RisingEdge

    from hdl_bridge.burst_port import BurstPort
    from hdl_bridge.bursts import Burst
    from hdl_bridge.exclusive import ExclusiveMonitor
    from vtd_plugin.bus import Transfer, Translation

_TRANSLATIONS_KNOWN: Final = 1024


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a memory takes, in clock cycles beyond the fewest there can be.

    Attributes:
        address: From the address phase to the first read data, or from the last write data to the
            write response.
        walk: More for bursts whose translation was not at hand, from the address phase on: that of
            a write goes on while its data comes. A translation that the port has been given before
            is at hand; so is memory that is not remapped.
        beat: Between two data beats.
    """

    address: int = 0
    walk: int = 0
    beat: int = 0

    def __post_init__(self) -> None:
        for name, value in (("address", self.address), ("walk", self.walk), ("beat", self.beat)):
            require_count(name, value, 0)


class Walks:
    """Tells translations that were at hand from those that had to be found.

    An IOMMU that caches gives the same object again; one that was dropped and found anew is
    another.
    """

    def __init__(self, latency: Latency) -> None:
        self._cycles = latency.walk
        self._known: dict[int, Translation] = {}

    def cycles(self, transfer: Transfer | None) -> int:
        """Clock cycles that a burst waits for its translation."""
        if not self._cycles or transfer is None:
            return 0
        news = [
            each
            for _, _, each in transfer.translations
            if each is not IDENTITY and id(each) not in self._known
        ]
        for translation in news:
            self._known[id(translation)] = translation
            if len(self._known) > _TRANSLATIONS_KNOWN:
                del self._known[next(iter(self._known))]
        return self._cycles if news or transfer.fault is not None else 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a memory and its sides have agreed on."""

    port: BurstPort
    clock: Any
    wake: Callable[[], None]
    latency: Latency
    walks: Walks
    outstanding: int
    monitor: ExclusiveMonitor | None


class Flight:
    """A burst in flight.

    Attributes:
        identifier: AxID.
        burst: Its addresses.
        exclusive: AxLOCK.
        user: AxUSER.
        transfer: Its request; None before it has begun, and if it never begins.
        due: The clock cycle from which on it may be answered.
        ready: Whether it may be answered then: all its write data is here.
        succeeded: Whether it is an exclusive access that was one.
    """

    __slots__ = (
        "burst",
        "due",
        "exclusive",
        "identifier",
        "ready",
        "succeeded",
        "transfer",
        "user",
    )

    def __init__(self, identifier: int, burst: Burst, exclusive: bool, user: int) -> None:
        self.identifier = identifier
        self.burst = burst
        self.exclusive = exclusive
        self.user = user
        self.transfer: Transfer | None = None
        self.due = 0
        self.ready = False
        self.succeeded = False

    @property
    def aborted(self) -> bool:
        """Whether a reset ended its request."""
        return self.transfer is not None and self.transfer.aborted

    def abort(self) -> None:
        """End its request as a reset does."""
        if self.transfer is not None:
            self.transfer.abort()


def next_due(flights: Sequence[Flight], now: int) -> Flight | None:
    """The oldest that may be answered now; those of one identifier keep their order."""
    passed: set[int] = set()
    for flight in flights:
        if flight.ready and flight.due <= now and flight.identifier not in passed:
            return flight
        passed.add(flight.identifier)
    return None


class AddressChannel(Channel):
    """AW or AR.

    Attributes:
        valid: Samples xVALID.
        ready: Drives xREADY.
    """

    def __init__(self, bus: Any, prefix: str, bus_bytes: int, terms: Terms) -> None:
        super().__init__(terms.clock, terms.wake)
        self.valid = sampler(getattr(bus, f"{prefix}valid"))
        self.ready = Output(getattr(bus, f"{prefix}ready"))
        self._prefix = prefix
        self._bus_bytes = bus_bytes
        # What AXI says of signals that a bus does not have.
        self._values = {"id": 0, "len": 0, "burst": int(BurstType.INCR), "lock": 0, "user": 0}
        self._values["size"] = (bus_bytes - 1).bit_length()
        names = ["id", "addr", "len", "size", "burst"]
        if terms.monitor is not None:  # what makes no difference may be unknown
            names.append("lock")
        if terms.port.wants_user:
            names.append("user")
        self._samplers = {
            name: sampler(handle)
            for name in names
            if (handle := signal(bus, prefix + name)) is not None
        }

    def take(self) -> Flight:
        """The burst whose address phase is accepted at this clock edge."""
        values = self._values
        for name, sample in self._samplers.items():
            bits = sample()
            try:
                values[name] = int(bits, 2)
            except ValueError:
                raise unknown(self._prefix, self._prefix + name, bits) from None
        burst = legal_burst(
            self._prefix.upper(),
            self._bus_bytes,
            values["addr"],
            values["len"] + 1,
            1 << values["size"],
            values["burst"],
        )
        if values["lock"] and (violation := burst.exclusive_violation):
            raise AxiProtocolError(f"{self._prefix.upper()}: {burst} {violation}")
        return Flight(values["id"], burst, bool(values["lock"]), values["user"])


class Side:
    """One direction of a memory.

    Attributes:
        requests: What tells that a master wants something: samples of valid signals, and triggers
            for their rising.
    """

    requests: list[tuple[Callable[[], str], RisingEdge]]

    def __init__(self, terms: Terms) -> None:
        self._port = terms.port
        self._latency = terms.latency
        self._walks = terms.walks
        self._outstanding = terms.outstanding
        self._monitor = terms.monitor
        self._now = 0
        self._resume_at = 0  # no data beat before this clock cycle
        self._waiting: list[Flight] = []  # in the order of their address phases

    def step(self) -> bool:
        """Do what is to be done at a clock edge; whether there is more to come."""
        raise NotImplementedError

    def drop(self) -> None:
        """Drop everything, as a reset does."""
        for flight in self._waiting:
            flight.abort()
        self._waiting.clear()
        self._resume_at = self._now

    def _begin(self, flight: Flight, *, write: bool) -> None:
        """Begin the request of a burst, and reckon when it may be answered."""
        burst = flight.burst
        if not (write and self._port.begins_with_data(burst, flight.user)):
            flight.transfer = self._port.begin(
                burst.first, burst.size, write=write, user=flight.user
            )
        flight.due = self._now + self._latency.address + self._walks.cycles(flight.transfer)
        self._waiting.append(flight)

    def _end(self, flight: Flight) -> None:
        """The last response has been accepted."""
        if flight.transfer is not None:
            flight.transfer.end()


def first_host_address(transfer: Transfer) -> int:
    """Where the first byte of a transfer that was translated lies in memory."""
    _, _, translation = transfer.translations[0]
    return translation.address(transfer.iova)
