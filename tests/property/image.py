"""A small memory image and the raw writing of tables into it.

Frames for tables lie in the lower half of the memory, pages for data in the upper half, so that a
2-MiB page can cover the data without covering a table.
"""

from __future__ import annotations

from typing import Final

PAGE: Final = 4096
MEMORY: Final = 4 << 20
DATA: Final = 2 << 20
NOWHERE: Final = 1 << 30
"""An address beyond the memory."""


class Image:
    """Memory being filled before a unit is switched on."""

    def __init__(self, size: int = MEMORY) -> None:
        self.memory = bytearray(size)
        self.frames: list[int] = []

    def frame(self) -> int:
        """A zeroed page for a table."""
        taken = PAGE * (len(self.frames) + 1)
        if taken >= DATA:
            raise ValueError(f"no room for more tables below {DATA:#x}")
        self.frames.append(taken)
        return taken

    def put(self, address: int, value: int, size: int = 8) -> None:
        """Write a little-endian entry."""
        self.memory[address : address + size] = value.to_bytes(size, "little")

    def get(self, address: int) -> int:
        return int.from_bytes(self.memory[address : address + 8], "little")


def shift_of(level: int) -> int:
    """Bit at which the index of a level begins."""
    return 12 + 9 * (level - 1)


def data_page(number: int) -> int:
    """One of the data pages."""
    return DATA + 0x100000 + number % 16 * PAGE
