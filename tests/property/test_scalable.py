"""Scalable mode: whatever the tables say, the unit and the walker come to the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.property.pair import Pair
from tests.property.scalable_worlds import scalable_worlds
from tests.property.worlds import asks


@given(st.data())
def test_random_tables_translate_as_the_walker_says(data: st.DataObject) -> None:
    world = data.draw(scalable_worlds())
    pair = Pair(world)
    for ask in data.draw(st.lists(asks(world), min_size=6, max_size=12)):
        pair.require_agreement(ask)
