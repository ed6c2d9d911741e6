"""The address space of a requester that no unit remaps: memory as it is.

The interrupt window is the platform's, not an IOMMU's: a dword written there is an interrupt with
or without a unit, and nothing else may be done there. The bus keeps it apart whatever the size of
a translation.
"""

from __future__ import annotations

from typing import Final

from vtd_plugin.bus.requests import (
    IDENTITY,
    INTERRUPT,
    AddressType,
    Answer,
    Attributes,
    Fault,
    RequestKind,
    Resolution,
)

INTERRUPT_WINDOW_BASE: Final = 0xFEE0_0000
"""First address of the interrupt window."""

INTERRUPT_WINDOW_SIZE: Final = 0x0010_0000
"""Bytes of the interrupt window."""

INTERRUPT_WINDOW_LAST: Final = INTERRUPT_WINDOW_BASE + INTERRUPT_WINDOW_SIZE - 1
"""Last address of the interrupt window."""


class DirectSpace:
    """Memory as it is; requests that claim to be translated are refused (AT other than 0).

    A unit may derive its own, to have a say in what is refused.
    """

    __slots__ = ()

    name: Final = "direct"
    remapped: Final = False

    def resolve(
        self, source_id: int, address: int, size: int, attributes: Attributes
    ) -> Resolution:
        """Answer one request inside one page; a PASID is ignored.

        Args:
            source_id: Who asks.
            address: First byte.
            size: Bytes; 0 is a zero-length read.
            attributes: What is asked for.

        Returns:
            `IDENTITY`, `INTERRUPT` for a dword written to the interrupt window, or a fault.
        """
        if attributes.address_type is not AddressType.UNTRANSLATED:
            return _refuse(
                source_id, address, attributes, "BUS.1", "nobody takes translated requests"
            )
        if INTERRUPT_WINDOW_BASE <= address <= INTERRUPT_WINDOW_LAST:
            return resolve_in_window(source_id, address, size, attributes)
        return IDENTITY


DIRECT: Final = DirectSpace()
"""Of requesters that no unit has in its scope."""


def resolve_in_window(
    source_id: int, address: int, size: int, attributes: Attributes
) -> Resolution:
    """Answer a request to the interrupt window where no unit has a say in it.

    Args:
        source_id: Who asks.
        address: First byte, inside the window.
        size: Bytes.
        attributes: What is asked for.

    Returns:
        `INTERRUPT` for an aligned dword write, `IDENTITY` for a zero-length read, else a fault.
    """
    if attributes.kind is RequestKind.WRITE and size == 4 and address % 4 == 0:
        return INTERRUPT
    if attributes.kind is RequestKind.READ and size == 0:
        return IDENTITY
    text = "only an aligned dword write is an interrupt"
    return _refuse(source_id, address, attributes, "BUS.2", text)


def _refuse(source_id: int, address: int, attributes: Attributes, name: str, text: str) -> Fault:
    return Fault(0, name, text, Answer.UR, source_id, address, attributes, recorded=False)
