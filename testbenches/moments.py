"""Stopping a DMA master in the middle of a burst, at a chosen moment.

`stop_at` waits for the moment, holds the memory side there and says how to go on. It looks at the
wires of the RTL, and asserts that it has found what it was to find.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from cocotb.triggers import RisingEdge

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbenches.journal import Request
    from testbenches.scene import Scene

SETTLE: Final = 6
"""Clock cycles in which beats come to rest after a channel was paused."""
_PATIENCE: Final = 4000


class Moment(StrEnum):
    """Where a burst stands."""

    IDLE = "idle"
    ADDRESS = "address phase"
    DATA = "data phase"
    RESPONSE = "response pending"
    WALK = "walk pending"


class Direction(StrEnum):
    """Which kind of burst."""

    READ = "read"
    WRITE = "write"


class Stop:
    """A master that is held.

    Args:
        scene: Where.
        direction: Which kind of burst is to be caught.
    """

    def __init__(self, scene: Scene, direction: Direction) -> None:
        self._scene = scene
        self._is_write = direction is Direction.WRITE
        side: Any = scene.memory.write_if if self._is_write else scene.memory.read_if
        if self._is_write:
            self._address, self._data, self._response = (
                side.aw_channel,
                side.w_channel,
                side.b_channel,
            )
        else:
            self._address = side.ar_channel
            self._data = self._response = side.r_channel
        self._names = ("aw", "w") if self._is_write else ("ar", "r")

    def release(self) -> None:
        """Let the master go on."""
        for channel in (self._address, self._data, self._response):
            channel.pause = False

    async def at(self, moment: Moment) -> None:
        """Hold the master at a moment."""
        await {
            Moment.ADDRESS: self._at_address,
            Moment.DATA: self._at_data,
            Moment.RESPONSE: self._at_response,
            Moment.WALK: self._at_walk,
        }[moment]()

    async def _at_address(self) -> None:
        """A burst is asked for and not taken."""
        self._address.pause = True
        await self._scene.ticks(SETTLE)
        await self._until(lambda: self._asks() and not self._is_taken())

    async def _at_data(self) -> None:
        """Some beats of a burst have moved, but not its last."""
        while True:
            await self._until(lambda: self._beat() and not self._is_last() and self._in_flight())
            burst = self._oldest()
            self._data.pause = True
            await self._scene.ticks(SETTLE)
            if self._oldest() is burst:
                break
            self._data.pause = False  # only its last beat was left, and that was under way
        assert not self._beat()

    async def _at_response(self) -> None:
        """A read that has no data yet, or a write that has all its data and no response."""
        self._address.pause = True
        await self._until(lambda: not self._in_flight() and self._asks())
        self._response.pause = True
        self._address.pause = False
        await self._until(self._in_flight)
        if self._is_write:
            await self._until(lambda: self._beat() and self._is_last())
        await self._scene.ticks(SETTLE)
        assert self._in_flight()

    async def _at_walk(self) -> None:
        """A burst whose translation was not at hand."""
        seen = {self._page(burst.transfer.iova) for burst in self._scene.journal.bursts}
        bursts = self._scene.journal.bursts

        def walks() -> bool:
            last = bursts[-1].transfer
            return last.is_write is self._is_write and self._page(last.iova) not in seen

        await self._until(walks)
        await self._scene.ticks(SETTLE)
        assert self._in_flight()

    async def _until(self, condition: Callable[[], bool]) -> None:
        edge = RisingEdge(self._scene.dut.clk)
        for _ in range(_PATIENCE):
            await edge
            if condition():
                return
        raise AssertionError("the moment did not come")

    def _in_flight(self) -> bool:
        return self._oldest() is not None

    def _oldest(self) -> Request | None:
        in_flight = self._scene.in_flight
        return next((each for each in in_flight if each.is_write is self._is_write), None)

    def _asks(self) -> bool:
        return self._high(f"{self._names[0]}valid")

    def _is_taken(self) -> bool:
        return self._high(f"{self._names[0]}ready")

    def _beat(self) -> bool:
        name = self._names[1]
        return self._high(f"{name}valid") and self._high(f"{name}ready")

    def _is_last(self) -> bool:
        return self._high(f"{self._names[1]}last")

    def _high(self, name: str) -> bool:
        signal: Any = getattr(self._scene.dut, f"m_axi_{name}")
        return bool(signal.value)

    @staticmethod
    def _page(iova: int) -> int:
        return iova // 4096
