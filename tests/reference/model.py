"""The words the reference walker is asked and answers in, and the state of one walk.

No behaviour but two small ones: reading an entry and suppressing a fault by FPD.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from tests.reference.capabilities import Caps

Read: TypeAlias = Callable[[int, int], bytes | None]
"""Reads (address, size) of memory as the unit does; None where there is none."""

Write: TypeAlias = Callable[[int, bytes], bool]
"""Writes (address, data) to memory; False where there is none."""

UNTRANSLATED = 0
TRANSLATION = 1
TRANSLATED = 2


@dataclass(frozen=True)
class Ask:
    """One request, inside one 4-KiB page. `size` 0 with kind "read" is a zero-length read."""

    source_id: int
    address: int
    kind: Literal["read", "write", "atomic"] = "read"
    size: int = 4
    address_type: int = UNTRANSLATED
    pasid: int | None = None
    privileged: bool = False
    execute: bool = False
    no_write: bool = False

    @property
    def needs_write(self) -> bool:
        return self.kind in ("write", "atomic")

    @property
    def needs_read(self) -> bool:
        return self.kind in ("read", "atomic")

    @property
    def zero_length(self) -> bool:
        return self.kind == "read" and self.size == 0


@dataclass(frozen=True)
class Outcome:
    """What becomes of a request.

    Attributes:
        fault: The condition, such as "LCT.4.1", or None.
        recorded: Whether the fault goes to the fault registers, if there is room.
        answer: "OK", "UR", "CA", "S0" or "Seff".
        address: Host physical address of the first byte; None if nothing was translated.
        page_size: Bytes of the translated page; None where no table set a size (pass-through,
            translated requests).
        readable: Effective right of the requester there.
        writable: Effective right of the requester there.
        snoop: Whether the access snoops even if the request says no-snoop.
        memory_type: 0 UC, 1 WC, 4 WT, 5 WP, 6 WB.
        interrupt: The request is an interrupt and no memory request at all.
        untranslated_only: The U bit of a translation completion.
    """

    fault: str | None = None
    recorded: bool = False
    answer: str = "OK"
    address: int | None = None
    page_size: int | None = None
    readable: bool = False
    writable: bool = False
    snoop: bool = False
    memory_type: int = 6
    interrupt: bool = False
    untranslated_only: bool = False


class Blocked(Exception):  # noqa: N818  it ends a walk, it is no error
    """The walk ends in the fault condition `label`."""

    def __init__(self, label: str) -> None:
        super().__init__(label)
        self.label = label


@dataclass(frozen=True)
class Place:
    """Where an entry lies in host memory, and what setting bits in it depends on.

    `snooped` says that page walks snoop; `writable` is False where the second stage denies the
    write that a first-stage entry needs.
    """

    address: int
    stage: Literal["first", "second"]
    snooped: bool = True
    writable: bool = True


@dataclass(frozen=True)
class Leaf:
    """Where one stage ended: a page, the rights along the way, and its entry."""

    base: int
    size: int
    entry: int
    place: Place
    readable: bool
    writable: bool
    user: bool

    def address(self, address: int) -> int:
        """Where `address`, which lies in this page, comes out."""
        return self.base | (address & (self.size - 1))


@dataclass
class Walk:
    """One request on its way, and whether an entry met so far has FPD set."""

    read: Read
    write: Write
    caps: Caps
    ssirwe: bool
    host_type: int
    ask: Ask
    fault_processing_disabled: bool = field(default=False)

    def entry(self, address: int, size: int, label: str) -> int:
        """The little-endian entry of `size` bytes at `address`; ends as `label` if unreadable."""
        raw = self.read(address, size)
        if raw is None:
            raise Blocked(label)
        return int.from_bytes(raw, "little")


def bits(value: int, msb: int, lsb: int) -> int:
    """Bits msb:lsb of a value."""
    return value >> lsb & ((1 << (msb - lsb + 1)) - 1)


def in_place(msb: int, lsb: int) -> int:
    """The mask of bits msb:lsb."""
    return ((1 << (msb - lsb + 1)) - 1) << lsb


def above_width(width: int, msb: int, lsb_of_zero: int = 0) -> int:
    """The mask of an address field's bits from `width` up to `msb`, bit 0 lying at lsb_of_zero."""
    return in_place(msb, width + lsb_of_zero) if width + lsb_of_zero <= msb else 0
