"""What the ports and units of one platform share: what answers at an address, and who is told.

Host physical addresses only; whatever a requester's address means has been settled before. The
fabric has no order and no time of its own.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import TYPE_CHECKING

from vtd_plugin.bus.events import InterruptDelivered, UnclaimedAccess
from vtd_plugin.bus.mappings import Mapping
from vtd_plugin.bus.memory import Memory, writable_bytes
from vtd_plugin.bus.mmio import MmioMap, MmioRegion
from vtd_plugin.bus.space import INTERRUPT_WINDOW_BASE, INTERRUPT_WINDOW_LAST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

    from vtd_plugin.bus.events import Event
    from vtd_plugin.bus.interrupts import InterruptMessage
    from vtd_plugin.bus.memory import Region

_ADDRESS_LIMIT = 1 << 64


class Fabric:
    """The address decoder, the interrupt sinks and the observers of one platform.

    Attributes:
        memory: The RAM.
        observed: Whether anybody observes; who emits asks first, and builds no event for nobody.
    """

    __slots__ = ("_mmio", "_observers", "_sinks", "_transfers", "memory", "observed")

    def __init__(self) -> None:
        self.memory = Memory()
        self.observed = False
        self._mmio = MmioMap()
        self._observers: list[Callable[[Event], object]] = []
        self._sinks: list[Callable[[InterruptMessage], object]] = []
        self._transfers = 0

    def add_ram(self, base: int, buffer: Buffer) -> None:
        """Put RAM at an address; see `Memory.add`, and ValueError if registers are there."""
        view = writable_bytes(buffer)
        _require_free(self._mmio, base, len(view))
        self.memory.add(base, view)

    def add_mmio(self, region: MmioRegion) -> None:
        """Put registers at an address; ValueError if something is there."""
        if region.base < 0 or region.size <= 0 or region.base + region.size > _ADDRESS_LIMIT:
            raise ValueError(
                f"MMIO of {region.size:#x} bytes at {region.base:#x} "
                "is empty or not within 64 bits of address"
            )
        _require_free(self._regions(), region.base, region.size)
        self._mmio.add(region)

    def emit(self, event: Event) -> None:
        """Tell every observer."""
        for observer in tuple(self._observers):
            observer(event)

    def add_observer(self, observer: Callable[[Event], object]) -> Callable[[], None]:
        """Tell one more; returns what to call to stop that; TypeError if it cannot be called."""
        _require_callable("observer", observer)
        self._observers.append(observer)
        self.observed = True

        def remove() -> None:
            if observer in self._observers:
                self._observers.remove(observer)
                self.observed = bool(self._observers)

        return remove

    def number_transfer(self) -> int:
        """The number of one more transfer that observers are told of."""
        self._transfers += 1
        return self._transfers

    def add_sink(self, sink: Callable[[InterruptMessage], object]) -> None:
        """Hand interrupt messages to one more; TypeError if it cannot be called."""
        _require_callable("interrupt sink", sink)
        self._sinks.append(sink)

    def deliver(self, message: InterruptMessage) -> None:
        """Hand an interrupt message to the processors."""
        for sink in self._sinks:
            sink(message)
        if self.observed:
            self.emit(InterruptDelivered(message))

    def dma_claims(self, address: int, size: int) -> bool:
        """Whether all bytes are RAM, or all inside one region that requesters reach."""
        return self.memory.covers(address, size) or self._dma_region(address, size) is not None

    def dma_read(self, address: int, size: int) -> bytes | None:
        """Read for a requester; None if not all bytes answer."""
        data = self.memory.read(address, size)
        if data is None and (region := self._dma_region(address, size)):
            return region.read(address, size)
        return data

    def dma_write(self, address: int, data: bytes | memoryview) -> bool:
        """Write for a requester; nothing and False if not all bytes answer."""
        if self.memory.write(address, data):
            return True
        region = self._dma_region(address, len(data))
        if region is None:
            return False
        region.write(address, data)
        return True

    def direct_mappings(self) -> Iterator[Mapping]:
        """What requesters reach when nothing is remapped: all but the interrupt window."""
        runs = [(region.base, region.size) for region in self.memory.regions]
        runs += [(region.base, region.size) for region in self._mmio if region.dma]
        for base, size in runs:
            yield from _around_window(Mapping(base, base, size))

    def cpu_read(self, address: int, size: int) -> bytes:
        """Read as a CPU; where nothing answers, 0xFF."""
        data = self.memory.read(address, size)
        if data is not None:
            return data
        region = self._region(address, size)
        if region is not None:
            return region.read(address, size)
        return b"".join(self._read_parts(address, size))

    def cpu_write(self, address: int, data: memoryview) -> None:
        """Write as a CPU; where nothing answers, the bytes are dropped."""
        if self.memory.write(address, data):
            return
        region = self._region(address, len(data))
        if region is not None:
            region.write(address, data)
            return
        for start, length, region in self._decode(address, len(data)):
            piece = data[start - address : start - address + length]
            if region is not None:
                region.write(start, piece)
            elif not self.memory.write(start, piece):
                self._unclaimed(start, length, write=True)

    def _read_parts(self, address: int, size: int) -> Iterator[bytes]:
        for start, length, region in self._decode(address, size):
            data = self.memory.read(start, length) if region is None else region.read(start, length)
            if data is None:
                self._unclaimed(start, length, write=False)
                data = b"\xff" * length
            yield data

    def _decode(self, address: int, size: int) -> Iterator[tuple[int, int, MmioRegion | None]]:
        """Cut an access at every border of a region; None is RAM or nothing."""
        borders = {address, address + size}
        for region in self._regions():
            borders.update((region.base, region.base + region.size))
        cuts = sorted(cut for cut in borders if address <= cut <= address + size)
        for start, end in pairwise(cuts):
            yield start, end - start, self._mmio.find(start)

    def _unclaimed(self, address: int, size: int, *, write: bool) -> None:
        if self.observed:
            self.emit(UnclaimedAccess(None, address, size, write))

    def _regions(self) -> Iterator[Region | MmioRegion]:
        return chain(self.memory.regions, self._mmio)

    def _region(self, address: int, size: int) -> MmioRegion | None:
        """The registers that take all of an access."""
        region = self._mmio.find(address)
        if region is None or address + size > region.base + region.size:
            return None
        return region

    def _dma_region(self, address: int, size: int) -> MmioRegion | None:
        region = self._region(address, size)
        return region if region is not None and region.dma else None


def _require_callable(what: str, given: object) -> None:
    if not callable(given):
        raise TypeError(f"{what} {given!r} cannot be called")


def _require_free(regions: Iterable[Region | MmioRegion], base: int, size: int) -> None:
    for region in regions:
        if base < region.base + region.size and region.base < base + size:
            raise ValueError(
                f"{base:#x} to {base + size - 1:#x} overlaps what is already at "
                f"{region.base:#x} to {region.base + region.size - 1:#x}"
            )


def _around_window(mapping: Mapping) -> Iterator[Mapping]:
    if mapping.last < INTERRUPT_WINDOW_BASE or mapping.iova > INTERRUPT_WINDOW_LAST:
        yield mapping
        return
    if mapping.iova < INTERRUPT_WINDOW_BASE:
        yield mapping.part(mapping.iova, INTERRUPT_WINDOW_BASE - 1)
    if mapping.last > INTERRUPT_WINDOW_LAST:
        yield mapping.part(INTERRUPT_WINDOW_LAST + 1, mapping.last)
