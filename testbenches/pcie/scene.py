"""The stage of the soak: both engines behind a VT-d unit, and all of RAM expected byte by byte."""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from testbenches.journal import DIRECT, PAGE, Block, View
from testbenches.master import random_pauses
from testbenches.memory_image import MemoryImage, driver_of
from testbenches.pcie.bench import Bench, flush
from testbenches.pcie.dma import PIECE_BYTES
from testbenches.pcie.side import Side
from testbenches.sg import Copy
from vtd_plugin import VtdConfig
from vtd_plugin.bus import ResetKind, Transfer
from vtd_plugin.iommu import CacheSizes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbenches.journal import Request
    from vtd_plugin.bus import InterruptMessage
    from vtd_plugin.software import Driver, Pending

RAM_BYTES: Final = 2 << 20
SOURCE: Final = 0x4_0000
DESTINATION: Final = 0x6_0000
PAGES: Final = 4
"""Of the source and of the destination."""
LONGEST: Final = 0x600
"""Bytes of a copy."""
_FRAMES: Final = range(0x8_0000, 0x10_0000, PAGE)
_TABLES: Final = 0x10_0000
_TABLE_BYTES: Final = 0x4_0000
_CACHES: Final = (
    CacheSizes(),
    CacheSizes(context=1, paging_structure=2, iotlb=3),
    CacheSizes(context=0, paging_structure=0, iotlb=0),
)
_NO_RIGHT: Final = {"read": "LGN.3", "write": "LGN.2"}
"""The conditions of a page without a right, and of one that is not mapped (section 7.1.3)."""
_WITHHELD: Final = 0.1
"""Of the rights to pages."""
_RECOVERY: Final = 200
"""Clock cycles before software touches an engine that was reset: a TLP may still be leaving it."""
_SLOWEST: Final = 20_000
"""Clock cycles after which a unit with nothing in flight is taken for dead."""


class Scene(Bench):
    """Both engines, enumerated, and a unit with large or small caches that does nothing yet.

    Attributes:
        image: The processor, and what memory is to hold.
        sides: The engines, with what is expected of each.
    """

    sides: list[Side]

    def __init__(self, dut: Any) -> None:
        super().__init__(dut, RAM_BYTES, VtdConfig(cache_sizes=random.choice(_CACHES)))
        self.image = MemoryImage(self.platform, RAM_BYTES, self.rng)
        self._free_frames = self.rng.sample(_FRAMES, len(_FRAMES))
        self._message_data = count(0x4000)

    @classmethod
    async def power_up(cls, dut: Any) -> Scene:
        """Power up and enumerate."""
        await flush(dut)
        scene = cls(dut)
        await scene.bring_up()
        scene.sides = [
            Side(engine, scene.port(number), line, scene.image)
            for number, (engine, line) in enumerate(zip(scene.engines, scene.lines, strict=True))
        ]
        scene.bridge.listeners.append(
            lambda tlp, transfer: scene._side(transfer).begin(tlp, transfer)
        )
        scene.platform.add_interrupt_sink(lambda message: scene._side(message).interrupted(message))
        return scene

    def driver(self, number: int, *, use_queue: bool) -> Driver:
        """Software for the unit; drivers of different numbers have tables of their own."""
        tables = _TABLES + number * _TABLE_BYTES
        return driver_of(self.image, range(tables, tables + _TABLE_BYTES), use_queue=use_queue)

    def random_view(self, name: str) -> View:
        """Source and destination anywhere in unused memory, some pages without all rights."""
        iovas = [base + PAGE * number for base in (SOURCE, DESTINATION) for number in range(PAGES)]
        blocks = {
            (iova, kind == "write"): Block(condition)
            for iova in iovas
            for kind, condition in _NO_RIGHT.items()
            if self.rng.random() < _WITHHELD
        }
        return View(name, {iova: self._free_frames.pop() for iova in iovas}, blocks)

    def see(self, views: Mapping[int, View]) -> None:
        """Let addresses lead each engine to places of its own, by its source-id."""
        for side in self.sides:
            side.journal.view = views[side.port.source_id]

    def hold_back(self) -> None:
        """Slow walks, reads answered in pieces, and pauses on the wires, at random."""
        self.slowest = self.rng.choice((0, 200, 1000, 3000))
        self.root_complex.split_on_all_rcb = self.rng.random() < 0.5
        for engine in self.engines:
            for wires in (engine.device.rx_source, engine.device.tx_sink):
                rng = random.Random(self.rng.getrandbits(32))
                wires.set_pause_generator(random_pauses(rng, self.rng.uniform(0, 0.5)))

    def random_copies(self) -> list[Copy]:
        """A copy for each engine, out of the same pages and into the same pages.

        Not into the same bytes: untranslated, these would be the same memory.
        """
        cut = self.rng.randrange(PAGE, (PAGES - 1) * PAGE, 4)
        parts = [(0, cut), (cut, PAGES * PAGE)]
        self.rng.shuffle(parts)
        copies = []
        for low, high in parts:
            length = self.rng.randrange(4, LONGEST, 4)
            offset = self.rng.randrange(0, PAGES * PAGE - length, 4)
            copies.append(
                Copy(
                    SOURCE + offset, DESTINATION + self.rng.randrange(low, high - length, 4), length
                )
            )
        return copies

    async def start(self, copies: Sequence[Copy]) -> None:
        """Start each engine on its copy, some with an interrupt at the end."""
        for side, copy in zip(self.sides, copies, strict=True):
            await side.start(copy, self.rng.choice((None, next(self._message_data))))

    async def finish(self, *sides: Side) -> None:
        """Wait until copies have ended, by default those of both, and check all about them."""
        for side in sides or self.sides:
            status = await side.engine.finish()
            assert not side.port.in_flight, "STATUS came before the writes that it tells of"
            side.finished(status)

    async def abandon(self, *sides: Side) -> None:
        """Let what was on the link at a reset arrive, and check all about what was cut off."""
        for side in sides or self.sides:
            await side.line.released()
            await self.ticks(_RECOVERY)
            status = await side.status()
            await self._landed(side)
            side.abandoned(status)

    async def run(self, copies: Sequence[Copy] | None = None) -> None:
        """A copy by each engine, and all of memory compared."""
        await self.start(self.random_copies() if copies is None else copies)
        await self.finish()
        self.image.check()

    async def some_way_into(self, copies: Sequence[Copy]) -> None:
        """Wait for a random moment after the first requests of both copies, up to their end."""
        pieces = sum(copy.length // PIECE_BYTES for copy in copies)
        wanted = self.rng.randrange(2 * pieces + 1)
        for _ in range(_SLOWEST):
            begun = [len(side.journal.bursts) for side in self.sides]
            if all(begun) and sum(begun) >= wanted:
                break
            await self.ticks(1)
        await self.ticks(self.rng.randrange(40))

    async def until_drained(self, pending: Pending, older: Sequence[Request]) -> None:
        """Watch a command; it is done in the very cycle in which the last older request ended."""
        for _ in range(_SLOWEST):
            drained = all(transfer.ended for transfer in older)
            assert pending.done is drained, f"done: {pending.done}, drained: {drained}"
            if drained:
                break
            await self.ticks(1)
        else:
            raise AssertionError(f"{older} do not end")
        pending.finish()

    async def reset(self, kind: str, order: str, gap: int) -> None:
        """Reset the platform, with clock cycles between its halves."""
        if order == "masters-first":
            self.platform.reset_masters(kind)
            await self.ticks(gap)
        self.platform.reset_units(kind)
        for side in self.sides:
            side.journal.view = DIRECT
            if kind == "cold":
                side.blocked.clear()  # the fault records are gone
        if order == "units-first":
            await self.ticks(gap)
            self.platform.reset_masters(kind)

    def reset_function(self, side: Side) -> None:
        """Reset one engine: what it has in flight is aborted."""
        older = side.port.in_flight
        side.line.reset(ResetKind.FUNCTION)
        side.port.reset()
        assert all(transfer.aborted for transfer in older)
        assert side.port.in_flight == ()

    def check_faults(self, driver: Driver) -> None:
        """What software is told of are the requests that were blocked, and each that has room."""
        lost = driver.fault_overflows
        reports = {
            (report.source_id, report.address, str(report.request), report.name)
            for report in driver.handle_faults()
        }
        blocked = {
            (side.port.source_id, page, kind, _NO_RIGHT[kind])
            for side in self.sides
            for page, kind in side.blocked
        }
        assert reports <= blocked
        assert reports == blocked or driver.fault_overflows > lost
        for side in self.sides:
            side.blocked.clear()

    async def _landed(self, side: Side) -> None:
        """All requests of an engine that have begun are over."""
        for _ in range(_SLOWEST):
            if not side.port.in_flight:
                return
            await self.ticks(1)
        raise AssertionError(f"{side.port.in_flight} do not end")

    def _side(self, what: Transfer | InterruptMessage) -> Side:
        source_id = what.port.source_id if isinstance(what, Transfer) else what.source_id
        (side,) = (side for side in self.sides if side.port.source_id == source_id)
        return side
