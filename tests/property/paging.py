"""Random page tables: a spine of tables that mostly works, and odd entries beside it.

At each level one index leads down to the next table; the others are large pages, second ways into
the same table, or damaged. Addresses are made of the same few indices, so that about half of the
requests translate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.property.image import DATA, NOWHERE, Image, data_page, shift_of
from tests.property.units import Draw, mostly, weighted

if TYPE_CHECKING:
    from collections.abc import Iterable

INTERRUPTS: Final = 0xFEE00000

_harmless: Final = (("none", 60), ("read-only", 3), ("write-only", 3), ("noise", 6))
_harmful: Final = (
    ("absent", 1),
    ("address", 1),
    ("bit-11", 1),
    ("bit-62", 1),
    ("size", 1),
    ("low", 1),
    ("nowhere", 1),
    ("interrupts", 1),
    ("supervisor", 1),
)
_on_spine: Final = weighted(*_harmless, *_harmful)
_beside: Final = weighted(
    *((name, 10 if name == "none" else 2) for name, _ in _harmless + _harmful)
)


@dataclass
class Tables:
    """One domain's tables: where they start, and addresses worth asking for."""

    root: int
    levels: int
    places: list[int] = field(default_factory=list)
    """Physical addresses of the entries."""
    frames: list[int] = field(default_factory=list)
    addresses: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Format:
    """What an entry of one stage looks like.

    Attributes:
        first: First stage, else second.
        read_bit: Bit of R (second stage).
        write_bit: Bit of W, or R/W.
        preset: Bits set in every entry: accessed bits that nobody can update later.
        leaf_preset: The same for leaves.
        guest: Whether table addresses are guest addresses; see `nested`.
    """

    first: bool
    read_bit: int = 0
    write_bit: int = 1
    preset: int = 0
    leaf_preset: int = 0
    guest: bool = False

    def pointer(self, address: int) -> int:
        """How a table at a host address is named in an entry."""
        return swapped(address) if self.guest else address


def swapped(address: int) -> int:
    """The guest address of a host page, and back: neighbouring pages change places."""
    return address ^ 0x1000


def draw_tables(draw: Draw, image: Image, form: Format, levels: int) -> Tables:
    """A domain of `levels` levels."""
    frames = [image.frame() for _ in range(levels)]
    tables = Tables(frames[0], levels, frames=frames)
    spine = [draw(_spine_index(form, level, levels)) for level in range(levels, 0, -1)]
    prefix = 0
    for depth, frame in enumerate(frames):
        level = levels - depth
        child = frames[depth + 1] if level > 1 else None
        others = draw(st.lists(st.sampled_from([0, 1, 2, 3]), max_size=2, unique=True))
        for index in {spine[depth], *others}:
            damage = draw(_on_spine if index == spine[depth] else _beside)
            large = child is None or (index != spine[depth] and level in (2, 3) and draw(mostly))
            entry = _entry(draw, form, level, None if large else child, damage)
            image.put(frame + 8 * index, entry)
            tables.places.append(frame + 8 * index)
            tables.addresses.append(_sign_extended(form, levels, prefix | index << shift_of(level)))
        prefix |= spine[depth] << shift_of(level)
    tables.addresses.extend([_sign_extended(form, levels, prefix)] * levels)
    return tables


def _spine_index(form: Format, level: int, levels: int) -> st.SearchStrategy[int]:
    if level == levels and form.first:
        return st.sampled_from([0, 511, 1])
    return st.sampled_from([0, 1] if level > 1 else [0, 1, 2])


def _sign_extended(form: Format, levels: int, address: int) -> int:
    width = 12 + 9 * levels
    if form.first and address >> (width - 1):
        return address | (1 << 64) - (1 << width)
    return address


def _entry(draw: Draw, form: Format, level: int, child: int | None, damage: str) -> int:
    """An entry that points to a table, or a leaf, damaged as asked."""
    if damage == "absent":
        return draw(st.sampled_from([0, 1 << 63, 0x0FF << 52]))
    entry = form.preset | _rights(form, damage)
    if child is None:
        entry |= form.leaf_preset | _leaf_target(draw, form, level, damage)
        entry |= 1 << 7 if level > 1 else 0
    else:
        entry |= NOWHERE if damage == "nowhere" else form.pointer(child)
    return entry | _broken_bits(draw, form, level, damage)


def _rights(form: Format, damage: str) -> int:
    if form.first:
        user = 0 if damage == "supervisor" else 1 << 2
        return 1 | user | (0 if damage == "read-only" else 1 << 1)
    readable = 0 if damage == "write-only" else 1 << form.read_bit
    writable = 0 if damage == "read-only" else 1 << form.write_bit
    return readable | writable


def _leaf_target(draw: Draw, form: Format, level: int, damage: str) -> int:
    if damage == "nowhere":
        return NOWHERE
    if damage == "interrupts":
        return INTERRUPTS & ~((1 << shift_of(level)) - 1)
    if level == 1:
        return form.pointer(data_page(draw(st.integers(0, 15))))
    return DATA if level == 2 else 0


def _broken_bits(draw: Draw, form: Format, level: int, damage: str) -> int:
    if damage == "noise":
        return draw(st.integers(0, (1 << 64) - 1)) & _noise_mask(form, level)
    return {
        "address": 1 << draw(st.sampled_from([51, 50, 48, 46, 39])),
        "bit-11": 1 << 11,
        "bit-62": 1 << 62,
        "size": 1 << 7,
        "low": 1 << draw(st.sampled_from([12, 13, 19, 20, 28])) if level > 1 else 0,
    }.get(damage, 0)


def _noise_mask(form: Format, level: int) -> int:
    """Bits of an entry that no rule calls wrong: ignored ones, attributes, accessed bits."""
    upper = 0x1FF << 52 | 1 << 63
    if form.first:
        return upper | 0b111 << 8 | 0b1111 << 3 | (1 << 7 if level == 1 else 0)
    unused_rights = 0b11 if form.read_bit else 0
    return upper | unused_rights | 0b11 << 8 | (0x1F << 2 if level > 1 else 0x3F << 2)


def nested_second_stage(draw: Draw, image: Image, form: Format, levels: int, large: bool) -> Tables:
    """A second stage that maps the whole memory, neighbouring pages swapped in the lower half.

    The upper half is one 2-MiB page where the unit has those.
    """
    frames = [image.frame() for _ in range(levels)]
    for upper, lower in pairwise(frames):
        image.put(upper, lower | _full(form))
    for index in range(512):
        image.put(frames[-1] + 8 * index, swapped(index << 12) | _full(form) | form.leaf_preset)
    if large:
        entry = DATA | 1 << 7 | _full(form) | form.leaf_preset
        image.put(frames[-2] + 8, entry)
    else:
        second_half = image.frame()
        image.put(frames[-2] + 8, second_half | _full(form))
        for index in range(512):
            target = DATA | swapped(index << 12)
            image.put(second_half + 8 * index, target | _full(form) | form.leaf_preset)
        frames.append(second_half)
    return Tables(frames[0], levels, frames=frames)


def _full(form: Format) -> int:
    return form.preset | 1 << form.read_bit | 1 << form.write_bit


def damage_some(
    draw: Draw, image: Image, form: Format, second: Tables, guest_pages: Iterable[int]
) -> None:
    """Break the second-stage entries of up to two of these guest pages."""
    tables = second.frames[second.levels - 1 :]
    candidates = [page for page in guest_pages if page >> 21 < len(tables)]
    for page in draw(st.lists(st.sampled_from(candidates), max_size=2, unique=True)):
        damage = draw(_beside)
        place = tables[page >> 21] + 8 * (page >> 12 & 0x1FF)
        if damage == "absent":
            image.put(place, 0)
            continue
        target = {"nowhere": NOWHERE, "interrupts": INTERRUPTS}.get(damage, swapped(page))
        entry = target | form.preset | form.leaf_preset | _rights(form, damage)
        image.put(place, entry | _broken_bits(draw, form, 1, damage))
