"""The completions that answer a memory request of PCIe (PCIe §2.2.9, §2.3.1).

The cutting of data, refusals, and the entries of address translation services. Nothing here waits
or sends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cocotbext.pcie.core.tlp import CplStatus, Tlp, TlpType
from cocotbext.pcie.core.utils import PcieId

from hdl_bridge.pcie.request import DWORD, Kind, atomic, kind_of, span
from vtd_plugin.bus import INTERRUPT_WINDOW_BASE, INTERRUPT_WINDOW_LAST, PAGE_SIZE, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.bus import Transfer, Translation

COMPLETER: Final = PcieId(0, 0, 0)
"""The completer id of the root complex."""

_PAGE_OFFSET: Final = PAGE_SIZE - 1
_LOWER_ADDRESS: Final = 0x7F
_ENTRY_BYTES: Final = 8
_SIZE_BIT: Final = 1 << 11
_ONLY_UNTRANSLATED: Final = 1 << 2
_SUCCESS_WITHOUT_RIGHTS: Final = (Answer.NO_RIGHTS, Answer.RIGHTS_LEFT)


@dataclass(frozen=True, slots=True)
class Cut:
    """How the data of a read are cut into completions (PCIe §2.3.1.1).

    Attributes:
        payload: The most bytes of whole dwords that a completion may carry.
        boundary: The read completion boundary, 64 or 128: where cuts may be.
        every_boundary: Cut at every boundary, not only where the payload ends.
    """

    payload: int
    boundary: int
    every_boundary: bool = False

    def pieces(self, address: int, size: int) -> Iterator[tuple[int, int]]:
        """First address and size of each piece.

        Args:
            address: First byte.
            size: Bytes, at least 1.
        """
        end, boundary = address + size, self.boundary
        while address < end:
            if self.every_boundary:
                stop = min((address // boundary + 1) * boundary, end)
            else:
                reach = address - address % DWORD + self.payload
                stop = end if reach >= end else reach - reach % boundary
            yield address, stop - address
            address = stop


def read_completions(tlp: Tlp, data: bytes, cut: Cut) -> Iterator[Tlp]:
    """The completions of a read.

    Args:
        tlp: The read.
        data: The bytes of its span; those that are not enabled may hold anything.
        cut: How they are cut.
    """
    wanted = span(tlp)
    end = wanted.address + wanted.byte_count
    data = data or bytes(wanted.byte_count)
    for start, size in cut.pieces(wanted.address, wanted.byte_count):
        completion = Tlp.create_completion_data_for_tlp(tlp, COMPLETER)
        completion.byte_count = end - start
        completion.lower_address = start & _LOWER_ADDRESS
        offset = start - wanted.address
        pad = bytes(start % DWORD)
        completion.set_data(pad + data[offset : offset + size] + bytes(-(start + size) % DWORD))
        yield completion


def is_last(completion: Tlp) -> bool:
    """Whether a completion is the only one, or the last of several, of its request."""
    if completion.status is not CplStatus.SC or not completion.data:
        return True
    held = len(completion.data) - completion.lower_address % DWORD
    return bool(completion.byte_count <= held)


def refusal(tlp: Tlp, answer: Answer) -> Tlp:
    """The completion of a request that is not done: CA if that is the answer, else UR."""
    status = CplStatus.CA if answer is Answer.CA else CplStatus.UR
    completion = Tlp.create_completion_for_tlp(tlp, COMPLETER, has_data=False, status=status)
    kind = kind_of(tlp)
    if kind is Kind.LOCKED_READ:
        completion.fmt_type = TlpType.CPL_LOCKED
    completion.byte_count = atomic(tlp).size if kind is Kind.ATOMIC else span(tlp).byte_count
    return completion


def data_completion(tlp: Tlp, data: bytes) -> Tlp:
    """One completion with data that lies nowhere: of an atomic or a translation request."""
    completion = Tlp.create_completion_data_for_tlp(tlp, COMPLETER)
    completion.byte_count = len(data)
    completion.set_data(data)
    return completion


def translation_completion(tlp: Tlp, request: Transfer) -> Tlp:
    """The completion of a translation request: one entry, however many it asks for (ATS).

    Args:
        tlp: The request as it came.
        request: The transfer that it has begun.
    """
    if request.ok:
        ((_, _, translation),) = request.translations
        window = INTERRUPT_WINDOW_BASE <= tlp.address <= INTERRUPT_WINDOW_LAST
        only_untranslated = window and request.attributes.pasid is None
        entry = translation_entry(tlp.address, translation, only_untranslated=only_untranslated)
        return data_completion(tlp, entry)
    if request.answer in _SUCCESS_WITHOUT_RIGHTS:
        return data_completion(tlp, bytes(_ENTRY_BYTES))
    return refusal(tlp, request.answer)


def translation_entry(
    iova: int, translation: Translation, *, only_untranslated: bool = False
) -> bytes:
    """What a device is told of a page (ATS, Translation Completion Data Entry).

    Args:
        iova: The address that was asked for.
        translation: Where it lies.
        only_untranslated: Whether the page is only for untranslated requests (U), as the interrupt
            window is.

    Returns:
        The 8 bytes in the order they are sent. The flags N, G, Priv and Exe are clear.
    """
    address = translation.address(iova) & ~_PAGE_OFFSET
    size = translation.mask + 1
    if size > PAGE_SIZE:
        # The lowest clear bit of the page number tells the size; all below it are set.
        address = address & ~translation.mask | (size // 2 - 1) & ~_PAGE_OFFSET | _SIZE_BIT
    flags = translation.rights
    if only_untranslated and flags:
        flags |= _ONLY_UNTRANSLATED
    return (address | flags).to_bytes(_ENTRY_BYTES, "big")
