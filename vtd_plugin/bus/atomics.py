"""The PCIe atomic operations: read, change and write back in one request.

Operands are 32 or 64 bits; the 128-bit compare-and-swap is not modelled.
"""

from __future__ import annotations

from typing import Final

from vtd_plugin.bus.words import Word

SIZES: Final = (4, 8)
"""Operand sizes in bytes."""


class AtomicOperation(Word):
    """What is done to the value in memory."""

    FETCH_ADD = "fetch_add"
    """Add the operand, modulo the operand size."""
    SWAP = "swap"
    """Replace by the operand."""
    COMPARE_SWAP = "compare_swap"
    """Replace by the operand if the value is the one to compare with."""


def check_atomic(
    iova: int, operand: int, operation: AtomicOperation, compare: int | None, size: int
) -> None:
    """Refuse what a requester could not even put on the bus.

    Raises:
        ValueError: The size is not 4 or 8, the address not aligned to it, a value wider than it,
            or a value to compare with missing or given in vain.
    """
    if size not in SIZES:
        raise ValueError(f"an atomic of {size} bytes: {SIZES} are allowed")
    if iova % size:
        raise ValueError(f"an atomic at {iova:#x}: it must be aligned to its {size} bytes")
    for value in (operand, compare or 0):
        if not 0 <= value < 1 << 8 * size:
            raise ValueError(f"an atomic value of {value:#x} is not within {8 * size} bits")
    if (compare is None) == (operation is AtomicOperation.COMPARE_SWAP):
        raise ValueError(f"compare={compare} with {operation.value}: compare_swap alone needs it")


def outcome(
    old: int, operand: int, operation: AtomicOperation, compare: int | None, size: int
) -> int:
    """The value that replaces `old`."""
    if operation is AtomicOperation.FETCH_ADD:
        return (old + operand) % (1 << 8 * size)
    if operation is AtomicOperation.SWAP or old == compare:
        return operand
    return old
