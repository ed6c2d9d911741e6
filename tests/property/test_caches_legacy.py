"""Legacy mode with caches: after an invalidation the new tables count, before it either."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.property.changes import (
    PagingChange,
    change_paging,
    invalidate_context,
    invalidate_pages,
)
from tests.property.invalidations import Queue, Registers
from tests.property.pair import Pair
from tests.property.worlds import asks, legacy_worlds, redraw_context

if TYPE_CHECKING:
    from tests.property.worlds import Structure, World


MODE: Final = 0b11 << 10


class CachedTranslation(RuleBasedStateMachine):
    """Requests, one change of a table at a time, and the invalidation that belongs to it."""

    world: World
    pair: Pair
    unit: Registers | Queue
    old_memory: bytes
    change: PagingChange | Structure | None = None

    @initialize(data=st.data(), queued=st.booleans())
    def start(self, data: st.DataObject, queued: bool) -> None:
        self.world = data.draw(legacy_worlds())
        # No other mode has these invalidations (6.5.1, 6.5.2.11).
        self.world.rtaddr &= ~MODE
        place = self.world.image.frame()
        self.pair = Pair(self.world)
        self.unit = Queue(self.pair, place, wide=False) if queued else Registers(self.pair)

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        for ask in data.draw(st.lists(asks(self.world), min_size=2, max_size=6)):
            if self.change is None:
                self.pair.require_agreement(ask)
            else:
                self.pair.require_old_or_new(ask, self.old_memory)

    @precondition(lambda self: self.change is None)
    @rule(data=st.data())
    def change_a_page_table(self, data: st.DataObject) -> None:
        self.old_memory = bytes(self.pair.walker_memory)
        self.change = change_paging(data.draw, self.world, self.pair)

    @precondition(lambda self: self.change is None)
    @rule(data=st.data())
    def change_a_structure(self, data: st.DataObject) -> None:
        self.old_memory = bytes(self.pair.walker_memory)
        number = data.draw(st.integers(0, len(self.world.structures) - 1))
        old = self.world.structures[number]
        entry = redraw_context(data.draw, self.world, old)
        self.pair.put(old.place, entry.to_bytes(16, "little"))
        if old.kind == "context":
            self.world.structures[number] = replace(old, domain_id=entry >> 72 & 0xFFFF)
        self.change = old

    @precondition(lambda self: self.change is not None)
    @rule(data=st.data())
    def invalidate(self, data: st.DataObject) -> None:
        if isinstance(self.change, PagingChange):
            invalidate_pages(data.draw, self.pair, self.unit, self.change)
        elif self.change is not None:
            invalidate_context(data.draw, self.pair, self.unit, self.change)
        self.change = None

    @precondition(lambda self: self.change is not None)
    @rule()
    def set_the_root_pointer_again(self) -> None:
        self.pair.set_root(self.pair.rtaddr)
        self.change = None


TestCachedTranslation = CachedTranslation.TestCase
