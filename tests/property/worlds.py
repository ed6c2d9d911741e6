"""Worlds: a unit, a memory with its tables, the requesters in them, and requests worth making."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.property.image import NOWHERE, Image
from tests.property.paging import Format, Tables, draw_tables
from tests.property.units import Draw, caches, legacy_units, seldom, weighted
from tests.reference.model import TRANSLATED, TRANSLATION, UNTRANSLATED, Ask

if TYPE_CHECKING:
    from tests.reference.capabilities import Caps
    from vtd_plugin.iommu.config import CacheSizes, Replacement

DEVICES: Final = (0x0018, 0x0019, 0x0120)
STRANGER: Final = 0x0200
"""A requester on a bus that has no tables."""
FIRST_SPARE: Final = 3
WIDTHS: Final = {1: 3, 2: 4, 3: 5}
"""Levels of each AW."""


@dataclass(frozen=True)
class Entrance:
    """One way in: a requester, with or without a PASID, and the addresses it may ask for."""

    source_id: int
    pasid: int | None
    addresses: tuple[int, ...]


@dataclass(frozen=True)
class Structure:
    """An entry above the page tables that software may change, and what names it in caches.

    Attributes:
        kind: "root", "context" or "pasid".
        place: Its address.
        source_id: The requester of a context or PASID entry.
        domain_id: The domain-id that stands in it or below it.
        pasid: The PASID of a PASID entry.
    """

    kind: str
    place: int
    source_id: int = 0
    domain_id: int = 0
    pasid: int = 0


@dataclass
class World:
    caps: Caps
    image: Image
    caches: CacheSizes
    replacement: Replacement
    rtaddr: int = 0
    entrances: list[Entrance] = field(default_factory=list)
    domains: dict[int, Tables] = field(default_factory=dict)
    """Domain-id to page tables; several domain-ids may share them."""
    structures: list[Structure] = field(default_factory=list)

    def spare_domain(self) -> int:
        """A domain-id of its own.

        Who shares a domain-id is to share its tables and width (6.2.2.1, 6.2.3.1), so that an entry
        with a damaged one of these needs another.
        """
        return max(FIRST_SPARE, *self.domains, 0) + 1

    def levels(self) -> list[int]:
        """The AW values the unit supports."""
        return [aw for aw in WIDTHS if self.caps.supports_guest_width(aw)]


# --- legacy mode


@st.composite
def legacy_worlds(draw: st.DrawFn) -> World:
    """Root and context tables of a few devices, in one or two domains."""
    world = World(draw(legacy_units()), Image(), *draw(caches))
    image = world.image
    root = image.frame()
    world.rtaddr = root | draw(weighted((0, 30), (0b01 << 10, 1), (0b10 << 10, 1), (0b11 << 10, 1)))
    widths = {did: draw(st.sampled_from(world.levels())) for did in (1, 2)}
    form = Format(first=False)
    for did, aw in widths.items():
        world.domains[did] = draw_tables(draw, image, form, WIDTHS[aw])
    contexts: dict[int, int] = {}
    for source_id in DEVICES:
        bus = source_id >> 8
        if bus not in contexts:
            contexts[bus] = image.frame()
            image.put(root + 16 * bus, _root_entry(draw, contexts[bus]), 16)
            world.structures.append(Structure("root", root + 16 * bus))
        did = draw(st.sampled_from([1, 2]))
        entry = _context_entry(draw, world, did, widths[did])
        place = contexts[bus] + 16 * (source_id & 0xFF)
        image.put(place, entry, 16)
        found = Structure("context", place, source_id, entry >> 72 & 0xFFFF)
        world.structures.append(found)
        world.entrances.append(Entrance(source_id, None, tuple(world.domains[did].addresses)))
    return world


def redraw_context(draw: Draw, world: World, old: Structure) -> int:
    """Another value for a root or context entry."""
    value = world.image.get(old.place)
    if old.kind == "root":
        return _root_entry(draw, value & ~0xFFF)
    did = draw(st.sampled_from([1, 2]))
    return _context_entry(draw, world, did, _width_of(world.domains[did]))


def _width_of(tables: Tables) -> int:
    return next(aw for aw, levels in WIDTHS.items() if levels == tables.levels)


def _root_entry(draw: Draw, context_table: int) -> int:
    damage = draw(weighted(("none", 40), ("absent", 1), ("reserved", 1), ("nowhere", 1)))
    return {
        "none": context_table | 1,
        "absent": context_table,
        "reserved": context_table | 1 | 1 << draw(st.sampled_from([1, 11, 60, 64, 127])),
        "nowhere": NOWHERE | 1,
    }[damage]


def _context_entry(draw: Draw, world: World, did: int, aw: int) -> int:
    """TT 0 or 1 most times; ignored and FPD bits as they come."""
    translation_type = draw(weighted((1, 10), (0, 6), (2, 3), (3, 1)))
    damage = draw(
        weighted(("none", 40), ("absent", 1), ("reserved", 1), ("width", 1), ("nowhere", 1))
    )
    reserved = draw(_reserved_bits) if damage == "reserved" else 0
    tables = world.domains[did]
    # Some unit has an address bit where others have a reserved one.
    leads_elsewhere = 12 <= reserved < world.caps.haw
    if damage in ("width", "nowhere") or leads_elsewhere:
        did = world.spare_domain()
        world.domains[did] = tables
    entry = 1 | draw(seldom) << 1 | translation_type << 2 | aw << 64 | did << 72
    entry |= draw(st.sampled_from([0, 0xF])) << 67
    entry |= NOWHERE if damage == "nowhere" else tables.root
    if damage == "absent":
        return entry & ~1
    if damage == "reserved":
        return entry | 1 << reserved
    if damage == "width":
        return entry & ~(7 << 64) | draw(st.integers(0, 7)) << 64
    return entry


# --- requests


@st.composite
def asks(draw: st.DrawFn, world: World) -> Ask:
    """A request to one of the addresses that the tables speak of, or seldom to any other."""
    entrance = draw(st.sampled_from(world.entrances))
    address_type = draw(weighted((UNTRANSLATED, 8), (TRANSLATION, 2), (TRANSLATED, 1)))
    address = draw(st.sampled_from(entrance.addresses)) | draw(st.sampled_from([0, 0xFF8, 0x120]))
    if draw(weighted((False, 12), (True, 1))):
        address = draw(_odd_addresses)
    kind = "read" if address_type == TRANSLATION else draw(_kinds)
    pasid = entrance.pasid if draw(weighted((True, 20), (False, 1))) else draw(_odd_pasids)
    return Ask(
        source_id=entrance.source_id if draw(weighted((True, 20), (False, 1))) else STRANGER,
        address=address,
        kind=kind,  # type: ignore[arg-type]  # sampled from the three
        size=0 if kind == "read" and address_type == UNTRANSLATED and draw(seldom) else 4,
        address_type=address_type,
        pasid=pasid,
        privileged=pasid is not None and draw(st.booleans()),
        execute=pasid is not None and draw(weighted((False, 20), (True, 1))),
        no_write=address_type == TRANSLATION and draw(st.booleans()),
    )


_reserved_bits: Final = st.sampled_from([4, 11, 46, 60, 71, 80, 87, 88, 127])
_odd_pasids: Final = st.sampled_from([None, 0, 5, 63, 1 << 13, 1 << 19])
_kinds: Final = st.sampled_from(["read", "write", "read", "write", "atomic"])
_odd_addresses: Final = st.one_of(
    st.sampled_from([0xFEE00000, 0xFEE01004, 0xFEEFFFFC, 0xFEDFFFFC, 0xFEF00000]),
    st.integers(12, 63).map(lambda bit: 1 << bit),
    st.integers(12, 64).map(lambda bit: (1 << bit) - 8),
)
