"""Registers behind AXI4-Lite: RTL programs what a CPU would.

An AXI4-Lite read has no size, so it reads the whole bus word; a write has one access for each run
of bytes that its strobes select, cut where it is not aligned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cocotbext.axi import AxiLiteSlave

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST_ACCESS = 8


class RegisterTarget(Protocol):
    """Who has registers: an IOMMU of `vtd_plugin.bus.Unit`, for one."""

    @property
    def register_bytes(self) -> int:
        """Size of the register set in bytes."""

    def read_register(self, offset: int, size: int) -> int:
        """Read `size` bytes (1, 2, 4 or 8, aligned)."""

    def write_register(self, offset: int, value: int, size: int) -> None:
        """Write `size` bytes (1, 2, 4 or 8, aligned)."""


def attach_registers(
    bus: Any,
    clock: Any,
    target: RegisterTarget,
    reset: Any = None,
    *,
    base: int = 0,
    reset_active_level: bool = True,
) -> AxiLiteSlave:
    """Let an AXI4-Lite master reach registers.

    Args:
        bus: The AxiLiteBus of the master's signals, 32 or 64 bits of data.
        clock: Its clock.
        target: Who has the registers.
        reset: Its reset, if it has one.
        base: The address of offset 0.
        reset_active_level: Whether that reset is active high.

    Returns:
        The slave model. What is outside the registers is answered with SLVERR.
    """
    registers = _Registers(target, base)
    return AxiLiteSlave(bus, clock, reset, target=registers, reset_active_level=reset_active_level)


class _Registers:
    """The target of an AxiLiteSlave; an exception from it becomes SLVERR."""

    def __init__(self, target: RegisterTarget, base: int) -> None:
        self._target = target
        self._base = base

    async def read(self, address: int, length: int) -> bytes:
        offset = self._offset(address, length)
        pieces = aligned_pieces(offset, length)
        return b"".join(
            self._target.read_register(start, size).to_bytes(size, "little")
            for start, size in pieces
        )

    async def write(self, address: int, data: bytes) -> None:
        offset = self._offset(address, len(data))
        for start, size in aligned_pieces(offset, len(data)):
            piece = data[start - offset : start - offset + size]
            self._target.write_register(start, int.from_bytes(piece, "little"), size)

    def _offset(self, address: int, length: int) -> int:
        offset = address - self._base
        if offset < 0 or offset + length > self._target.register_bytes:
            raise ValueError(
                f"{length} bytes at {address:#x} are not within "
                f"{self._target.register_bytes:#x} bytes of registers at {self._base:#x}"
            )
        return offset


def aligned_pieces(offset: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut a run of bytes into the fewest aligned accesses of 1, 2, 4 or 8: (offset, size)."""
    while length:
        size = min(offset & -offset or _LARGEST_ACCESS, _LARGEST_ACCESS)
        while size > length:
            size //= 2
        yield offset, size
        offset += size
        length -= size
