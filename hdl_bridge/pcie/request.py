"""What a memory request of PCIe asks for (PCIe §2.2), read from the `Tlp` of cocotbext-pcie."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from cocotbext.pcie.core.tlp import Tlp, TlpAt, TlpFmt, TlpType

from vtd_plugin.bus import AddressType, AtomicOperation

if TYPE_CHECKING:
    from collections.abc import Iterator

DWORD: Final = 4
"""Bytes of a dword."""

_ADDRESS_32: Final = 0xFFFF_FFFF


class Kind(Enum):
    """What a request does."""

    READ = auto()
    WRITE = auto()
    ATOMIC = auto()
    TRANSLATION = auto()
    """A read that asks for a translation (AT=1)."""
    LOCKED_READ = auto()
    """No root complex takes it from a device."""


KINDS: Final = {
    TlpType.MEM_READ: Kind.READ,
    TlpType.MEM_READ_64: Kind.READ,
    TlpType.MEM_WRITE: Kind.WRITE,
    TlpType.MEM_WRITE_64: Kind.WRITE,
    TlpType.FETCH_ADD: Kind.ATOMIC,
    TlpType.FETCH_ADD_64: Kind.ATOMIC,
    TlpType.SWAP: Kind.ATOMIC,
    TlpType.SWAP_64: Kind.ATOMIC,
    TlpType.CAS: Kind.ATOMIC,
    TlpType.CAS_64: Kind.ATOMIC,
    TlpType.MEM_READ_LOCKED: Kind.LOCKED_READ,
    TlpType.MEM_READ_LOCKED_64: Kind.LOCKED_READ,
}
"""The requests to memory, by their first bits alone."""

_OPERATIONS: Final = {
    TlpType.FETCH_ADD: AtomicOperation.FETCH_ADD,
    TlpType.FETCH_ADD_64: AtomicOperation.FETCH_ADD,
    TlpType.SWAP: AtomicOperation.SWAP,
    TlpType.SWAP_64: AtomicOperation.SWAP,
    TlpType.CAS: AtomicOperation.COMPARE_SWAP,
    TlpType.CAS_64: AtomicOperation.COMPARE_SWAP,
}


def kind_of(tlp: Tlp) -> Kind:
    """What a request to memory does."""
    kind = KINDS[tlp.fmt_type]
    asks = kind is Kind.READ and AddressType(tlp.at) is AddressType.TRANSLATION
    return Kind.TRANSLATION if asks else kind


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes that a read or a write is about.

    Attributes:
        address: The first enabled byte; that of the TLP if none is.
        size: Bytes from the first to the last enabled one; 0 if none is.
        runs: The enabled ones among them: (offset from `address`, size), by rising offset.
    """

    address: int
    size: int
    runs: tuple[tuple[int, int], ...]

    @property
    def byte_count(self) -> int:
        """The byte count of a completion of all: a zero-length read has one (PCIe §2.3.1.1)."""
        return self.size or 1


def span(tlp: Tlp) -> Span:
    """What the byte enables of a read or a write select (PCIe §2.2.5)."""
    enabled = tlp.first_be
    if tlp.length > 1:
        last = DWORD * (tlp.length - 1)
        enabled |= (1 << last) - (1 << DWORD) | tlp.last_be << last
    if not enabled:
        return Span(tlp.address, 0, ())
    runs = tuple(_runs(enabled))
    first = runs[0][0]
    size = enabled.bit_length() - first
    return Span(tlp.address + first, size, tuple((at - first, length) for at, length in runs))


def _runs(enabled: int) -> Iterator[tuple[int, int]]:
    """The runs of set bits: (lowest, how many)."""
    position = 0
    while enabled:
        gap = (enabled & -enabled).bit_length() - 1
        enabled >>= gap
        length = (~enabled & enabled + 1).bit_length() - 1
        enabled >>= length
        yield position + gap, length
        position += gap + length


def written(tlp: Tlp) -> Iterator[tuple[int, bytes]]:
    """The enabled bytes of a write: (offset in its span, bytes)."""
    wanted = span(tlp)
    start = wanted.address - tlp.address
    for offset, size in wanted.runs:
        yield offset, bytes(tlp.data[start + offset : start + offset + size])


@dataclass(frozen=True, slots=True)
class Atomic:
    """The operands of an atomic, little-endian.

    Attributes:
        operation: What is done.
        size: Bytes of each operand.
        operand: What to add or to write.
        compare: What a compare-and-swap compares with, else None.
    """

    operation: AtomicOperation
    size: int
    operand: int
    compare: int | None


def atomic(tlp: Tlp) -> Atomic:
    """The operands of an atomic (PCIe §6.15)."""
    operation = _OPERATIONS[tlp.fmt_type]
    data = bytes(tlp.data)
    if operation is not AtomicOperation.COMPARE_SWAP:
        return Atomic(operation, len(data), int.from_bytes(data, "little"), None)
    size = len(data) // 2
    compare, swap = (int.from_bytes(each, "little") for each in (data[:size], data[size:]))
    return Atomic(operation, size, swap, compare)


def redirected(tlp: Tlp, address: int) -> Tlp:
    """The same request with another address, of an enabled byte or its dword."""
    copy = Tlp(tlp)
    copy.address = address - address % DWORD
    long = TlpFmt.FOUR_DW if address > _ADDRESS_32 else TlpFmt.THREE_DW
    copy.fmt = TlpFmt(tlp.fmt & ~TlpFmt.FOUR_DW | long)
    copy.at = TlpAt.DEFAULT
    return copy
