"""The addresses of an AXI burst (AMBA AXI specification, "Burst length, size, and type").

Pure arithmetic: which bytes a burst can touch, which of them each beat does, and which rule a burst
breaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUNDARY: Final = 4096
"""Bytes; a burst never crosses a multiple of it."""

MOST_BEATS: Final = 256
"""Beats of the longest burst."""

_WRAPPING_BEATS: Final = (2, 4, 8, 16)
_MOST_FIXED_BEATS: Final = 16
_MOST_EXCLUSIVE_BEATS: Final = 16
_MOST_EXCLUSIVE_BYTES: Final = 128


class BurstType(IntEnum):
    """AxBURST."""

    FIXED = 0
    INCR = 1
    WRAP = 2


class Response(IntEnum):
    """RRESP and BRESP."""

    OKAY = 0
    EXOKAY = 1
    SLVERR = 2
    DECERR = 3


class AxiProtocolError(AssertionError):
    """A master broke a rule of AXI; the message names the burst and the rule."""


@dataclass(frozen=True, slots=True)
class Burst:
    """One address phase.

    Attributes:
        address: AxADDR, in bytes.
        beats: AxLEN plus one.
        beat_bytes: Two to the power of AxSIZE.
        kind: AxBURST.
    """

    address: int
    beats: int
    beat_bytes: int
    kind: BurstType = BurstType.INCR

    @property
    def first(self) -> int:
        """The lowest address the burst can touch."""
        if self.kind is BurstType.WRAP:
            return self.address & -(self.beats * self.beat_bytes)
        return self.address

    @property
    def stop(self) -> int:
        """One more than the highest address the burst can touch."""
        if self.kind is BurstType.WRAP:
            return self.first + self.beats * self.beat_bytes
        beats = 1 if self.kind is BurstType.FIXED else self.beats
        return (self.address & -self.beat_bytes) + beats * self.beat_bytes

    @property
    def size(self) -> int:
        """How many bytes it can touch."""
        return self.stop - self.first

    def __str__(self) -> str:
        kind = self.kind.name
        return f"{kind} burst of {self.beats} x {self.beat_bytes} bytes at {self.address:#x}"

    def violation(self, bus_bytes: int) -> str | None:
        """The first rule of AXI4 that it breaks on a bus of that width, in words."""
        if self.beat_bytes > bus_bytes:
            return f"has beats wider than the {bus_bytes} bytes of the bus"
        if self.first // BOUNDARY != (self.stop - 1) // BOUNDARY:
            return "crosses a border of 4 KiB"
        if self.kind is BurstType.WRAP:
            if self.beats not in _WRAPPING_BEATS:
                return "wraps with other than 2, 4, 8 or 16 beats"
            if self.address % self.beat_bytes:
                return "wraps from an unaligned address"
        if self.kind is BurstType.FIXED and self.beats > _MOST_FIXED_BEATS:
            return f"has a fixed address for more than {_MOST_FIXED_BEATS} beats"
        return None

    @property
    def exclusive_violation(self) -> str | None:
        """The first rule of exclusive accesses that it breaks, in words."""
        size = self.beats * self.beat_bytes
        if self.beats > _MOST_EXCLUSIVE_BEATS or size > _MOST_EXCLUSIVE_BYTES:
            return "is longer than an exclusive access may be"
        if size & size - 1 or self.address % size:
            return "is exclusive, and not aligned to a power of two of bytes"
        return None

    def spans(self) -> Iterator[tuple[int, int]]:
        """What each beat can touch: (first address, one more than the last)."""
        aligned = self.address & -self.beat_bytes
        start = self.address
        for _ in range(self.beats):
            yield start, aligned + self.beat_bytes
            if self.kind is not BurstType.FIXED:
                aligned += self.beat_bytes
                if self.kind is BurstType.WRAP and aligned == self.stop:
                    aligned = self.first
                start = aligned


def unknown(channel: str, name: str, bits: object) -> AxiProtocolError:
    """The error of a signal that is not known while the VALID of its channel says that it counts.

    Args:
        channel: The channel in small letters, such as ``"aw"``.
        name: The signal.
        bits: What it was.
    """
    return AxiProtocolError(f"{channel.upper()}: {name} is {bits} while {channel}valid is 1")


def wrong_last(burst: Burst, beat: int, last: object) -> AxiProtocolError:
    """The error of a WLAST that is not where the burst ends.

    Args:
        burst: What the data belongs to.
        beat: Which of its beats, from 1 on.
        last: What WLAST was in it.
    """
    return AxiProtocolError(f"W: {burst} has WLAST={last} in beat {beat}")


def legal_burst(
    channel: str, bus_bytes: int, address: int, beats: int, beat_bytes: int, kind: int
) -> Burst:
    """The burst of an address phase.

    Args:
        channel: AW or AR.
        bus_bytes: Width of the bus.
        address: AxADDR, in bytes.
        beats: AxLEN plus one.
        beat_bytes: Two to the power of AxSIZE.
        kind: AxBURST.

    Raises:
        AxiProtocolError: It breaks a rule of AXI4.
    """
    if kind not in (*BurstType,):
        raise AxiProtocolError(f"{channel}: AxBURST is {kind}, which is reserved")
    burst = Burst(address, beats, beat_bytes, BurstType(kind))
    violation = burst.violation(bus_bytes)
    if violation is not None:
        raise AxiProtocolError(f"{channel}: {burst} {violation}")
    return burst
