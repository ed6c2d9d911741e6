"""A reset input that a model follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb

if TYPE_CHECKING:
    from collections.abc import Callable


class ResetInput:
    """Tells of every change; a level that is neither 0 nor 1 is no reset."""

    def __init__(
        self,
        signal: Any,
        active_level: bool,
        asserted: Callable[[], object],
        released: Callable[[], object],
    ) -> None:
        """Follow a signal; None is never asserted.

        `released` is called now unless it is asserted.
        """
        self._signal = signal
        self._active = "1" if active_level else "0"
        self._asserted = asserted
        self._released = released
        self._in_reset = True
        self._update()
        if signal is not None:
            cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        while True:
            await self._signal.value_change
            self._update()

    def _update(self) -> None:
        in_reset = self._signal is not None and str(self._signal.value) == self._active
        if in_reset is not self._in_reset:
            self._in_reset = in_reset
            (self._asserted if in_reset else self._released)()
