"""Worlds in scalable mode: contexts, PASIDs, and address spaces of all four kinds.

A PASID entry names one of a few address spaces. What tags of caches say to be shared (a domain-id's
tables, width and use of accessed bits, 6.2.3.1) is drawn once for each space, the rest for each
entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.property.image import NOWHERE, Image, data_page
from tests.property.paging import (
    Format,
    Tables,
    damage_some,
    draw_tables,
    nested_second_stage,
    swapped,
)
from tests.property.units import Draw, caches, mostly, scalable_units, seldom, weighted
from tests.property.worlds import DEVICES, WIDTHS, Entrance, Structure, World

if TYPE_CHECKING:
    from tests.property.pair import Pair
    from tests.reference.capabilities import Caps

FIRST: Final = 1
SECOND: Final = 2
NESTED: Final = 3
THROUGH: Final = 4

SPACES: Final = (1, 2, 3)
"""Domain-ids of the address spaces."""
PASIDS: Final = (1, 2, 66)
ALL_DEVICES: Final = (*DEVICES, 0x0098)
"""The last one is in the upper half of its root entry."""

ACCESSED_DIRTY_FIRST: Final = 0b11 << 5
ACCESSED_DIRTY_SECOND: Final = 0b11 << 8


@dataclass
class Space:
    """An address space: what all PASID entries with its domain-id have in common."""

    kind: int
    fields: int
    addresses: list[int] = field(default_factory=list)


@st.composite
def scalable_worlds(draw: st.DrawFn) -> World:
    """Devices on both halves of a root entry and on two buses, with and without PASIDs."""
    world = World(draw(scalable_units()), Image(), *draw(caches))
    image = world.image
    root = image.frame()
    io_rights = world.caps.second_stage_io_rights and draw(st.booleans())
    mode = draw(weighted((1, 120), (0b11, 1), (0b10, 1)))
    world.rtaddr = root | mode << 10 | io_rights << 7
    spaces = {did: _draw_space(draw, world, did, io_rights=io_rights) for did in SPACES}
    contexts: dict[int, int] = {}
    for source_id in ALL_DEVICES:
        half = source_id >> 7
        if half not in contexts:
            contexts[half] = image.frame()
            place = root + 16 * (half >> 1) + 8 * (half & 1)
            image.put(place, _root_half(draw, contexts[half]))
            world.structures.append(Structure("root", place))
        place = contexts[half] + 32 * (source_id & 0x7F)
        image.put(place, _draw_device(draw, world, spaces, source_id), 32)
        world.structures.append(Structure("context", place, source_id))
    return world


def _root_half(draw: Draw, context_table: int) -> int:
    damage = draw(weighted((0, 150), (1, 1), (1 << 1, 1), (1 << 11, 1), (1 << 60, 1)))
    entry = context_table | 1
    if draw(weighted((False, 120), (True, 1))):
        return NOWHERE | 1
    return entry ^ damage


# --- devices and their PASIDs


def _draw_device(draw: Draw, world: World, spaces: dict[int, Space], source_id: int) -> int:
    """A context entry, with the PASID tables below it."""
    caps, image = world.caps, world.image
    rid_pasid = draw(st.sampled_from([0, 3])) if caps.rid_pasid else 0
    directory = image.frame()
    tables = {index: image.frame() for index in (0, 1)}
    for index, table in tables.items():
        image.put(directory + 8 * index, _directory_entry(draw, table))
    for pasid in (rid_pasid, *PASIDS):
        did = draw(st.sampled_from(SPACES))
        entry = _pasid_entry(draw, world, spaces, did)
        place = tables[pasid >> 6] + 64 * (pasid & 0x3F)
        image.put(place, entry, 64)
        found = Structure("pasid", place, source_id, entry >> 64 & 0xFFFF, pasid)
        world.structures.append(found)
        known = None if pasid == rid_pasid else pasid
        world.entrances.append(Entrance(source_id, known, tuple(spaces[did].addresses)))
    return _context_entry(draw, caps, directory, rid_pasid)


def _context_entry(draw: Draw, caps: Caps, directory: int, rid_pasid: int) -> int:
    device_tlb = caps.device_tlb and draw(mostly)
    entry = 1 | draw(seldom) << 1 | device_tlb << 2 | rid_pasid << 64
    entry |= (caps.pasid and draw(mostly)) << 3
    entry |= (caps.page_requests and device_tlb and draw(st.booleans())) << 4
    entry |= (caps.pasid_in_translated and draw(st.booleans())) << 6
    entry |= (caps.rid_privileged and draw(seldom)) << 84
    entry |= draw(weighted((0, 4), (1, 1), (7, 1))) << 9
    damage = draw(weighted(("none", 150), ("absent", 1), ("bit", 2), ("nowhere", 1), ("rid", 1)))
    if damage == "absent":
        return entry & ~1
    if damage == "bit":
        return entry ^ 1 << draw(st.sampled_from([2, 3, 4, 5, 6, 7, 8, 60, 84, 85, 200, 255]))
    if damage == "rid":
        return entry | 1 << 83
    return entry | (NOWHERE if damage == "nowhere" else directory)


def _directory_entry(draw: Draw, table: int) -> int:
    entry = table | 1 | draw(weighted((False, 15), (True, 1))) << 1
    if draw(weighted((False, 120), (True, 1))):
        return NOWHERE | 1
    return entry ^ draw(weighted((0, 150), (1, 1), (1 << 2, 1), (1 << 11, 1), (1 << 60, 1)))


def _pasid_entry(draw: Draw, world: World, spaces: dict[int, Space], did: int) -> int:
    """An entry that leads to the space of a domain-id, if it is not damaged."""
    caps, space = world.caps, spaces[did]
    entry = 1 | draw(weighted((False, 10), (True, 1))) << 1 | space.kind << 6 | space.fields
    entry |= (caps.page_walk_snoop_control and draw(mostly)) << 87
    entry |= (caps.snoop_control and draw(st.booleans())) << 88
    entry |= (caps.supervisor_requests and draw(mostly)) << 128
    entry |= (caps.first_stage and draw(st.booleans())) << 132
    if caps.memory_types:
        entry |= draw(seldom) << 89 | draw(st.booleans()) << 90
        for index in range(8):
            entry |= draw(st.sampled_from([6, 0, 1, 4, 5, 7])) << 96 + 4 * index
    damage = draw(weighted((0, 150), (1, 1), *((1 << bit, 1) for bit in _ODD_BITS)))
    if damage > 1:
        # What is damaged may be the tables or the width: such an entry stands alone (6.2.3.1),
        # though it may lead to the same tables yet.
        tables, did = world.domains.get(did, Tables(0, 0)), world.spare_domain()
        world.domains[did] = tables
    return (entry | did << 64) ^ damage


_ODD_BITS: Final = (
    *(2, 3, 5, 6, 7, 8, 9, 10, 30, 60, 79, 80, 87, 89, 91),
    *(129, 130, 131, 133, 135, 136, 158, 188, 192, 255, 256, 300, 336, 511),
)


def flip_a_bit(draw: Draw, pair: Pair, structure: Structure) -> None:
    """Change a structure by a bit that no cache is tagged with, and no table found by."""
    bit = draw(st.sampled_from(_CHANGEABLE_BITS[structure.kind]))
    place = structure.place + 8 * (bit // 64)
    value = pair.get(place) ^ 1 << bit % 64
    pair.put(place, value.to_bytes(8, "little"))


_CHANGEABLE_BITS: Final = {
    "root": (0, 1),
    "context": (0, 1, 2, 3, 4, 6, 7),
    "pasid": (0, 1, 10, 87, 88, 128, 132, 255),
}

# --- address spaces


def _draw_space(draw: Draw, world: World, did: int, *, io_rights: bool) -> Space:
    caps = world.caps
    offered = {
        FIRST: caps.first_stage,
        SECOND: caps.second_stage,
        NESTED: caps.nested,
        THROUGH: caps.pass_through,
    }
    kinds = [kind for kind in (NESTED, FIRST, SECOND, NESTED, THROUGH) if offered[kind]]
    kind = draw(st.sampled_from(kinds or [FIRST]))
    if kind == THROUGH:
        return Space(kind, 0, [data_page(number) for number in range(4)])
    if kind == FIRST:
        return _first_stage(draw, world, did, guest=False)
    accessed_dirty = caps.second_stage_accessed_dirty and draw(mostly)
    preset, leaf_preset = _preset(draw, ACCESSED_DIRTY_SECOND)
    form = Format(
        first=False,
        read_bit=61 if io_rights else 0,
        write_bit=62 if io_rights else 1,
        preset=preset,
        leaf_preset=leaf_preset,
    )
    levels = draw(st.sampled_from(world.levels()))
    common = levels << 2 | accessed_dirty << 9
    if kind == SECOND:
        tables = draw_tables(draw, world.image, form, WIDTHS[levels])
        world.domains[did] = tables
        return Space(kind, common | tables.root, tables.addresses)
    return _nested(draw, world, did, form, common)


def _preset(draw: Draw, bits: int) -> tuple[int, int]:
    """Accessed and dirty bits that software set beforehand, or none: in tables, and in leaves."""
    accessed = bits & -bits
    chosen = draw(weighted((0, 2), (accessed, 1), (bits, 1)))
    return chosen & accessed, chosen


def _first_stage(draw: Draw, world: World, did: int, *, guest: bool) -> Space:
    caps = world.caps
    preset, leaf_preset = _preset(draw, ACCESSED_DIRTY_FIRST)
    form = Format(first=True, preset=preset, leaf_preset=leaf_preset, guest=guest)
    five = caps.first_stage_5_levels and draw(st.booleans())
    tables = draw_tables(draw, world.image, form, 4 + five)
    world.domains[did] = tables
    common = form.pointer(tables.root) << 128 | five << 130
    common |= (caps.extended_accessed and draw(st.booleans())) << 135
    return Space(NESTED if guest else FIRST, common, tables.addresses)


def _nested(draw: Draw, world: World, did: int, form: Format, common: int) -> Space:
    """First-stage tables at guest addresses, above a second stage that maps the whole memory."""
    before = len(world.image.frames)
    space = _first_stage(draw, world, did, guest=True)
    tables = world.image.frames[before:]
    large = world.caps.second_stage_2m and draw(st.booleans())
    levels = WIDTHS[common >> 2 & 0b111]
    second = nested_second_stage(draw, world.image, form, levels, large)
    guest_pages = [swapped(frame) for frame in tables]
    guest_pages += [swapped(data_page(number)) for number in range(16)]
    damage_some(draw, world.image, form, second, guest_pages)
    leaves = second.frames[second.levels - 1 :]
    world.domains[did].places.extend(
        leaves[page >> 21] + 8 * (page >> 12 & 0x1FF)
        for page in guest_pages
        if page >> 21 < len(leaves)
    )
    space.fields |= common | second.root
    return space
