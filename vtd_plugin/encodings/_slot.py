"""How the names of a layout are read from an integer and put into one.

A name is a field, an alias, or the byte address that either of them holds the upper bits of.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vtd_plugin.encodings._field import Alias, Field

ADDRESS_SUFFIX: Final = "_address"

_PART: Final = re.compile(r"(\w+)\[(\d+):(\d+)\]")


class Piece(NamedTuple):
    """Where one run of bits of a value goes: from bit `down` of the value to bit `lsb`."""

    down: int
    limit: int
    lsb: int


class Place(NamedTuple):
    """What it takes to put a number into one run of bits.

    These are the bits the number may not have, the bits of the value to keep, and two shifts.
    """

    forbidden: int
    keep: int
    down: int
    lsb: int


class Slot(NamedTuple):
    """A name that can be read and packed: a field, an alias, or the address of either."""

    width: int
    pieces: tuple[Piece, ...]
    note: str
    alignment: int = 1

    @property
    def mask(self) -> int:
        """All bits that the slot takes, in place."""
        return sum(piece.limit << piece.lsb for piece in self.pieces)

    def check(self, number: int, name: str) -> None:
        """Raise ValueError if the slot cannot hold a number; `name` is what the error calls it."""
        if number >> self.width:
            raise ValueError(f"{name}: {number:#x} does not fit {self.width} bits")
        if number & (self.alignment - 1):
            raise ValueError(f"{name}: {number:#x} is no multiple of {self.alignment:#x}")

    def insert(self, value: int, number: int, name: str) -> int:
        """Put a number into a value, after `check`."""
        self.check(number, name)
        for down, limit, lsb in self.pieces:
            value = value & ~(limit << lsb) | (number >> down & limit) << lsb
        return value


def slots_of(fields: Mapping[str, Field], aliases: Mapping[str, Alias]) -> dict[str, Slot]:
    """All names that can be read and packed, the addresses after what they are the address of."""
    slots = {}
    for name, item in fields.items():
        slot = Slot(item.width, (Piece(0, item.limit, item.lsb),), item.note)
        slots.update(_with_address(name, slot, item.address_lsb))
    for name, other in aliases.items():
        slots.update(_with_address(name, _join(fields, other), other.address_lsb))
    return slots


def places_of(slots: Mapping[str, Slot], bits: int) -> dict[str, Place]:
    """The slots that are one run of bits, in the form that packing is quick with."""
    everything = (1 << bits) - 1
    places = {}
    for name, slot in slots.items():
        if len(slot.pieces) == 1:
            forbidden = (-1 << slot.width) | (slot.alignment - 1)
            piece = slot.pieces[0]
            places[name] = Place(forbidden, everything ^ slot.mask, piece.down, piece.lsb)
    return places


def _join(fields: Mapping[str, Field], item: Alias) -> Slot:
    """The bits that an alias stands for."""
    pieces: list[Piece] = []
    width = 0
    for part in filter(None, (item.low, item.high)):
        match = _PART.fullmatch(part)
        source = fields.get(match[1] if match else part)
        if source is None:
            raise ValueError(f"alias of {part!r}, which is no field: {', '.join(fields)}")
        msb, lsb = (int(match[2]), int(match[3])) if match else (source.width - 1, 0)
        pieces.insert(0, Piece(width, (1 << (msb - lsb + 1)) - 1, source.lsb + lsb))
        width += msb - lsb + 1
    note = ", ".join(filter(None, (item.high, item.low)))
    return Slot(width, tuple(pieces), note)


def _with_address(name: str, slot: Slot, address_lsb: int | None) -> dict[str, Slot]:
    if address_lsb is None:
        return {name: slot}
    pieces = tuple(Piece(down + address_lsb, limit, lsb) for down, limit, lsb in slot.pieces)
    note = f"byte address held by {name}"
    address = Slot(slot.width + address_lsb, pieces, note, alignment=1 << address_lsb)
    return {name: slot, name + ADDRESS_SUFFIX: address}


def reader(slot: Slot) -> Callable[[Any], int]:
    """A function that reads a name: constants in a closure, since this is what a walk spends."""
    if len(slot.pieces) > 1:
        (high_down, high_limit, high_lsb), (low_down, low_limit, low_lsb) = slot.pieces
        return lambda view: (
            (view.value >> high_lsb & high_limit) << high_down
            | (view.value >> low_lsb & low_limit) << low_down
        )
    ((down, limit, lsb),) = slot.pieces
    if down:
        return lambda view: (view.value >> lsb & limit) << down
    if lsb:
        return lambda view: view.value >> lsb & limit
    return lambda view: view.value & limit
