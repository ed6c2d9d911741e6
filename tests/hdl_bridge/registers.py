"""A register target that writes down its accesses."""

from __future__ import annotations


class Registers:
    """Registers; each byte holds the lowest byte of its own offset at first."""

    def __init__(self, size: int = 256) -> None:
        self.register_bytes = size
        self.content = bytearray(offset & 0xFF for offset in range(size))
        self.accesses: list[tuple[str, int, int]] = []

    def read_register(self, offset: int, size: int) -> int:
        self.accesses.append(("read", offset, size))
        return int.from_bytes(self.content[offset : offset + size], "little")

    def write_register(self, offset: int, value: int, size: int) -> None:
        self.accesses.append(("write", offset, size))
        self.content[offset : offset + size] = value.to_bytes(size, "little")
