"""An AXI4 subordinate of our own over a requester port: fast, and with a memory's timing.

One coroutine, signals that are written only when they change, one translation and one move of data
for each burst. All of AXI4's bursts, narrow and unaligned ones too; several bursts wait at a time,
and those of different identifiers may pass each other. The data of one read is never interleaved
with that of another. AxCACHE, AxPROT, AxQOS and AxREGION change nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.triggers import Event, First, RisingEdge

from hdl_bridge._arguments import require_count, require_wires
from hdl_bridge._claims import claim
from hdl_bridge._reset_input import ResetInput
from hdl_bridge.axi.bus import directions, ready_signals, require_user
from hdl_bridge.axi.read import ReadSide
from hdl_bridge.axi.side import Latency, Terms, Walks
from hdl_bridge.axi.write import WriteSide
from hdl_bridge.burst_port import BurstPort, FaultResponse
from hdl_bridge.exclusive import ExclusiveMonitor

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from cocotb.task import Task

    from vtd_plugin.bus import Platform, Requester, RequestOptions

__all__ = ["AxiMemory", "Latency"]

_PATIENCE: Final = 8  # idle clock cycles before it sleeps: falling asleep costs as much as some


class AxiMemory(BurstPort):
    """The memory that an AXI4 master sees through a requester port.

    A burst's request begins with its address phase and ends when its last response is accepted.
    Nothing answers at an address: DECERR. A reset of the platform or of the requester aborts a
    burst: SLVERR. The reset input aborts all there are. A burst that breaks a rule of AXI ends
    the test with an `AxiProtocolError`. Its channels pause as those of cocotbext-axi do:
    ``memory.write_if.b_channel.set_pause_generator(...)``.

    Attributes:
        write_if: The write direction: `aw_channel`, `w_channel`, `b_channel`; None without one.
        read_if: The read direction: `ar_channel`, `r_channel`; None without one.
    """

    def __init__(
        self,
        bus: Any,
        clock: Any,
        reset: Any,
        requester: Requester | Platform,
        source_id: int | str | None = None,
        *,
        reset_active_level: bool = True,
        on_fault: FaultResponse | str = FaultResponse.DECERR,
        user: Callable[[int], RequestOptions] | None = None,
        latency: Latency | None = None,
        outstanding: int = 16,
        monitor: ExclusiveMonitor | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Answer on a bus from now on.

        Args:
            bus: An AxiBus or AxiLiteBus of cocotbext-axi, or one direction of it. Signals that it
                lacks have the default values of AXI.
            clock: Its clock.
            reset: Its reset, or None.
            requester: Whose requests the bursts are: a requester port, an assigned device, or a
                platform together with `source_id`.
            source_id: The requester on that platform, such as ``"00:04.0"``.
            reset_active_level: Whether the reset is active high.
            on_fault: The response to a burst that is blocked, ``"DECERR"`` or ``"SLVERR"``.
            user: What a burst's AxUSER says of its request, such as `AxiUser()`; by default
                nothing.
            latency: How long it takes; by default as short as can be.
            outstanding: Bursts that it takes in each direction before it answers one.
            monitor: What answers exclusive accesses; without one they are ordinary accesses, and
                OKAY tells the master so.
            **options: What every request carries, such as a PASID; see `RequestOptions`.

        Raises:
            TypeError: An argument is something else, there is a source-id too many or too few, or
                no such option.
            ValueError: `on_fault`, `source_id`, `outstanding` or an option cannot be, `user` is for
                signals that the bus does not have, it lacks one that has no default value, or
                somebody answers on it already.
        """
        require_wires(clock, reset, reset_active_level)
        super().__init__(requester, source_id, on_fault, user, options)
        self._woken = Event()
        require_count("outstanding", outstanding, 1)
        if monitor is not None and not isinstance(monitor, ExclusiveMonitor):
            raise TypeError(f"monitor={monitor!r} is no ExclusiveMonitor")
        self._monitor = monitor
        latency = latency if latency is not None else Latency()
        if not isinstance(latency, Latency):
            raise TypeError(f"latency={latency!r} is no Latency")
        terms = Terms(self, clock, self._wake, latency, Walks(latency), outstanding, monitor)
        write, read = directions(bus)
        require_user(self, write, read)
        claim("AxiMemory", *ready_signals(write, read))
        self.write_if = WriteSide(write, terms) if write is not None else None
        self.read_if = ReadSide(read, terms) if read is not None else None
        self._sides = [side for side in (self.write_if, self.read_if) if side is not None]
        self._edge = RisingEdge(clock)
        self._task: Task[None] | None = None
        ResetInput(reset, reset_active_level, self._stop, self._start)

    def _start(self) -> None:
        self._task = cocotb.start_soon(self._serve())

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for side in self._sides:
            side.drop()
        if self._monitor is not None:
            self._monitor.forget(self)

    async def _serve(self) -> None:
        steps = [side.step for side in self._sides]
        quiet = 0
        while True:
            await self._edge
            quiet += 1
            for step in steps:
                if step():
                    quiet = 0
            if quiet > _PATIENCE:
                quiet = 0
                await self._sleep()

    async def _sleep(self) -> None:
        """Let time pass until a master wants something, or a pause changes."""
        requests = [request for side in self._sides for request in side.requests]
        if all(sample() != "1" for sample, _ in requests):
            self._woken.clear()
            await First(*(edge for _, edge in requests), self._woken.wait())

    def _wake(self) -> None:
        self._woken.set()
