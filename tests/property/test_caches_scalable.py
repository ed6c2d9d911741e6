"""Scalable mode with caches: after the invalidations a change asks for, the new tables count."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.property.changes import change_paging, invalidate_scalable
from tests.property.image import PAGE
from tests.property.invalidations import DOMAIN, Queue
from tests.property.pair import Pair
from tests.property.scalable_worlds import flip_a_bit, scalable_worlds
from tests.property.worlds import asks

ROUNDS = 4


@given(st.data())
def test_after_an_invalidation_the_new_tables_count(data: st.DataObject) -> None:
    world = data.draw(scalable_worlds())
    place = world.image.frame()
    pair = Pair(world)
    assume(pair.rtaddr >> 10 & 0b11 == 1)
    queue = Queue(pair, place, wide=True)
    above_page_tables = {structure.place // PAGE for structure in world.structures}
    for _ in range(ROUNDS):
        for ask in data.draw(st.lists(asks(world), min_size=2, max_size=6)):
            pair.require_agreement(ask)
            # Where first-stage tables lead onto structures that are cached, walks have broken these
            # without an invalidation.
            assume(pair.written.isdisjoint(above_page_tables))
        if data.draw(st.booleans()) and any(tables.places for tables in world.domains.values()):
            for domain_id in change_paging(data.draw, world, pair).domain_ids:
                queue.iotlb(DOMAIN, domain_id)
        else:
            old = data.draw(st.sampled_from(world.structures))
            flip_a_bit(data.draw, pair, old)
            invalidate_scalable(data.draw, pair, queue, old)
