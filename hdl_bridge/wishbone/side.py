"""Who answers a Wishbone master, in classic cycles or in pipelined mode.

The two differ in when a request is one: a classic master holds it until it is answered, a pipelined
one shows it for one clock cycle without STALL and goes on. Here a classic master is one that has at
most one request under way.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import cocotb
from cocotb.triggers import Event, First, RisingEdge

from hdl_bridge._arguments import require_count
from hdl_bridge._channel import Channel
from hdl_bridge._claims import claim
from hdl_bridge._reset_input import ResetInput
from hdl_bridge._signals import Output, known, sampler
from hdl_bridge.wishbone.bus import bytes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cocotb.task import Task

    from hdl_bridge.wishbone.bus import WishboneBus


_PATIENCE: Final = 8  # idle clock cycles before it sleeps: falling asleep costs as much as some


class WishboneError(AssertionError):
    """What a core did that a test cannot go on from; the message names the access."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a master asks for.

    Attributes:
        address: The byte address of the bus word.
        size: Its bytes.
        select: SEL, bit 0 for the byte at `address`.
        data: DAT of a write, None for a read.
    """

    address: int
    size: int
    select: int
    data: bytes | None


class Access(Protocol):
    """A request that is under way."""

    def perform(self) -> tuple[bytes, bool]:
        """Do it: (the bus word that is read, whether all is well)."""

    def end(self) -> None:
        """The master has its answer."""

    def abort(self) -> None:
        """It gets no answer, or its master took none."""


class Subordinate:
    """Who answers a master; what a request comes to is up to those who inherit.

    Attributes:
        request_channel: Its back-pressure on requests: STALL, or wait states before a classic
            request is seen.
        response_channel: Its back-pressure on answers.
    """

    def __init__(
        self,
        bus: WishboneBus,
        clock: Any,
        reset: Any,
        *,
        reset_active_level: bool,
        address_unit: int,
        latency: int,
        outstanding: int,
    ) -> None:
        self._size = bytes_of(bus, address_unit)
        require_count("latency", latency, 0)
        require_count("outstanding", outstanding, 1)
        claim(type(self).__name__, bus.ack)
        self._master = _Master(bus, self._size, address_unit)
        self._answers = _Answers(bus)
        self._stall = Output(bus.stall)
        self._pipelined = bus.stall is not None
        self._latency = latency
        self._outstanding = outstanding if self._pipelined else 1
        self._edge = RisingEdge(clock)
        self._requested = RisingEdge(bus.stb)
        self._woken = Event()
        self.request_channel = Channel(clock, self._woken.set)
        self.response_channel = Channel(clock, self._woken.set)
        self._now = 0
        self._ready = True  # a request at the next clock edge is taken
        self._waiting: deque[tuple[int, Access]] = deque()  # with the clock cycle they are due
        self._answered: Access | None = None  # the master takes its answer at the next clock edge
        self._task: Task[None] | None = None
        ResetInput(reset, reset_active_level, self._stop, self._start)

    def _begin(self, request: Request) -> Access:
        """A request is taken."""
        raise NotImplementedError

    def _start(self) -> None:
        self._task = cocotb.start_soon(self._serve())

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._abort()
        self._answers.hide()
        self._get_ready()

    async def _serve(self) -> None:
        quiet = 0
        while True:
            if quiet > _PATIENCE:
                await First(self._requested, self._woken.wait())
            self._woken.clear()
            await self._edge
            self._step()
            quiet = 0 if self._under_way or self._master.asks else quiet + 1

    @property
    def _under_way(self) -> int:
        return len(self._waiting) + (self._answered is not None)

    def _step(self) -> None:
        """Do what is to be done at a clock edge."""
        master = self._master
        self._now += 1
        requested = master.requests
        if not (requested or (self._pipelined and master.in_cycle)):
            self._abort()
        elif self._answered is not None:
            self._answered.end()
            self._answered = None
        if requested and self._ready:
            self._waiting.append((self._now + self._latency, self._begin(master.sample())))
        self._answer()
        self._get_ready()

    def _answer(self) -> None:
        """Show the next answer, if there is one that nothing holds back."""
        self._answers.hide()
        if self._waiting and self._waiting[0][0] <= self._now and not self.response_channel.held:
            _, self._answered = self._waiting.popleft()
            self._answers.show(*self._answered.perform())

    def _get_ready(self) -> None:
        self._ready = not self.request_channel.held and self._under_way < self._outstanding
        self._stall.drive(0 if self._ready else 1)

    def _abort(self) -> None:
        """The master has given up all that is under way."""
        for _, access in self._waiting:
            access.abort()
        self._waiting.clear()
        if self._answered is not None:
            self._answered.abort()
            self._answered = None


class _Master:
    """What a master drives."""

    def __init__(self, bus: WishboneBus, size: int, address_unit: int) -> None:
        self._cyc = sampler(bus.cyc)
        self._stb = sampler(bus.stb)
        every = "1" * size
        self._samplers: dict[str, Callable[[], str]] = {
            "WE": sampler(bus.we),
            "ADR": sampler(bus.adr),
            "SEL": sampler(bus.sel) if bus.sel is not None else lambda: every,
        }
        self._data = sampler(bus.dat_w)
        self._size = size
        self._address_unit = address_unit

    @property
    def asks(self) -> bool:
        return self._stb() == "1"

    @property
    def in_cycle(self) -> bool:
        return self._cyc() == "1"

    @property
    def requests(self) -> bool:
        return self.in_cycle and self.asks

    def sample(self) -> Request:
        """The request of this clock edge.

        Raises:
            WishboneError: It is not known what it asks for.
        """
        values = {}
        for name, sample in self._samplers.items():
            bits = sample()
            if not set(bits) <= {"0", "1"}:
                raise WishboneError(f"{name} is {bits} while CYC and STB are 1")
            values[name] = int(bits, 2)
        address = values["ADR"] * self._address_unit
        data = known(self._data()).to_bytes(self._size, "little") if values["WE"] else None
        return Request(address - address % self._size, self._size, values["SEL"], data)


class _Answers:
    """What a master is answered."""

    def __init__(self, bus: WishboneBus) -> None:
        self._data = Output(bus.dat_r)
        self._ack = Output(bus.ack)
        self._err = Output(bus.err)
        self._has_err = bus.err is not None
        Output(bus.rty)

    def show(self, data: bytes, is_well: bool) -> None:
        self._data.drive(int.from_bytes(data, "little"))
        (self._ack if is_well or not self._has_err else self._err).drive(1)

    def hide(self) -> None:
        self._ack.drive(0)
        self._err.drive(0)
