"""Mappings as the host of a device sees them: runs of addresses, kept sorted, never overlapping.

A `MappingSet` tells the smallest honest change between what is held and what is wanted: a mapping
that stays is not touched, and one that goes is named exactly as it came.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtd_plugin.bus.requests import Translation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vtd_plugin.bus.requests import RequestKind


@dataclass(frozen=True, slots=True)
class Mapping:
    """A run of a requester's addresses that lies in one piece of host memory.

    Attributes:
        iova: First address as the requester sees it.
        address: Host physical address of that byte.
        size: Bytes, a multiple of the page size but for the ends of RAM.
        readable: Whether the requester may read there.
        writable: Whether it may write there.

    Raises:
        ValueError: The size is not positive.
    """

    iova: int
    address: int
    size: int
    readable: bool = True
    writable: bool = True

    def __post_init__(self) -> None:
        if self.size <= 0:
            raise ValueError(
                f"a mapping of {self.size} bytes at {self.iova:#x}: it must not be empty"
            )

    @property
    def last(self) -> int:
        """The last address as the requester sees it."""
        return self.iova + self.size - 1

    def part(self, first: int, last: int) -> Mapping:
        """The part within [first, last], which must overlap it."""
        first, last = max(first, self.iova), min(last, self.last)
        if first == self.iova and last == self.last:
            return self
        address = self.address + first - self.iova
        return Mapping(first, address, last - first + 1, self.readable, self.writable)

    def grown(self, size: int) -> Mapping:
        """The same with so many bytes more at its end."""
        return Mapping(self.iova, self.address, self.size + size, self.readable, self.writable)

    def allows(self, kind: RequestKind) -> bool:
        """Whether a request of a kind may go there."""
        return kind & self.rights == kind

    @property
    def rights(self) -> int:
        """The same as `Translation.rights`."""
        return Translation.READABLE * self.readable | Translation.WRITABLE * self.writable

    def agrees_with(self, other: Mapping) -> bool:
        """Whether both say the same about the addresses they share."""
        return (
            self.address - self.iova == other.address - other.iova
            and self.readable == other.readable
            and self.writable == other.writable
        )


class MappingSet:
    """Mappings that do not overlap, by rising address."""

    __slots__ = ("_firsts", "_mappings")

    def __init__(self, mappings: Iterable[Mapping] = ()) -> None:
        self._mappings = _in_order(mappings)
        self._firsts = [mapping.iova for mapping in self._mappings]

    def __iter__(self) -> Iterator[Mapping]:
        return iter(self._mappings)

    def __len__(self) -> int:
        return len(self._mappings)

    def find(self, iova: int) -> Mapping | None:
        """The mapping that holds an address."""
        index = bisect_right(self._firsts, iova) - 1
        if index < 0:
            return None
        mapping = self._mappings[index]
        return mapping if iova - mapping.iova < mapping.size else None

    def add(self, mapping: Mapping) -> None:
        """Take in one more.

        Raises:
            ValueError: It overlaps one that is there.
        """
        start, stop = self._overlapping(mapping.iova, mapping.last)
        if start != stop:
            raise ValueError(f"{mapping} overlaps {self._mappings[start]}")
        self._put(start, stop, [mapping])

    def remove(self, iova: int, size: int) -> Mapping:
        """Drop the mapping of exactly these addresses.

        Raises:
            ValueError: There is none.
        """
        mapping = self.find(iova)
        if mapping is None or (mapping.iova, mapping.size) != (iova, size):
            raise ValueError(f"nothing is mapped at exactly {iova:#x}, {size:#x} bytes")
        index = bisect_right(self._firsts, iova) - 1
        self._put(index, index + 1, [])
        return mapping

    def clear(self) -> list[Mapping]:
        """Drop all, and tell what they were."""
        gone = self._mappings
        self._mappings, self._firsts = [], []
        return gone

    def replace(
        self, first: int, last: int, mappings: Iterable[Mapping]
    ) -> tuple[list[Mapping], list[Mapping]]:
        """Make [first, last] hold what `mappings` say.

        A wanted mapping that reaches over the border is taken whole. Of a held one that does, the
        part outside stays mapped: nobody said that it changed.

        Args:
            first: First address that may have changed.
            last: Last address that may have changed.
            mappings: What is to be held there, in any cut.

        Returns:
            The mappings that went, as they were, and those that came.

        Raises:
            ValueError: The wanted mappings overlap each other.
        """
        wanted = MappingSet(mappings)
        if wanted:
            first = min(first, wanted._mappings[0].iova)
            last = max(last, wanted._mappings[-1].last)
        start, stop = self._overlapping(first, last)
        held = self._mappings[start:stop]
        kept = MappingSet(m for m in held if wanted._maps(m.part(first, last)))
        gone = [mapping for mapping in held if kept.find(mapping.iova) is None]
        come = [part for mapping in gone for part in _outside(mapping, first, last)]
        come += [part for mapping in wanted for part in kept._missing_of(mapping)]
        self._put(start, stop, _in_order([*kept, *come]))
        return gone, come

    def _maps(self, mapping: Mapping) -> bool:
        """Whether every address of a mapping is mapped alike here."""
        position = mapping.iova
        while position <= mapping.last:
            found = self.find(position)
            if found is None or not found.agrees_with(mapping):
                return False
            position = found.last + 1
        return True

    def _missing_of(self, mapping: Mapping) -> Iterator[Mapping]:
        """The parts of a mapping where nothing is mapped here."""
        position = mapping.iova
        start, stop = self._overlapping(mapping.iova, mapping.last)
        for held in self._mappings[start:stop]:
            if position < held.iova:
                yield mapping.part(position, held.iova - 1)
            position = held.last + 1
        if position <= mapping.last:
            yield mapping.part(position, mapping.last)

    def _overlapping(self, first: int, last: int) -> tuple[int, int]:
        """The indices [start, stop) of mappings that share an address with [first, last]."""
        start = bisect_right(self._firsts, first)
        if start and self._mappings[start - 1].last >= first:
            start -= 1
        return start, max(start, bisect_right(self._firsts, last))

    def _put(self, start: int, stop: int, mappings: Sequence[Mapping]) -> None:
        self._mappings[start:stop] = mappings
        self._firsts[start:stop] = [mapping.iova for mapping in mappings]


def _in_order(mappings: Iterable[Mapping]) -> list[Mapping]:
    ordered = sorted(mappings, key=lambda mapping: mapping.iova)
    for i in range(1, len(ordered)):
        if ordered[i].iova <= ordered[i - 1].last:
            raise ValueError(f"{ordered[i]} overlaps {ordered[i - 1]}")
    return ordered


def _outside(mapping: Mapping, first: int, last: int) -> Iterator[Mapping]:
    if mapping.iova < first:
        yield mapping.part(mapping.iova, first - 1)
    if mapping.last > last:
        yield mapping.part(last + 1, mapping.last)
