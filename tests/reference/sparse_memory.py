"""Memory of a few touched pages out of many: zero until written, absent beyond its size."""

from __future__ import annotations

from typing import Final

PAGE: Final = 4096
EMPTY: Final = bytes(PAGE)


class SparseMemory:
    """RAM at [0, size). Its `read` and `write` are what the walker is given."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pages: dict[int, bytearray] = {}

    def read(self, address: int, size: int) -> bytes | None:
        if address + size > self.size:
            return None
        pieces = [
            bytes(self._pages.get(page, EMPTY)[start:stop])
            for page, start, stop in _pieces(address, size)
        ]
        return b"".join(pieces)

    def write(self, address: int, data: bytes) -> bool:
        if address + len(data) > self.size:
            return False
        done = 0
        for page, start, stop in _pieces(address, len(data)):
            content = self._pages.setdefault(page, bytearray(PAGE))
            content[start:stop] = data[done : done + stop - start]
            done += stop - start
        return True


def _pieces(address: int, size: int) -> list[tuple[int, int, int]]:
    """The (page number, first byte, end) that [address, address + size) touches."""
    pieces = []
    end = address + size
    while address < end:
        page, start = divmod(address, PAGE)
        stop = min(PAGE, start + end - address)
        pieces.append((page, start, stop))
        address += stop - start
    return pieces
