"""What all of RAM is expected to hold, and a processor that keeps it up to date.

A testbench starts with random RAM. What software writes is expected from then on, what DMA writes
is added by the testbench from what it knows itself, and at the end all of RAM is compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vtd_plugin.software import Driver, FrameAllocator
from vtd_plugin.software.frames import FRAME_BYTES

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from vtd_plugin import Platform


class MemoryImage:
    """The processor of a testbench, and what memory is expected to hold.

    Attributes:
        expected: Every byte of RAM from address 0.
        watchers: Called before each write with its address.
    """

    def __init__(self, platform: Platform, ram_bytes: int, rng: random.Random) -> None:
        """Fill RAM with random bytes."""
        self._platform = platform
        self._owned: list[tuple[int, bytes]] = []
        self.expected = bytearray(rng.randbytes(ram_bytes))
        self.watchers: list[Callable[[int], object]] = []
        platform.write(0, self.expected)

    def read(self, address: int, size: int) -> bytes:
        """Read as a processor; see `vtd_plugin.software.cpu.Cpu`."""
        return self._platform.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Write as a processor: memory is expected to hold it, registers are not memory."""
        for watcher in self.watchers:
            watcher(address)
        self._platform.write(address, data)
        if address < len(self.expected):
            self.expect(address, data)

    def expect(self, address: int, data: bytes) -> None:
        """Expect bytes that DMA is to have written."""
        self.expected[address : address + len(data)] = data

    def expect_beats(self, address: int, data: bytes, beat_bytes: int) -> int:
        """Expect that a write was cut short: its first beats are there, the rest is as before.

        Returns:
            How many bytes of it are there.
        """
        found = self._platform.read(address, len(data))
        landed = 0
        while landed < len(data) and found[landed:][:beat_bytes] == data[landed:][:beat_bytes]:
            landed += beat_bytes
        self.expect(address, data[:landed])
        return min(landed, len(data))

    def let_unit_write(self, address: int, size: int, mask: int) -> None:
        """Leave bits of memory to the unit, such as accessed bits or the status of a wait.

        Args:
            address: First byte.
            size: Bytes, a multiple of 8.
            mask: The bits of each 8 bytes that may be anything.
        """
        self._owned.append((address, mask.to_bytes(8, "little") * (size // 8)))

    def contents(self) -> bytes:
        """What RAM holds now."""
        return self._platform.read(0, len(self.expected))

    def check(self) -> int:
        """Compare all of RAM; how many bytes that were.

        Raises:
            AssertionError: A byte is not what it should be; the message says where.
        """
        return self.check_against(self.expected)

    def check_against(self, wanted: bytes | bytearray) -> int:
        """The same with what RAM is to hold, but for what is the unit's."""
        found = np.frombuffer(self.contents(), np.uint8)
        wrong = found ^ np.frombuffer(wanted, np.uint8)
        for address, mask in self._owned:
            wrong[address : address + len(mask)] &= ~np.frombuffer(mask, np.uint8)
        places = np.flatnonzero(wrong)
        if len(places):
            first = int(places[0])
            raise AssertionError(
                f"{len(places)} bytes of RAM are wrong, the first at {first:#x}: "
                f"{int(found[first]):#04x}, not {wanted[first]:#04x}; "
                f"the last at {int(places[-1]):#x}"
            )
        return len(wanted)


def driver_of(image: MemoryImage, tables: range, **options: Any) -> Driver:
    """Software for the unit, on the processor of an image, which expects what the unit writes.

    Args:
        image: The processor, and what memory is to hold.
        tables: Where its tables lie.
        **options: Further arguments of the `Driver`.
    """
    driver = Driver(image, frames=FrameAllocator(tables.start, len(tables)), **options)
    if driver.queue is not None:
        # The second frame is what its waits write; the first is the ring.
        image.let_unit_write(driver.queue.address + FRAME_BYTES, 8, 0xFFFF_FFFF)
    return driver
