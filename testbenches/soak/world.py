"""A unit under a soak, and software that does anything to it while a master copies.

Every act is one that an operating system may do at any time: break and mend entries of tables, move
pages, change root tables, turn translation on and off; or a reset, which may overtake one of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cocotb.task import bridge

from testbenches.bench import SLOWEST
from testbenches.cells import ORDERS
from testbenches.cocotb_reset import KINDS, LONGEST_GAP
from testbenches.journal import DIRECT
from testbenches.soak.defects import Defect, Rank, Refusal
from testbenches.soak.traffic import Traffic
from vtd_plugin.bus import ResetDone, ResetKind
from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.encodings.registers import GSTS
from vtd_plugin.software import Command
from vtd_plugin.software.control import Root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbenches.journal import Request
    from testbenches.scene import Scene
    from testbenches.soak.defects import Entry, Forgotten
    from testbenches.soak.fault_book import FaultBook
    from testbenches.soak.tables import Tables
    from vtd_plugin.bus import Event
    from vtd_plugin.software import Pending

_BAD_MODES: Final = {TableMode.RESERVED: "RTA.1.2", TableMode.ABORT: "RTA.4"}
_PAGE_RANKS: Final = (Rank.SECOND_STAGE_BELOW, Rank.LEAF, Rank.LEAF)
_MOST_BROKEN_PAGES: Final = 6
"""At the beginning, in each set of tables."""
_LONGEST_PAUSE: Final = 400
"""Clock cycles between two acts."""
_LONGEST_WAIT: Final = 20
"""Clock cycles that a command is left to wait, at most, before a reset overtakes it."""


class World:
    """A unit with two sets of tables, and a master in front of it that copies without end.

    Attributes:
        scene: The scene.
        traffic: What the master does.
        tables: The tables in use.
    """

    def __init__(self, scene: Scene, tables: Sequence[Tables], book: FaultBook) -> None:
        self.scene = scene
        self.tables, self._others = tables
        self._driver = self.tables.driver
        self._book = book
        self._is_on = False
        self._refused: Refusal | None = None
        self._frames = list((scene.random_view("spare").pages or {}).values())
        scene.journal.listeners.append(book.burst_began)
        scene.platform.add_observer(self._observe)
        for each in tables:
            self._break_pages(each)
        self.traffic = Traffic(scene, book, self.tables, self._driver)

    async def turn_on(self) -> None:
        """Bring the unit up, with the tables in use; the master is idle."""
        await bridge(self._driver.turn_on)(self.tables.driver.root)
        self._is_on = True
        self._refused = None
        self._see()

    async def act(self) -> None:
        """Do one thing at random, and watch it to its end, or until a reset overtakes it."""
        rng = self.scene.rng
        pending, older = self._start()
        if rng.random() < 0.1:
            await self._watch(pending, older, rng.randrange(_LONGEST_WAIT))
            await self.reset()
        else:
            await self._until_drained(pending, older)
        await self.scene.ticks(rng.randrange(1, _LONGEST_PAUSE))

    async def reset(self) -> None:
        """A reset in the middle of copies, and all that must work afterwards."""
        scene, rng = self.scene, self.scene.rng
        kind = rng.choice(KINDS)
        copies = self.traffic.cut()
        await scene.reset(kind, rng.choice(ORDERS), rng.randrange(LONGEST_GAP))
        scene.after_reset(copies)
        assert self._driver.registers.read(GSTS).value == 0
        await scene.run()
        await self.turn_on()
        self.traffic.start()

    async def finish(self) -> None:
        """Mend everything; what was left to do gets done."""
        await self.traffic.stop()
        self._book.check(self._driver)
        for tables in (self.tables, self._others):
            while tables.broken:
                tables.broken.pop().mend()
        await self.turn_on()
        await self.scene.run()
        self._book.check(self._driver)

    def _observe(self, event: Event) -> None:
        """A reset of the unit comes when it comes: bursts may begin until then."""
        if isinstance(event, ResetDone) and event.part == "units":
            if event.kind is ResetKind.COLD:
                self._book.forget()
            self._book.restart()

    def _break_pages(self, tables: Tables) -> None:
        """Break some before the unit has seen them."""
        rng = self.scene.rng
        for _ in range(rng.randint(0, _MOST_BROKEN_PAGES)):
            pages = [each for each in tables.whole_entries() if each.rank <= Rank.LEAF]
            tables.broken.append(Defect(rng.choice(pages), self.scene.image, rng))

    # --- what is done, and which requests in flight it has to wait for

    def _start(self) -> tuple[Pending, list[Request]]:
        rng = self.scene.rng
        if not self._is_on:
            return self._enable()
        if self._refused is not None:
            return self._set_root()
        broken = self.tables.broken
        if any(defect.rank > Rank.LEAF for defect in broken) and rng.random() < 0.5:
            return self._mend()
        acts = [self._break, self._break, self._set_root, self._disable]
        acts += [self._mend] * (len(broken) // 2)
        acts += [self._move] * bool(self._frames)
        return rng.choice(acts)()

    def _enable(self) -> tuple[Pending, list[Request]]:
        older = self._older()
        self._is_on = True
        pending = self._driver.commands.start(Command.TRANSLATION)
        self._see()
        return pending, older

    def _disable(self) -> tuple[Pending, list[Request]]:
        older = self._older()
        self._is_on = False
        pending = self._driver.start_disable()
        self._book.restart()
        self._see()
        return pending, older

    def _set_root(self) -> tuple[Pending, list[Request]]:
        """The other tables, or these with a mode that lets nothing through."""
        older, rng = self._older(), self.scene.rng
        self.tables, self._others = self._others, self.tables
        self.traffic.tables = self.tables
        root = self.tables.driver.root
        self._refused = None
        if rng.random() < 0.2:
            mode = rng.choice(list(_BAD_MODES))
            root = Root(root.address, mode)
            self._refused = Refusal(Rank.TABLE_MODE, _BAD_MODES[mode])
        pending = self._driver.start_set_root(root)
        self._see()
        return pending, older

    def _break(self) -> tuple[Pending, list[Request]]:
        """Most often the entry of a page; else one of any other kind."""
        rng, tables = self.scene.rng, self.tables
        whole = tables.whole_entries()
        ranks = sorted({entry.rank for entry in whole})
        rank = rng.choice(_PAGE_RANKS if rng.random() < 0.6 else ranks)
        entry = rng.choice([each for each in whole if each.rank is rank] or whole)
        tables.broken.append(Defect(entry, self.scene.image, rng))
        return self._tell(entry)

    def _mend(self) -> tuple[Pending, list[Request]]:
        """What is wrong with the most goes first."""
        defect = max(self.tables.broken, key=lambda each: each.rank)
        self.tables.broken.remove(defect)
        defect.mend()
        return self._tell(defect.entry)

    def _move(self) -> tuple[Pending, list[Request]]:
        entry = self.scene.rng.choice([each for each in self.tables.whole_entries() if each.leads])
        self.tables.move(entry, self._frames.pop())
        return self._tell(entry)

    def _tell(self, entry: Entry) -> tuple[Pending, list[Request]]:
        """Let the unit forget what it knows of an entry."""
        forgotten = self.scene.rng.choice(entry.forget)
        older = self._older(forgotten)
        pending = self._driver.start_invalidation(*forgotten.descriptors)
        self._see()
        return pending, older

    def _see(self) -> None:
        self.scene.journal.view = self.tables.view(self._refused) if self._is_on else DIRECT

    def _older(self, forgotten: Forgotten | None = None) -> list[Request]:
        """The bursts in flight that reach memory, all or those that an invalidation is about."""
        return [
            burst.transfer
            for burst in self.scene.journal.bursts
            if not burst.transfer.ended
            and burst.leads_somewhere
            and (forgotten is None or forgotten.covers(burst.place[0], burst.page))
        ]

    # --- watching it

    async def _until_drained(self, pending: Pending, older: Sequence[Request]) -> None:
        """Watch a command; it is done in the very cycle in which the last older burst ended."""
        for _ in range(SLOWEST):
            if _is_drained(pending, older):
                break
            await self.scene.ticks(1)
        else:
            raise AssertionError(f"{older} do not end")
        await bridge(pending.finish)()

    async def _watch(self, pending: Pending, older: Sequence[Request], cycles: int) -> None:
        for _ in range(cycles):
            _is_drained(pending, older)
            await self.scene.ticks(1)


def _is_drained(pending: Pending, older: Sequence[Request]) -> bool:
    drained = all(request.ended for request in older)
    assert pending.done is drained, f"done: {pending.done}, drained: {drained}"
    return drained
