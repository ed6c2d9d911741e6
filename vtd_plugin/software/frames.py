"""Page frames: the memory that tables and queues are made of.

An operating system keeps track of all its memory; a driver of the unit only needs 4-KiB frames out
of a range that nobody else uses.
"""

from __future__ import annotations

from typing import Final

FRAME_BYTES: Final = 4096


class FrameAllocator:
    """Hands out 4-KiB frames of one range of physical memory, lowest address first.

    Frames come with whatever bytes they hold. Several drivers may share one allocator.

    Args:
        base: Physical address of the range, a multiple of 4 KiB.
        size: Bytes in the range, a multiple of 4 KiB.

    Raises:
        ValueError: `base` or `size` is negative or no multiple of 4 KiB.
    """

    __slots__ = ("_end", "_free", "_next", "base")

    def __init__(self, base: int, size: int) -> None:
        for name, number in (("base", base), ("size", size)):
            if number < 0 or number % FRAME_BYTES:
                raise ValueError(f"{name} {number:#x} is not a multiple of {FRAME_BYTES:#x}")
        self.base = base
        self._next = base
        self._end = base + size
        self._free: set[int] = set()

    @property
    def used(self) -> int:
        """Frames that are handed out now."""
        return (self._next - self.base) // FRAME_BYTES - len(self._free)

    def allocate(self, count: int = 1) -> int:
        """Take frames that lie next to each other.

        Args:
            count: How many. Frames given back are used again only one at a time.

        Returns:
            Physical address of the first.

        Raises:
            ValueError: `count` is less than 1.
            MemoryError: The range has no such frames left.
        """
        if count < 1:
            raise ValueError(f"{count:#x} frames cannot be allocated, only 1 or more")
        if count == 1 and self._free:
            frame = min(self._free)
            self._free.remove(frame)
            return frame
        first, after = self._next, self._next + count * FRAME_BYTES
        if after > self._end:
            plural = "s" if count > 1 else ""
            raise MemoryError(
                f"{count} frame{plural} of 4 KiB: no room for that in what is left of "
                f"{self._end - self.base:#x} bytes at {self.base:#x}; "
                "give the FrameAllocator a larger range"
            )
        self._next = after
        return first

    def free(self, address: int, count: int = 1) -> None:
        """Give frames back.

        Args:
            address: Physical address of the first.
            count: How many.

        Raises:
            ValueError: One of them is not handed out.
        """
        frames = range(address, address + count * FRAME_BYTES, FRAME_BYTES)
        for frame in frames:
            if frame % FRAME_BYTES or not self.base <= frame < self._next or frame in self._free:
                raise ValueError(f"{frame:#x} is not a frame that was allocated")
        self._free.update(frames)
