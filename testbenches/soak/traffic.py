"""A master that copies without end, chain after chain, whether these end well or in a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cocotb

from testbenches.address_spaces import user
from testbenches.journal import PAGE
from testbenches.scene import CHAIN
from testbenches.sg import Copy, Status

if TYPE_CHECKING:
    from cocotb.task import Task

    from testbenches.journal import Burst
    from testbenches.scene import Scene
    from testbenches.soak.fault_book import FaultBook
    from testbenches.soak.tables import Tables
    from vtd_plugin.software import Driver

_LONGEST_CHAIN: Final = 6
_HALF: Final = PAGE // 2


class Traffic:
    """Chains of copies at random, between pages of all address spaces.

    Attributes:
        tables: Whose pages.
    """

    def __init__(self, scene: Scene, book: FaultBook, tables: Tables, driver: Driver) -> None:
        """Nothing is copied yet.

        Args:
            scene: Where.
            book: What faults are expected.
            tables: Whose pages.
            driver: Who looks at the faults now and then.
        """
        self.tables = tables
        self._driver = driver
        self._scene = scene
        self._book = book
        self._copies: list[Copy] = []
        self._wanted = False
        self._task: Task[None] | None = None

    def start(self) -> None:
        """Begin to copy."""
        self._wanted = True
        self._task = cocotb.start_soon(self._run())

    async def stop(self) -> None:
        """Let the chain under way come to its end, and start no other."""
        assert self._task is not None
        self._wanted = False
        await self._task

    def cut(self) -> list[Copy]:
        """Leave the chain under way to itself; its copies."""
        assert self._task is not None
        self._task.cancel()
        return self._copies

    async def _run(self) -> None:
        while self._wanted:
            self._copies = self._choose()
            await self._scene.start(self._copies)
            await self._finish(await self._scene.host.wait_idle())

    async def _finish(self, status: Status) -> None:
        """Check all about a chain that has come to its end."""
        scene = self._scene
        bursts = list(scene.journal.bursts)
        blocked = [burst for burst in bursts if not burst.leads_somewhere]
        assert all(burst.transfer.ended for burst in bursts)
        assert status == (Status.ERROR if blocked else Status.DONE)
        if blocked:
            address = await scene.host.error_address()
            assert address in {burst.transfer.iova for burst in blocked}
        assert len(scene.journal.writes()) == sum(map(_brings_data, bursts))
        moved = scene.journal.settle(self._copies, scene.beat_bytes)
        if not blocked:
            assert moved == sum(copy.length for copy in self._copies)
        scene.checker.require_clean()
        scene.image.check()
        if scene.rng.random() < 0.5:
            self._book.check(self._driver)

    def _choose(self) -> list[Copy]:
        """Copies from the lower halves of pages to upper ones, so that none reads what one writes.

        More of them are out of and into pages with something wrong.
        """
        rng, tables = self._scene.rng, self.tables
        places = [(pasid, page) for pasid in tables.pasids for page in tables.pages]
        chosen = rng.sample(places, rng.randint(1, _LONGEST_CHAIN))
        wrong = [place for place in places if place[1] in tables.broken_pages(place[0])]
        if wrong and rng.random() < 0.5:
            place = rng.choice(wrong)
            chosen = [*(each for each in chosen if each != place), place]
            rng.shuffle(chosen)
        if rng.random() < 0.05:
            chosen.append((rng.choice(tables.strangers), rng.choice(tables.pages)))
        return [
            Copy(
                self._source(pasid) + rng.randrange(0, _HALF // 2, 64),
                page + _HALF + rng.randrange(0, _HALF // 2, 64),
                rng.randrange(1, _HALF // 2),
                user=user(pasid),
            )
            for pasid, page in chosen
        ]

    def _source(self, pasid: int | None) -> int:
        rng, pages = self._scene.rng, self.tables.pages
        wrong = [page for page in pages if page in self.tables.broken_pages(pasid)]
        return rng.choice(wrong if wrong and rng.random() < 0.2 else pages)


def _brings_data(burst: Burst) -> bool:
    """Whether it is a read that a write follows: one of data, not blocked."""
    request = burst.transfer
    is_descriptor = request.iova // PAGE * PAGE == CHAIN
    return not request.is_write and not is_descriptor and burst.leads_somewhere
