"""The bursts of an AXI4 interface as its wires show them, for a memory that Python does not serve.

A burst begins with its address handshake and ends with that of its last response. What the RTL does
at a clock edge comes after what software does there, so handshakes count after the edge: a command
of that edge is older than a burst of that edge. One burst at a time in each direction, in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import ReadWrite, RisingEdge

from hdl_bridge.burst_port import is_interrupt
from hdl_bridge.bursts import Response
from testbenches.journal import PAGE
from vtd_plugin.bus import Attributes, RequestKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hdl_bridge.burst_port import BurstPort
    from testbenches.journal import Burst, Journal
    from vtd_plugin import RequesterPort, Transfer
    from vtd_plugin.bus import RequestOptions


class WireBurst:
    """A burst; see `testbenches.journal.Request`.

    Attributes:
        iova: First address.
        size: Bytes.
        attributes: What its request carries.
        response: Its last response, once there is one.
        aborted: Whether a reset cut it short.
    """

    def __init__(self, iova: int, size: int, attributes: Attributes) -> None:
        self.iova = iova
        self.size = size
        self.attributes = attributes
        self.response: Response | None = None
        self.aborted = False

    @property
    def is_write(self) -> bool:
        """Whether it is a write."""
        return self.attributes.kind is RequestKind.WRITE

    @property
    def ok(self) -> bool:
        """Whether it was neither refused nor aborted, as far as anybody knows."""
        return not self.aborted and self.response in (None, Response.OKAY)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.aborted or self.response is not None

    @property
    def begins_with_data(self) -> bool:
        """Whether there is no transfer over it before its data, which may be an interrupt's."""
        return self.is_write and is_interrupt(self.iova)

    def is_covered_by(self, transfer: Transfer) -> bool:
        """Whether a transfer is of the same kind and reaches its page, which a lease is all of."""
        first, last = transfer.iova // PAGE, (transfer.iova + transfer.size - 1) // PAGE
        return first <= self.iova // PAGE <= last and transfer.attributes == self.attributes

    def __repr__(self) -> str:
        kind = "write" if self.is_write else "read"
        return f"{kind} of {self.size} bytes at {self.iova:#x}, response {self.response!r}"


class WireBursts:
    """Tells a journal of every burst on ``m_axi_*`` from its construction on.

    It asserts that a transfer of the port is in flight over the page of each burst that begins.
    """

    def __init__(
        self,
        dut: Any,
        port: RequesterPort,
        journal: Journal,
        user: Callable[[int], RequestOptions] | None,
        memory: BurstPort,
    ) -> None:
        """Watch from now on.

        Args:
            dut: The top.
            port: Whose requests the bursts are.
            journal: Who is told of them.
            user: What AxUSER says, where there is one.
            memory: Who asks the port for those that no lease serves.
        """
        self._dut = dut
        self._port = port
        self._journal = journal
        self._user = user
        self._under_way: list[tuple[WireBurst, Burst]] = []
        self._accepted: list[WireBurst] = []  # at this clock edge
        self._asked_for: list[tuple[int, bool]] = []  # since the last one: address, is it a write
        memory.listeners.append(
            lambda transfer: self._asked_for.append((transfer.iova, transfer.is_write))
        )
        cocotb.start_soon(self._watch("ar", "r", is_write=False))
        cocotb.start_soon(self._watch("aw", "b", is_write=True))

    @property
    def in_flight(self) -> Sequence[WireBurst]:
        """The bursts that have begun and not ended, oldest first."""
        return tuple(burst for burst, _ in self._under_way)

    async def _watch(self, address: str, answer: str, *, is_write: bool) -> None:
        dut, edge = self._dut, RisingEdge(self._dut.clk)
        asks, taken = (self._signal(f"{address}{name}") for name in ("valid", "ready"))
        answers, accepted = (self._signal(f"{answer}{name}") for name in ("valid", "ready"))
        while True:
            await edge
            # What stands just before an edge is what the edge samples.
            if dut.rst.value:
                await ReadWrite()
                self._cut(is_write=is_write)
            elif asks.value and taken.value:
                self._accepted.append(self._asked(address, is_write=is_write))
                await ReadWrite()
                self._begin_accepted()
            elif answers.value and accepted.value and (is_write or self._signal("rlast").value):
                response = Response(int(self._signal(f"{answer}resp").value))
                await ReadWrite()
                self._answered(response, is_write=is_write)

    def _signal(self, name: str) -> Any:
        return getattr(self._dut, f"m_axi_{name}")

    def _asked(self, channel: str, *, is_write: bool) -> WireBurst:
        address, length, size = (
            int(self._signal(f"{channel}{name}").value) for name in ("addr", "len", "size")
        )
        user = self._user
        options = user(int(self._signal(f"{channel}user").value)) if user is not None else {}
        kind = RequestKind.WRITE if is_write else RequestKind.READ
        return WireBurst(address, (length + 1) << size, Attributes(kind, **options))

    def _begin_accepted(self) -> None:
        """Of a read and a write, that begins first for which the port was asked first."""
        accepted, self._accepted = self._accepted, []
        asked_for, self._asked_for = self._asked_for, []
        places = {place: number for number, place in enumerate(asked_for)}
        accepted.sort(key=lambda burst: places.get((burst.iova, burst.is_write), len(places)))
        for burst in accepted:
            self._begin(burst)

    def _begin(self, burst: WireBurst) -> None:
        entry = self._journal.begin(burst)
        self._under_way.append((burst, entry))
        if entry.leads_somewhere and not burst.begins_with_data:
            covering = (each for each in self._port.in_flight if burst.is_covered_by(each))
            assert any(covering), f"nothing in flight over {burst}"

    def _answered(self, response: Response, *, is_write: bool) -> None:
        pair = next(each for each in self._under_way if each[0].is_write is is_write)
        self._under_way.remove(pair)
        burst, entry = pair
        burst.response = response
        burst.aborted = response is Response.SLVERR
        if not burst.aborted:
            entry.check()

    def _cut(self, *, is_write: bool) -> None:
        for pair in [each for each in self._under_way if each[0].is_write is is_write]:
            self._under_way.remove(pair)
            pair[0].aborted = True
