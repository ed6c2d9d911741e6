"""What makes a memory request of PCIe malformed or unsupported, before its address is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hdl_bridge.pcie.request import DWORD, Kind, atomic, kind_of
from vtd_plugin.bus import PAGE_SIZE, AddressType, AtomicOperation
from vtd_plugin.bus.atomics import SIZES

if TYPE_CHECKING:
    from cocotbext.pcie.core.tlp import Tlp

_WIDE_ATOMIC: Final = 16
_ALL_BYTES: Final = 0xF
_TO_THE_END: Final = (0x8, 0xC, 0xE, 0xF)
"""First byte enables without a gap."""
_FROM_THE_START: Final = (0x1, 0x3, 0x7, 0xF)
"""Last byte enables without a gap."""


def complaint(tlp: Tlp, boundary: int) -> str | None:
    """Why a receiver takes a request for malformed and drops it; None if it is well-formed.

    Args:
        tlp: The request.
        boundary: The read completion boundary, 64 or 128: the most that a translation request may
            ask for.
    """
    kind = kind_of(tlp)
    expected = DWORD * tlp.length if kind in (Kind.WRITE, Kind.ATOMIC) else 0
    if tlp.length < 1 or len(tlp.data) != expected:
        return f"it has a length of {tlp.length} dwords and {len(tlp.data)} bytes of data"
    if kind is Kind.ATOMIC:
        size = atomic(tlp).size
        if size not in SIZES and not _is_wide(tlp):
            return f"an atomic of {size} bytes"
        return f"not aligned to {size} bytes" if tlp.address % size else None
    if kind is Kind.TRANSLATION:
        return _translation_complaint(tlp, boundary)
    if tlp.address % PAGE_SIZE + tlp.length * DWORD > PAGE_SIZE:
        return "it crosses a 4-KiB border"
    return _enables_complaint(tlp)


def _translation_complaint(tlp: Tlp, boundary: int) -> str | None:
    """What is wrong with a translation request (ATS, Translation Requests)."""
    if tlp.length % 2 or tlp.length * DWORD > boundary:
        return f"a translation request of {tlp.length} dwords"
    if (tlp.first_be, tlp.last_be) != (_ALL_BYTES, _ALL_BYTES):
        return "a translation request that does not enable all bytes"
    return None


def _enables_complaint(tlp: Tlp) -> str | None:
    """What is wrong with byte enables (PCIe §2.2.5)."""
    first, last = tlp.first_be, tlp.last_be
    enables = f"byte enables {first:#x} and {last:#x} of {tlp.length} dwords"
    if tlp.length == 1:
        return f"{enables}: the last are for more than one" if last else None
    if not first or not last:
        return f"{enables}: both dwords need some"
    quadword = tlp.length == 2 and tlp.address % (2 * DWORD) == 0
    if not quadword and (first not in _TO_THE_END or last not in _FROM_THE_START):
        return f"{enables}: there is a gap"
    return None


def unsupported(tlp: Tlp) -> str | None:
    """Why a well-formed request is answered with UR, whatever its address; None if it is not."""
    kind = kind_of(tlp)
    if kind is Kind.LOCKED_READ:
        return "a root complex takes no locked reads"
    if kind is Kind.ATOMIC and _is_wide(tlp):
        return "compare-and-swap of 128 bits is not supported"
    if kind is not Kind.TRANSLATION and AddressType(tlp.at) is AddressType.TRANSLATION:
        return "only a read can ask for a translation"
    return None


def _is_wide(tlp: Tlp) -> bool:
    """Whether an atomic is a compare-and-swap of 128 bits, which only some completers support."""
    wanted = atomic(tlp)
    return wanted.operation is AtomicOperation.COMPARE_SWAP and wanted.size == _WIDE_ATOMIC
