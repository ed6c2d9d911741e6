"""Which byte of memory travels on which lane of the data bus, for every burst that AXI has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hdl_bridge._signals import known
from hdl_bridge.bursts import Burst, BurstType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def words_of(
    burst: Burst, read: Callable[[int, int], bytes], bus_bytes: int, *, joined: bool
) -> list[int]:
    """The bus words of a read.

    Args:
        burst: The burst.
        read: Reads memory: (offset from the burst's first byte, size).
        bus_bytes: Width of the bus.
        joined: Whether beats may be read together; if not, each is an access of its own.
    """
    if joined and _is_plain(burst, bus_bytes):
        data = read(0, burst.size)
        steps = range(0, burst.size, bus_bytes)
        return [int.from_bytes(data[step : step + bus_bytes], "little") for step in steps]
    first = burst.first
    if joined:
        data = read(0, burst.size)
        beats = [data[start - first : stop - first] for start, stop in burst.spans()]
    else:
        beats = [read(start - first, stop - start) for start, stop in burst.spans()]
    return [
        int.from_bytes(beat, "little") << 8 * (start % bus_bytes)
        for beat, (start, _) in zip(beats, burst.spans(), strict=True)
    ]


def stores_of(
    burst: Burst, words: Sequence[str], strobes: Sequence[str], bus_bytes: int, *, joined: bool
) -> Iterator[tuple[int, bytes]]:
    """The stores that a write comes to: (address, data), in order.

    Args:
        burst: The burst.
        words: The bits of its bus words; those that are neither 0 nor 1 are stored as 0.
        strobes: The bits of its strobes. Those of lanes that a beat has no part in count for
            nothing.
        bus_bytes: Width of the bus.
        joined: Whether beats may be stored together; if not, each is an access of its own.

    Raises:
        ValueError: A strobe is neither 0 nor 1.
    """
    if joined and _is_plain(burst, bus_bytes) and strobes.count("1" * bus_bytes) == burst.beats:
        yield burst.address, known("".join(reversed(words))).to_bytes(burst.size, "little")
        return
    for (start, stop), word, strobe in zip(burst.spans(), words, strobes, strict=True):
        lane = start % bus_bytes
        data = known(word).to_bytes(bus_bytes, "little")[lane : lane + stop - start]
        mask = int(strobe, 2) >> lane & (1 << len(data)) - 1
        for skip, length in runs_of_ones(mask):
            yield start + skip, data[skip : skip + length]


def _is_plain(burst: Burst, bus_bytes: int) -> bool:
    """Whether the bytes of memory and those of the bus are the same, one after the other."""
    return (
        burst.kind is BurstType.INCR
        and burst.beat_bytes == bus_bytes
        and burst.address % bus_bytes == 0
    )


def runs_of_ones(mask: int) -> Iterator[tuple[int, int]]:
    """The runs of ones in a mask, from the lowest: (position, length)."""
    position = 0
    while mask:
        zeros = (mask & -mask).bit_length() - 1
        mask >>= zeros
        ones = (mask ^ mask + 1).bit_length() - 1
        mask >>= ones
        position += zeros
        yield position, ones
        position += ones
