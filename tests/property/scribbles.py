"""Memory with any bytes in it: worlds scribbled over, and pages that all look like tables."""

from __future__ import annotations

import random
from typing import Final

from hypothesis import strategies as st

from tests.property.image import PAGE, Image
from tests.property.scalable_worlds import scalable_worlds
from tests.property.units import legacy_units, scalable_units
from tests.property.worlds import DEVICES, Entrance, World, legacy_worlds
from vtd_plugin.iommu.config import CacheSizes, Replacement

UNCACHED: Final = CacheSizes(0, 0, 0, 0, 0)
"""Without caches the walker's verdict is exact even while requests write to tables."""
PAGES: Final = 16
LOW_BITS: Final = (0x003, 0x007, 0x083, 0x087, 0x001, 0x063, 0x303, 0x105, 0x109, 0x041, 0x081)
UPPER_HALVES: Final = (0, 0x102, 0x101, 0x103, 0x1, 0x0080_0001)


@st.composite
def scribbled_worlds(draw: st.DrawFn) -> World:
    """A world of either mode without caches, with random bytes here and there in its tables."""
    world = draw(st.one_of(legacy_worlds(), scalable_worlds()))
    world.caches = UNCACHED
    for _ in range(draw(st.integers(0, 12))):
        frame = draw(st.sampled_from(world.image.frames))
        offset = draw(st.one_of(st.sampled_from(range(0, 64, 8)), st.integers(0, PAGE - 8)))
        world.image.put(frame + offset, draw(st.integers(0, (1 << 64) - 1)))
    return world


@st.composite
def worlds_of_tables(draw: st.DrawFn) -> World:
    """Pages that lead to each other in every role at once; requests write to tables, too."""
    caps = draw(st.one_of(legacy_units(), scalable_units()))
    world = World(caps, Image(PAGES * PAGE), UNCACHED, Replacement.FIFO)
    world.rtaddr = PAGE * draw(st.integers(0, PAGES - 1)) | caps.scalable_mode << 10
    dice = random.Random(draw(st.integers(0, 1 << 32)))
    for page in range(PAGES):
        pairs = dice.random() < 0.5
        for at in range(0, PAGE, 8):
            upper = pairs and at & 8
            world.image.put(page * PAGE + at, dice.choice(UPPER_HALVES) if upper else entry(dice))
    addresses = [draw(_addresses) for _ in range(4)]
    for source_id in DEVICES:
        for pasid in (None, 1, 66):
            world.entrances.append(Entrance(source_id, pasid, tuple(addresses)))
    return world


_addresses: Final = st.one_of(st.integers(0, PAGES * PAGE), st.integers(0, (1 << 48) - 1)).map(
    lambda address: address & ~0xFFF
)


def entry(dice: random.Random) -> int:
    """An entry of some table, or nothing."""
    if dice.random() < 0.1:
        return dice.getrandbits(64)
    return dice.randrange(PAGES) * PAGE | dice.choice(LOW_BITS)
