"""Back-pressure of one channel, with the names that users of cocotbext-axi know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import RisingEdge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cocotb.task import Task


class Channel:
    """One channel; while it pauses, it takes or shows nothing new.

    Attributes:
        held: Whether it pauses; `pause` for those who may change it.
    """

    def __init__(self, clock: Any, changed: Callable[[], object]) -> None:
        self.held = False
        self._clock = clock
        self._changed = changed
        self._generator: Task[None] | None = None

    @property
    def pause(self) -> bool:
        """Whether it pauses; a transaction that is shown already stays until it is accepted."""
        return self.held

    @pause.setter
    def pause(self, value: bool) -> None:
        self.held = bool(value)
        self._changed()

    def set_pause_generator(self, generator: Iterable[bool] | None = None) -> None:
        """Let a generator say for each clock cycle whether it pauses; None takes it away."""
        if self._generator is not None:
            self._generator.cancel()
            self._generator = None
        if generator is not None:
            self._generator = cocotb.start_soon(self._follow(iter(generator)))

    def clear_pause_generator(self) -> None:
        """Take the generator away; the pause of this moment stays."""
        self.set_pause_generator(None)

    async def _follow(self, generator: Iterator[bool]) -> None:
        edge = RisingEdge(self._clock)
        for value in generator:
            self.pause = value
            await edge
