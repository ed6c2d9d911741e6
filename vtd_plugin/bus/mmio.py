"""Registers on the bus, and accesses that may hit RAM, registers or nothing.

A CPU's access to registers arrives in naturally aligned pieces of 1, 2, 4 or 8 bytes, as large as
they can be, so an aligned 4- or 8-byte access is one access of the target.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.bus.contract import MmioTarget

_LARGEST_ACCESS: Final = 8


@dataclass(frozen=True, slots=True)
class MmioRegion:
    """Registers at an address range.

    Attributes:
        base: Its first address.
        size: Its length in bytes.
        target: Who answers.
        dma: Whether requesters reach it too, or only CPUs.
    """

    base: int
    size: int
    target: MmioTarget
    dma: bool

    def read(self, address: int, size: int) -> bytes:
        """Read bytes that all lie inside."""
        return b"".join(
            self._read_piece(piece - self.base, length)
            for piece, length in aligned_pieces(address, size)
        )

    def write(self, address: int, data: bytes | memoryview) -> None:
        """Write bytes that all lie inside."""
        for piece, length in aligned_pieces(address, len(data)):
            start = piece - address
            value = int.from_bytes(data[start : start + length], "little")
            self.target.write(piece - self.base, value, length)

    def _read_piece(self, offset: int, size: int) -> bytes:
        value = self.target.read(offset, size)
        if not 0 <= value < 1 << 8 * size:
            raise ValueError(
                f"{self.target!r} read {value:#x} at offset {offset:#x}, "
                f"which is not within {size} bytes"
            )
        return value.to_bytes(size, "little")


class MmioMap:
    """The register regions of a platform."""

    __slots__ = ("_bases", "_regions")

    def __init__(self) -> None:
        self._bases: list[int] = []
        self._regions: list[MmioRegion] = []

    def __iter__(self) -> Iterator[MmioRegion]:
        return iter(self._regions)

    def add(self, region: MmioRegion) -> None:
        """Take in a region that overlaps no other."""
        index = bisect_right(self._bases, region.base)
        self._bases.insert(index, region.base)
        self._regions.insert(index, region)

    def find(self, address: int) -> MmioRegion | None:
        """The region that holds an address."""
        index = bisect_right(self._bases, address) - 1
        if index < 0:
            return None
        region = self._regions[index]
        return region if address - region.base < region.size else None


def aligned_pieces(address: int, size: int) -> Iterator[tuple[int, int]]:
    """Cut an access into naturally aligned pieces of at most 8 bytes: (address, length)."""
    end = address + size
    while address < end:
        length = _LARGEST_ACCESS
        while address % length or address + length > end:
            length //= 2
        yield address, length
        address += length
