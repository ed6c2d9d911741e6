"""A register target that writes down its accesses."""

from __future__ import annotations


class Registers:
    """256 bytes of registers; each holds its own offset at first."""

    register_bytes = 256

    def __init__(self) -> None:
        self.content = bytearray(range(256))
        self.accesses: list[tuple[str, int, int]] = []

    def read_register(self, offset: int, size: int) -> int:
        self.accesses.append(("read", offset, size))
        return int.from_bytes(self.content[offset : offset + size], "little")

    def write_register(self, offset: int, value: int, size: int) -> None:
        self.accesses.append(("write", offset, size))
        self.content[offset : offset + size] = value.to_bytes(size, "little")
