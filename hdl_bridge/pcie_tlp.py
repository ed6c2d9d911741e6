"""What a memory request of PCIe asks for, and the completions that answer it (PCIe chapter 2).

Byte enables, the cutting of completions, atomic operands and ATS entries, as functions over the
`Tlp` of cocotbext-pcie. Nothing here waits, sends, or knows an address space.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from cocotbext.pcie.core.tlp import CplStatus, Tlp, TlpAt, TlpFmt, TlpType
from cocotbext.pcie.core.utils import PcieId

from vtd_plugin.bus import (
    PAGE_SIZE,
    AddressType,
    Answer,
    AtomicOperation,
    Fault,
    Translation,
)
from vtd_plugin.bus.atomics import SIZES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.bus import Resolution

COMPLETER: Final = PcieId(0, 0, 0)
"""The completer id of the root complex."""

_DWORD: Final = 4
_ADDRESS_32: Final = 0xFFFF_FFFF
_PAGE_OFFSET: Final = PAGE_SIZE - 1
_LOWER_ADDRESS: Final = 0x7F
_SIZE_BIT: Final = 1 << 11
_ENTRY_BYTES: Final = 8
_SUCCESS_WITHOUT_RIGHTS: Final = (Answer.NO_RIGHTS, Answer.RIGHTS_LEFT)


class Kind(Enum):
    """What a request does."""

    READ = auto()
    WRITE = auto()
    ATOMIC = auto()


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
}
"""The requests that an address is translated for."""

_OPERATIONS: Final = {
    TlpType.FETCH_ADD: AtomicOperation.FETCH_ADD,
    TlpType.FETCH_ADD_64: AtomicOperation.FETCH_ADD,
    TlpType.SWAP: AtomicOperation.SWAP,
    TlpType.SWAP_64: AtomicOperation.SWAP,
    TlpType.CAS: AtomicOperation.COMPARE_SWAP,
    TlpType.CAS_64: AtomicOperation.COMPARE_SWAP,
}


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
        last = _DWORD * (tlp.length - 1)
        enabled |= (1 << last) - (1 << _DWORD) | tlp.last_be << last
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


def complaint(tlp: Tlp) -> str | None:
    """Why a receiver takes a request for malformed and drops it; None if it is well-formed."""
    kind = KINDS[tlp.fmt_type]
    if kind is not Kind.READ and AddressType(tlp.at) is AddressType.TRANSLATION:
        return "only a read can ask for a translation"
    if kind is Kind.ATOMIC:
        size = atomic(tlp).size
        if size not in SIZES:
            return f"an atomic of {size} bytes is not supported"
        return f"not aligned to {size} bytes" if tlp.address % size else None
    if (tlp.address & _PAGE_OFFSET) + tlp.length * _DWORD > PAGE_SIZE:
        return "it crosses a 4-KiB border"
    return None


def pieces(
    address: int, size: int, *, payload: int, boundary: int, every_boundary: bool
) -> Iterator[tuple[int, int]]:
    """Cut a read into completions (PCIe §2.3.1.1).

    Args:
        address: First byte.
        size: Bytes, at least 1.
        payload: The most bytes of whole dwords that a completion may carry.
        boundary: The read completion boundary, 64 or 128: where cuts may be.
        every_boundary: Cut at every boundary, not only where the payload ends.

    Yields:
        First address and size of each.
    """
    end = address + size
    while address < end:
        reach = address + 1 if every_boundary else address - address % _DWORD + payload
        cut = -(-reach // boundary) * boundary if every_boundary else reach - reach % boundary
        stop = end if reach >= end and not every_boundary else min(cut, end)
        yield address, stop - address
        address = stop


def read_completions(
    tlp: Tlp, data: bytes, *, payload: int, boundary: int, every_boundary: bool = False
) -> Iterator[Tlp]:
    """The completions of a read.

    Args:
        tlp: The read.
        data: The bytes of its span; those that are not enabled may hold anything.
        payload: See `pieces`.
        boundary: See `pieces`.
        every_boundary: See `pieces`.
    """
    wanted = span(tlp)
    end = wanted.address + wanted.byte_count
    data = data or bytes(wanted.byte_count)
    for start, size in pieces(
        wanted.address,
        wanted.byte_count,
        payload=payload,
        boundary=boundary,
        every_boundary=every_boundary,
    ):
        completion = Tlp.create_completion_data_for_tlp(tlp, COMPLETER)
        completion.byte_count = end - start
        completion.lower_address = start & _LOWER_ADDRESS
        offset = start - wanted.address
        pad = bytes(start % _DWORD)
        completion.set_data(pad + data[offset : offset + size] + bytes(-(start + size) % _DWORD))
        yield completion


def refusal(tlp: Tlp, answer: Answer) -> Tlp:
    """The completion of a request that is not done: CA if that is the answer, else UR."""
    status = CplStatus.CA if answer is Answer.CA else CplStatus.UR
    completion = Tlp.create_completion_for_tlp(tlp, COMPLETER, has_data=False, status=status)
    if KINDS[tlp.fmt_type] is Kind.ATOMIC:
        completion.byte_count = len(tlp.data)
    else:
        completion.byte_count = span(tlp).byte_count
    return completion


def redirected(tlp: Tlp, address: int) -> Tlp:
    """The same request with another address, of an enabled byte or its dword."""
    copy = Tlp(tlp)
    copy.address = address - address % _DWORD
    long = TlpFmt.FOUR_DW if address > _ADDRESS_32 else TlpFmt.THREE_DW
    copy.fmt = TlpFmt(tlp.fmt & ~TlpFmt.FOUR_DW | long)
    copy.at = TlpAt.DEFAULT
    return copy


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


def data_completion(tlp: Tlp, data: bytes) -> Tlp:
    """One completion with data that lies nowhere: of an atomic or a translation request."""
    completion = Tlp.create_completion_data_for_tlp(tlp, COMPLETER)
    completion.byte_count = len(data)
    completion.set_data(data)
    return completion


def translation_completion(tlp: Tlp, resolution: Resolution) -> Tlp:
    """The completion of a translation request: one entry, however many it asks for (ATS)."""
    if isinstance(resolution, Translation):
        return data_completion(tlp, translation_entry(tlp.address, resolution))
    if isinstance(resolution, Fault) and resolution.answer in _SUCCESS_WITHOUT_RIGHTS:
        return data_completion(tlp, bytes(_ENTRY_BYTES))
    answer = resolution.answer if isinstance(resolution, Fault) else Answer.UR
    return refusal(tlp, answer)


def translation_entry(iova: int, translation: Translation) -> bytes:
    """What a device is told of a page (ATS, Translation Completion Data Entry).

    Args:
        iova: The address that was asked for.
        translation: Where it lies.

    Returns:
        The 8 bytes in the order they are sent. The flags N, G, Priv, Exe and U are clear.
    """
    address = translation.address(iova) & ~_PAGE_OFFSET
    size = translation.mask + 1
    if size > PAGE_SIZE:
        # The lowest clear bit of the page number tells the size; all below it are set.
        address = address & ~translation.mask | (size // 2 - 1) & ~_PAGE_OFFSET | _SIZE_BIT
    return (address | translation.rights).to_bytes(_ENTRY_BYTES, "big")
