"""Registers as a register bus sees them: bytes at addresses, reached by aligned accesses."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from vtd_plugin.bus.mmio import aligned_pieces


class OutsideRegistersError(ValueError):
    """An access is not to registers."""


@runtime_checkable
class RegisterTarget(Protocol):
    """Who has registers: an IOMMU of `vtd_plugin.bus.Unit`, for one."""

    @property
    def register_bytes(self) -> int:
        """Size of the register set in bytes."""

    def read_register(self, offset: int, size: int) -> int:
        """Read `size` bytes (1, 2, 4 or 8, aligned)."""

    def write_register(self, offset: int, value: int, size: int) -> None:
        """Write `size` bytes (1, 2, 4 or 8, aligned)."""


class RegisterWindow:
    """Where on a bus the registers of a target are; a run of bytes is cut into aligned accesses."""

    def __init__(self, target: RegisterTarget, base: int) -> None:
        """Put the registers of a target at an address.

        Raises:
            TypeError: It has no registers.
            ValueError: The address is negative.
        """
        if not isinstance(target, RegisterTarget):
            raise TypeError(f"{target!r} has no registers")
        if base < 0:
            raise ValueError(f"base={base}: an address is not negative")
        self._target = target
        self._base = base

    def covers(self, address: int, size: int) -> bool:
        """Whether all bytes are registers."""
        return 0 <= address - self._base <= self._target.register_bytes - size

    def read(self, address: int, size: int) -> bytes:
        """Read a run of bytes.

        Raises:
            OutsideRegistersError: Not all of them are registers.
        """
        self._require(address, size)
        return b"".join(
            self._target.read_register(offset, length).to_bytes(length, "little")
            for offset, length in aligned_pieces(address - self._base, size)
        )

    def write(self, address: int, data: bytes) -> None:
        """Write a run of bytes.

        Raises:
            OutsideRegistersError: Not all of them are registers.
        """
        self._require(address, len(data))
        first = address - self._base
        for offset, length in aligned_pieces(first, len(data)):
            piece = data[offset - first : offset - first + length]
            self._target.write_register(offset, int.from_bytes(piece, "little"), length)

    def _require(self, address: int, size: int) -> None:
        if not self.covers(address, size):
            raise OutsideRegistersError(
                f"{size} bytes at {address:#x} are not within "
                f"{self._target.register_bytes:#x} bytes of registers at {self._base:#x}"
            )


class SlaveTarget:
    """A window as the target of a slave of cocotbext-axi."""

    def __init__(self, window: RegisterWindow) -> None:
        self._window = window

    async def read(self, address: int, length: int) -> bytes:
        """Read a run of bytes; see `RegisterWindow.read`."""
        return self._window.read(address, length)

    async def write(self, address: int, data: bytes) -> None:
        """Write a run of bytes; see `RegisterWindow.write`."""
        self._window.write(address, data)
