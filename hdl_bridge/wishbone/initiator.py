"""The wires of a Wishbone master: requests one after the other, each with its answer.

A classic request is shown until it is answered, and a clock cycle without any follows it, so that
the core can end its answer. A pipelined one is shown until a clock edge without STALL, and the next
may follow at once; answers come in the order of the requests, and CYC stays until the last.
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import Event, RisingEdge

from hdl_bridge._signals import Output, known, sampler
from hdl_bridge.wishbone.side import WishboneError

if TYPE_CHECKING:
    from collections.abc import Container

    from cocotb.task import Task

    from hdl_bridge.wishbone.bus import WishboneBus
    from hdl_bridge.wishbone.side import Request


class WishboneResponse(StrEnum):
    """How an access ended."""

    ACK = "ACK"
    """Done."""
    ERR = "ERR"
    """The core refused it."""
    RTY = "RTY"
    """The core wants it to be tried again."""
    ABORTED = "ABORTED"
    """A reset ended it."""


class Cycle:
    """A bus cycle, from its call to its answer.

    Attributes:
        request: What it asks for.
        response: How it ended.
        data: The bytes that it selects, as they were on the bus.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.response = WishboneResponse.ABORTED
        select = request.select
        self._first = (select & -select).bit_length() - 1
        self.data = bytes(select.bit_length() - self._first)
        self._failure: str | None = None
        self._done = Event()

    async def done(self) -> None:
        """Wait for its answer.

        Raises:
            WishboneError: There is none, or it is a read that came to X.
        """
        await self._done.wait()
        if self._failure is not None:
            request = self.request
            kind = "read" if request.data is None else "write"
            where = f"{request.address:#x}, SEL {request.select:#b}"
            raise WishboneError(f"{kind} at {where}: {self._failure}")

    def answer(self, response: WishboneResponse, word: str) -> None:
        """It is answered, with these bits of DAT."""
        self.response = response
        stop = len(word) - 8 * self._first
        bits = word[stop - 8 * len(self.data) : stop]
        if self.request.data is None and response is WishboneResponse.ACK and not _is_known(bits):
            self.fail(f"DAT is {bits}")
        self.data = known(bits).to_bytes(len(self.data), "little")
        self._done.set()

    def abort(self) -> None:
        """A reset has ended it."""
        self._done.set()

    def fail(self, failure: str) -> None:
        """It came to nothing that a caller can go on with."""
        self._failure = failure
        self._done.set()


class Initiator:
    """Asks for bus cycles, in the order in which it was asked for them."""

    def __init__(self, bus: WishboneBus, clock: Any, address_unit: int, timeout: int) -> None:
        self._edge = RisingEdge(clock)
        self._timeout = timeout
        self._pipelined = bus.stall is not None
        self._outputs = _Outputs(bus, address_unit)
        self._inputs = _Inputs(bus)
        self._wanted = Event()
        self._waiting: deque[Cycle] = deque()
        self._unanswered: deque[Cycle] = deque()  # the last of them may be shown still
        self._silence = 0  # clock cycles without an answer
        self._task: Task[None] | None = None

    def ask(self, cycle: Cycle) -> None:
        """Ask for one when all earlier ones have been asked for."""
        self._waiting.append(cycle)
        self._wanted.set()

    def withdraw(self, cycles: Container[Cycle]) -> None:
        """Do not ask for those that have not been asked for."""
        self._waiting = deque(cycle for cycle in self._waiting if cycle not in cycles)

    def start(self) -> None:
        """The core is out of its reset."""
        self._task = cocotb.start_soon(self._run())

    def stop(self) -> None:
        """The core is in reset."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._outputs.end_cycle()
        for cycle in (*self._unanswered, *self._waiting):
            cycle.abort()
        self._unanswered.clear()
        self._waiting.clear()

    async def _run(self) -> None:
        while True:
            if not self._waiting and not self._unanswered:
                self._wanted.clear()
                await self._wanted.wait()
            await self._edge
            self._step()

    def _step(self) -> None:
        """Do what is to be done at a clock edge."""
        outputs, inputs, pipelined = self._outputs, self._inputs, self._pipelined
        stalled = outputs.shows and inputs.stalled
        response = inputs.response if self._unanswered else None
        if response is None:
            self._silence += 1
        else:
            self._silence = 0
            self._unanswered.popleft().answer(response, inputs.data)
        taken = not stalled if pipelined else response is not None
        if taken:
            outputs.hide()
        if self._unanswered and self._silence >= self._timeout:
            self._give_up()
        elif self._waiting and not outputs.shows and (pipelined or response is None):
            self._show(self._waiting.popleft())
        elif not self._unanswered:
            outputs.end_cycle()

    def _show(self, cycle: Cycle) -> None:
        if not self._unanswered:
            self._silence = 0
        self._unanswered.append(cycle)
        self._outputs.show(cycle.request)

    def _give_up(self) -> None:
        """The core does not answer; without CYC it forgets all that it has not answered."""
        self._outputs.end_cycle()
        for cycle in self._unanswered:
            cycle.fail(f"no answer within {self._timeout} clock cycles")
        self._unanswered.clear()


class _Outputs:
    """What the master drives."""

    def __init__(self, bus: WishboneBus, address_unit: int) -> None:
        self._cyc = Output(bus.cyc)
        self._stb = Output(bus.stb)
        self._we = Output(bus.we)
        self._adr = Output(bus.adr)
        self._data = Output(bus.dat_w)
        self._select = Output(bus.sel)
        for tag in (bus.cti, bus.bte):
            Output(tag)
        self._address_unit = address_unit

    @property
    def shows(self) -> bool:
        """Whether there is a request."""
        return bool(self._stb.value)

    def show(self, request: Request) -> None:
        self._adr.drive(request.address // self._address_unit)
        self._select.drive(request.select)
        self._we.drive(0 if request.data is None else 1)
        self._data.drive(int.from_bytes(request.data or b"", "little"))
        self._cyc.drive(1)
        self._stb.drive(1)

    def hide(self) -> None:
        self._stb.drive(0)

    def end_cycle(self) -> None:
        self._stb.drive(0)
        self._cyc.drive(0)


class _Inputs:
    """What the core drives."""

    def __init__(self, bus: WishboneBus) -> None:
        self._answers = [
            (response, sampler(signal))
            for response, signal in (
                (WishboneResponse.ACK, bus.ack),
                (WishboneResponse.ERR, bus.err),
                (WishboneResponse.RTY, bus.rty),
            )
            if signal is not None
        ]
        self._stall = sampler(bus.stall) if bus.stall is not None else lambda: "0"
        self._data = sampler(bus.dat_r)

    @property
    def response(self) -> WishboneResponse | None:
        for response, sample in self._answers:
            if sample() == "1":
                return response
        return None

    @property
    def stalled(self) -> bool:
        return self._stall() != "0"

    @property
    def data(self) -> str:
        return self._data()


def _is_known(bits: str) -> bool:
    return set(bits) <= {"0", "1"}
