"""Reading the waveforms of the demo back, whichever simulator wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pywellen import Waveform

if TYPE_CHECKING:
    from pathlib import Path

TOP: Final = "tb_nvme_lite"
_PS_PER_NS: Final = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """A new value of a signal.

    Attributes:
        at_ns: When, in simulated nanoseconds.
        value: The value; None where bits of it are unknown.
    """

    at_ns: float
    value: int | None


class Waves:
    """The waveforms in one file, with times in nanoseconds; the simulations count picoseconds.

    Args:
        path: The file, FST or VCD.
    """

    def __init__(self, path: Path) -> None:
        waveform = Waveform(str(path))
        self._signals = {variable.full_name: variable.signal for variable in waveform.all_vars()}

    def changes(self, name: str) -> list[Change]:
        """All values a signal has had, the first included.

        Args:
            name: Its name below the top, such as ``"probe.remapped"``.
        """
        return [
            Change(time / _PS_PER_NS, value if isinstance(value, int) else None)
            for time, value in self._signals[f"{TOP}.{name}"]
        ]

    def value(self, name: str, at_ns: float) -> int | None:
        """The value a signal has at a time; None if bits of it are unknown."""
        earlier = [change for change in self.changes(name) if change.at_ns <= at_ns]
        return earlier[-1].value if earlier else None

    def notes(self) -> list[tuple[float, str]]:
        """When each phase began, and what it is called."""
        return [
            (change.at_ns, _text(change.value))
            for change in self.changes("unit.note")
            if change.value
        ]


def _text(value: int) -> str:
    return value.to_bytes(16, "big").strip(b"\0").decode("ascii")
