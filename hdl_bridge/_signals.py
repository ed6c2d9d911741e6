"""Signals as a model at every clock edge wants them: sampled cheaply, written only on change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def sampler(handle: Any) -> Callable[[], str]:
    """What samples a signal: each call returns its bits, the highest first.

    Reading `value` makes a LogicArray and then a number of it, at five times the cost of the one
    call below that asks the simulator. That call is not public: where cocotb has moved it, the
    public way serves as well.
    """
    sample: Callable[[], str] | None = getattr(
        getattr(handle, "_handle", None), "get_signal_val_binstr", None
    )
    return sample if sample is not None else lambda: str(handle.value)


def known(bits: str) -> int:
    """Sampled bits as a number; those that are neither 0 nor 1 count as 0."""
    try:
        return int(bits, 2)
    except ValueError:
        return int("".join(bit if bit == "1" else "0" for bit in bits), 2)


class Output:
    """A signal that we drive, or one that a bus does not have.

    Attributes:
        value: What we drive.
    """

    __slots__ = ("_handle", "value")

    def __init__(self, handle: Any | None) -> None:
        self._handle = handle
        self.value = 0
        if handle is not None:
            handle.value = 0

    def drive(self, value: int) -> None:
        """Drive a value from now on."""
        if value != self.value:
            self.value = value
            if self._handle is not None:
                self._handle.value = value
