"""What a DMA request is and how the bus answers it.

A request is a source-id, an address, a size and its `Attributes`. Whoever resolves it answers with
a `Translation` (where the bytes are), a `Fault` (why not), or `INTERRUPT` (it was no memory request
at all). Nothing here knows what kind of IOMMU gave the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum
from typing import Final, TypeAlias

PAGE_SIZE: Final = 4096
"""Bytes of the smallest page; a request never crosses a border of it."""

ALL_ADDRESSES: Final = (1 << 64) - 1
"""The page mask of a translation that covers the whole 64-bit address space."""


class RequestKind(IntEnum):
    """What a request does to memory; the value is the rights it needs (see `Translation`).

    A read of zero bytes is a zero-length read.
    """

    READ = 1
    WRITE = 2
    ATOMIC = 3


class AddressType(IntEnum):
    """The AT field of a PCIe memory request."""

    UNTRANSLATED = 0
    TRANSLATION = 1
    TRANSLATED = 2
    RESERVED = 3


class Answer(StrEnum):
    """What the bus tells the requester."""

    OK = "OK"
    """Done."""
    UR = "UR"
    """Unsupported request: nobody takes it, or it was blocked."""
    CA = "CA"
    """Completer abort: whoever took it could not finish it."""
    NO_RIGHTS = "S0"
    """Translation request only: success, without any rights."""
    RIGHTS_LEFT = "Seff"
    """Translation request only: success, with the rights there are."""
    INVALID_REQUEST = "IR"
    """Page request only: the response says that the request is invalid."""
    DROPPED = "drop"
    """Page request only: nothing is told."""
    ABORTED = "ABORTED"
    """A reset ended the request before it was done."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """Everything about a request but who asks, where, and how much.

    Attributes:
        kind: Read, write, or atomic.
        address_type: The AT field.
        pasid: Process address space identifier (20 bits), or None for a request without.
        privileged: Privileged-mode-requested; only meaningful with a PASID.
        execute: Execute-requested; only meaningful with a PASID.
        no_snoop: The NS attribute.
        no_write: The NW flag of a translation request.
    """

    kind: RequestKind
    address_type: AddressType = AddressType.UNTRANSLATED
    pasid: int | None = None
    privileged: bool = False
    execute: bool = False
    no_snoop: bool = False
    no_write: bool = False


READ: Final = Attributes(RequestKind.READ)
WRITE: Final = Attributes(RequestKind.WRITE)
ATOMIC: Final = Attributes(RequestKind.ATOMIC)


class Translation:
    """Where a page of a requester's address space lies in memory.

    An IOMMU may answer with a subclass that carries more (a domain-id, a memory type); the bus
    looks only at these three.

    Attributes:
        base: Host physical address of the page.
        mask: Size of the page in bytes, minus one.
        rights: What may be done there, an OR of `READABLE` and `WRITABLE`.
    """

    __slots__ = ("base", "mask", "rights")

    READABLE: Final = 1
    WRITABLE: Final = 2

    def __init__(self, base: int, mask: int, rights: int = READABLE | WRITABLE) -> None:
        self.base = base
        self.mask = mask
        self.rights = rights

    def address(self, iova: int) -> int:
        """The host physical address of `iova`, an address inside the page."""
        return self.base | (iova & self.mask)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base={self.base:#x}, size={self.mask + 1:#x})"


IDENTITY: Final = Translation(0, ALL_ADDRESSES)
"""The answer of an address space that is memory as it is."""


class InterruptRequest(Enum):
    """The request is an interrupt: its data goes to the interrupt side, never to memory."""

    INTERRUPT = "interrupt"


INTERRUPT: Final = InterruptRequest.INTERRUPT


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a request was blocked.

    Attributes:
        code: The fault reason as the IOMMU reports it to software (8 bits).
        name: The name of the condition, such as ``LCT.2``.
        text: The condition in words.
        answer: What the bus tells the requester.
        source_id: Who asked (16 bits).
        address: The address asked for, in bytes.
        attributes: What was asked for.
        recorded: Whether software can find it in the unit's fault registers; False when the unit
            was told to suppress it or had no room left.
    """

    code: int
    name: str
    text: str
    answer: Answer
    source_id: int
    address: int
    attributes: Attributes
    recorded: bool = True

    def __str__(self) -> str:
        return f"{self.name} ({self.code:#04x}) at {self.address:#x}: {self.text}"


Resolution: TypeAlias = Translation | Fault | InterruptRequest
"""What resolving one request, inside one page, comes to."""
