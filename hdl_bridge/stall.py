"""Back-pressure of a native memory: its `stall` input, with the names of cocotbext-axi.

A testbench that holds back the channels of an AxiRam holds back those of an ``axi_native_memory``
in the same words: ``stall.write_if.b_channel.set_pause_generator(...)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hdl_bridge._channel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable


_CHANNELS: Final = 5


class StallInput:
    """Drives a `stall` input.

    Attributes:
        write_if: `aw_channel`, `w_channel`, `b_channel`.
        read_if: `ar_channel`, `r_channel`.
    """

    def __init__(self, signal: Any, clock: Any) -> None:
        """Take the input; no channel pauses.

        Args:
            signal: The input of five bits.
            clock: The clock of the memory.

        Raises:
            ValueError: The input has not five bits.
        """
        if len(signal) != _CHANNELS:
            raise ValueError(f"{signal!r} has {len(signal)} bits; a stall input has {_CHANNELS}")
        self._signal = signal
        self.write_if = WriteStalls(clock, self._changed)
        self.read_if = ReadStalls(clock, self._changed)
        self._changed()

    def _changed(self) -> None:
        write, read = self.write_if, self.read_if
        order = (write.aw_channel, write.w_channel, write.b_channel)
        channels = (*order, read.ar_channel, read.r_channel)
        self._signal.value = sum(channel.held << bit for bit, channel in enumerate(channels))


class WriteStalls:
    """The channels of the write direction."""

    def __init__(self, clock: Any, changed: Callable[[], object]) -> None:
        self.aw_channel = Channel(clock, changed)
        self.w_channel = Channel(clock, changed)
        self.b_channel = Channel(clock, changed)


class ReadStalls:
    """The channels of the read direction."""

    def __init__(self, clock: Any, changed: Callable[[], object]) -> None:
        self.ar_channel = Channel(clock, changed)
        self.r_channel = Channel(clock, changed)
