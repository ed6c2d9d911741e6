"""sg_dma behind a VT-d unit, copying between pages that lead anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cocotb.task import bridge

from hdl_bridge.axi import AxiUser
from testbenches.axi_checker import AxiChecker
from testbenches.bench import SLOWEST, TABLE_BYTES, Bench
from testbenches.journal import PAGE, View
from testbenches.master import Master
from testbenches.sg import DESCRIPTOR_BYTES, Copy, SgHost, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hdl_bridge.axi import Latency
    from testbenches.journal import Request
    from vtd_plugin import VtdConfig
    from vtd_plugin.software import Driver, Pending

DEVICE: Final = "00:05.0"
RAM_BYTES: Final = 2 << 20
CHAIN: Final = 0x1_0000
"""Where descriptors are, under every view."""
SOURCE: Final = 0x4_0000
DESTINATION: Final = 0x6_0000
PAGES: Final = 4
"""Of the source and of the destination."""
FRAMES: Final = range(0x8_0000, 0x10_0000, PAGE)
"""Where mapped pages may lie."""
TABLES: Final = 0x10_0000


class Scene(Bench):
    """A platform with a unit and sg_dma, powered up.

    Attributes:
        host: The master's driver.
        checker: Whether the master keeps the rules of AXI.
        beat_bytes: Bytes of a beat.
    """

    def __init__(
        self, master: Master, config: VtdConfig | None, latency: Latency | None, ram_bytes: int
    ) -> None:
        super().__init__(master, DEVICE, ram_bytes, config, user=AxiUser(), latency=latency)
        self._free_frames = self.rng.sample(FRAMES, len(FRAMES))
        self.host = SgHost(master, self.image)
        self.checker = AxiChecker(self.dut)
        self.beat_bytes = int(self.dut.master.BEAT_BYTES.value)

    @classmethod
    async def power_up(
        cls,
        dut: Any,
        config: VtdConfig | None = None,
        *,
        latency: Latency | None = None,
        ram_bytes: int = RAM_BYTES,
    ) -> Scene:
        """Power up.

        Args:
            dut: The top, ``tb_sg_dma`` or ``tb_sg_dma_native``.
            config: What unit there is.
            latency: What an AxiMemory takes.
            ram_bytes: How much memory there is.
        """
        scene = cls(await Master.power_up(dut), config, latency, ram_bytes)
        await scene.master.leave_reset()
        return scene

    def driver(self, number: int = 0, *, use_queue: bool | None = None) -> Driver:
        """Software for the unit; drivers of different numbers have tables of their own."""
        return self.driver_at(TABLES + number * TABLE_BYTES, use_queue=use_queue)

    def random_view(self, name: str) -> View:
        """Source and destination anywhere in unused memory, the chain where it is."""
        iovas = [base + PAGE * number for base in (SOURCE, DESTINATION) for number in range(PAGES)]
        return View(name, {CHAIN: CHAIN, **{iova: self._free_frames.pop() for iova in iovas}})

    def random_copies(self, user: int = 0) -> list[Copy]:
        """One copy out of each page of the source, into one of the destination."""
        copies = []
        for number in range(PAGES):
            offset, room = self.rng.randrange(0, 0x400, 64), 0x400
            length = 512 + self.rng.randrange(room - 512)
            copies.append(
                Copy(
                    SOURCE + number * PAGE + offset,
                    DESTINATION + number * PAGE + self.rng.randrange(0, 0x800, 64),
                    length,
                    user=user,
                )
            )
        return copies

    async def start(self, copies: Sequence[Copy]) -> None:
        """Start the master on copies."""
        places = range(CHAIN, CHAIN + len(copies) * DESCRIPTOR_BYTES, DESCRIPTOR_BYTES)
        self.host.write_chain(copies, places)
        await self.host.start(CHAIN)

    async def finish(self, copies: Sequence[Copy]) -> int:
        """Wait until all copies are done, and check all of memory; how many bytes that were."""
        assert await self.host.wait_idle() == Status.DONE
        moved = self.journal.settle(copies, self.beat_bytes)
        assert moved == sum(copy.length for copy in copies)
        self.checker.require_clean()
        return self.image.check()

    async def run(self, copies: Sequence[Copy] | None = None) -> int:
        """Run copies, by default some at random, and check all of memory."""
        copies = self.random_copies() if copies is None else copies
        await self.start(copies)
        return await self.finish(copies)

    async def until_bursts(self, count: int) -> None:
        """Wait until so many bursts have begun in this run."""
        for _ in range(SLOWEST):
            if len(self.journal.bursts) >= count:
                return
            await self.ticks(1)
        raise AssertionError(f"only {len(self.journal.bursts)} bursts began, not {count}")

    async def until_drained(self, pending: Pending, hold: int, release: Callable[[], None]) -> bool:
        """Watch a command that waits for the transfers in flight; it is done no cycle too early.

        Args:
            pending: The command, just started.
            hold: Clock cycles before the transfers may go on.
            release: Lets them go on.

        Returns:
            Whether there was anything to wait for.
        """
        old = self.in_flight
        for cycle in range(SLOWEST):
            drained = _is_drained(pending, old)
            if cycle == hold:
                release()
            if cycle >= hold and drained:
                break
            await self.ticks(1)
        else:
            raise AssertionError(f"{old} do not end")
        await bridge(pending.finish)()
        return bool(old)

    async def watch_drain(self, pending: Pending, cycles: int) -> None:
        """Watch a command for some clock cycles only, in which it need not be done."""
        old = self.in_flight
        for _ in range(cycles):
            _is_drained(pending, old)
            await self.ticks(1)

    def after_reset(self, copies: Sequence[Copy]) -> int:
        """Check all of memory after a reset in the middle of copies."""
        self.journal.settle(copies, self.beat_bytes)
        assert not self.in_flight
        return self.image.check()


def _is_drained(pending: Pending, old: Sequence[Request]) -> bool:
    """Whether a command is done; it must be if what it waits for has ended, and only then."""
    drained = all(transfer.ended for transfer in old)
    assert pending.done is drained, f"done: {pending.done}, drained: {drained}"
    return drained
