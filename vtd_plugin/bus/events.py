"""What observers of a platform are told.

Events are values; an observer is any callable that takes one. None is built while nobody observes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vtd_plugin.bus.contract import AddressSpace, ResetKind, ResetOrder
    from vtd_plugin.bus.interrupts import InterruptMessage
    from vtd_plugin.bus.mappings import Mapping
    from vtd_plugin.bus.requests import Answer, Attributes, Fault, Resolution


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened."""


@dataclass(frozen=True, slots=True)
class AddressSpaceSwitched(Event):
    """A requester sees another address space, or the same one with another content.

    Attributes:
        source_id: Whose it is.
        before: What it saw.
        after: What it sees now.
        reason: Why, in words.
    """

    source_id: int
    before: AddressSpace
    after: AddressSpace
    reason: str


@dataclass(frozen=True, slots=True)
class Mapped(Event):
    """The listeners of a requester were told of a mapping."""

    source_id: int
    mapping: Mapping


@dataclass(frozen=True, slots=True)
class Unmapped(Event):
    """The listeners of a requester were told that a mapping is gone."""

    source_id: int
    mapping: Mapping


@dataclass(frozen=True, slots=True)
class TransferBegan(Event):
    """A requester asked for something.

    Attributes:
        source_id: Who asked.
        iova: First address asked for.
        size: Bytes.
        attributes: What was asked for.
        number: Which transfer of the platform it is, counted from 1; its end has the same.
    """

    source_id: int
    iova: int
    size: int
    attributes: Attributes
    number: int


@dataclass(frozen=True, slots=True)
class RequestResolved(Event):
    """One request, inside one page, was answered by the requester's address space.

    Attributes:
        source_id: Who asked.
        address: First byte.
        size: Bytes.
        attributes: What was asked for.
        resolution: The answer.
    """

    source_id: int
    address: int
    size: int
    attributes: Attributes
    resolution: Resolution


@dataclass(frozen=True, slots=True)
class TransferEnded(Event):
    """What a requester asked for is done, blocked or aborted.

    Attributes:
        source_id: Who asked.
        iova: First address asked for.
        size: Bytes.
        attributes: What was asked for.
        answer: What the requester was told.
        transferred: Bytes that moved.
        number: That of the event of its beginning; 0 if nobody observed then.
    """

    source_id: int
    iova: int
    size: int
    attributes: Attributes
    answer: Answer
    transferred: int
    number: int


@dataclass(frozen=True, slots=True)
class RequestBlocked(Event):
    """One request, inside one page, was blocked."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class InterruptDelivered(Event):
    """An interrupt left for the processors."""

    message: InterruptMessage


@dataclass(frozen=True, slots=True)
class UnclaimedAccess(Event):
    """Nothing answers at a host physical address.

    Attributes:
        source_id: Which requester's access it was, or None for a CPU's.
        address: First byte.
        size: Bytes.
        write: Whether it was a write.
    """

    source_id: int | None
    address: int
    size: int
    write: bool


@dataclass(frozen=True, slots=True)
class ResetDone(Event):
    """A part of the platform was reset.

    Attributes:
        kind: How much.
        part: ``"masters"``, ``"units"``, or the source-id of a function, such as ``"00:04.0"``.
        order: Of a reset of the whole platform, which half comes first; None where only this part
            was asked for.
    """

    kind: ResetKind
    part: str
    order: ResetOrder | None = None
