"""Telling a unit what changed: by register, or through the invalidation queue (6.5).

Descriptors and register values are written out by bit number; nothing of the model is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.property.image import PAGE
from tests.property.units import INVALIDATE_ADDRESS

if TYPE_CHECKING:
    from tests.property.pair import Pair

GLOBAL: Final = 1
DOMAIN: Final = 2
DEVICE: Final = 3
"""Granularity of the context cache."""
PAGES: Final = 3
"""Granularity of the IOTLB."""
ALL_PASIDS: Final = 3
ONE_PASID: Final = 1
"""Granularities of the PASID cache."""

CCMD: Final = 0x28
FSTS: Final = 0x34
IQH: Final = 0x80
IQT: Final = 0x88
IQA: Final = 0x90
IOTLB: Final = INVALIDATE_ADDRESS + 8
START: Final = 1 << 63
QUEUE_ENABLE: Final = 1 << 26
QUEUE_ERROR: Final = 1 << 4


class Registers:
    """Invalidation by register: legacy mode of units older than version 6."""

    def __init__(self, pair: Pair) -> None:
        self._unit = pair.unit

    def context(self, granularity: int, domain_id: int = 0, source_id: int = 0) -> None:
        command = START | granularity << 61 | source_id << 16 | domain_id
        self._unit.write_register(CCMD, command, 8)
        assert self._unit.read_register(CCMD, 8) >> 59 & 0b11 == granularity

    def iotlb(
        self,
        granularity: int,
        domain_id: int = 0,
        address: int = 0,
        order: int = 0,
        *,
        leaf_only: bool = False,
    ) -> None:
        self._unit.write_register(INVALIDATE_ADDRESS, address | leaf_only << 6 | order, 8)
        self._unit.write_register(IOTLB, START | granularity << 60 | domain_id << 32, 8)
        assert self._unit.read_register(IOTLB, 8) >> 57 & 0b11 == granularity


class Queue:
    """Invalidation through the queue, with descriptors of 128 or 256 bits."""

    def __init__(self, pair: Pair, place: int, *, wide: bool) -> None:
        self._pair = pair
        self._place = place
        self._bytes = 32 if wide else 16
        self._tail = 0
        pair.unit.write_register(IQT, 0, 8)
        pair.unit.write_register(IQA, place | wide << 11, 8)
        pair.command(QUEUE_ENABLE)

    def submit(self, descriptor: int) -> None:
        raw = descriptor.to_bytes(self._bytes, "little")
        self._pair.put(self._place + self._tail, raw)
        self._tail = (self._tail + self._bytes) % PAGE
        unit = self._pair.unit
        unit.write_register(IQT, self._tail, 8)
        assert unit.read_register(IQH, 8) == self._tail
        assert not unit.read_register(FSTS, 4) & QUEUE_ERROR

    def context(self, granularity: int, domain_id: int = 0, source_id: int = 0) -> None:
        self.submit(1 | granularity << 4 | domain_id << 16 | source_id << 32)

    def iotlb(
        self,
        granularity: int,
        domain_id: int = 0,
        address: int = 0,
        order: int = 0,
        *,
        leaf_only: bool = False,
    ) -> None:
        upper = address | leaf_only << 6 | order
        self.submit(2 | granularity << 4 | domain_id << 16 | upper << 64)

    def pasid(self, granularity: int, domain_id: int = 0, pasid: int = 0) -> None:
        self.submit(7 | granularity << 4 | domain_id << 16 | pasid << 32)

    def pasid_iotlb(self, domain_id: int, pasid: int) -> None:
        """All of one PASID."""
        self.submit(6 | 2 << 4 | domain_id << 16 | pasid << 32)
