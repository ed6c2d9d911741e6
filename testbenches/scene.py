"""The stage of the testbenches with an IOMMU: sg_dma behind a VT-d unit, and software to drive it.

Software is a `vtd_plugin.software.Driver` that lets clock cycles pass while it polls. RAM is random
at the start and compared whole at the end of each run.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiRam

from hdl_bridge.axi import AxiMemory, AxiUser, Latency, attach
from hdl_bridge.native import NativeMemory
from hdl_bridge.reset import ResetLine
from hdl_bridge.stall import StallInput
from testbenches.axi_checker import AxiChecker
from testbenches.journal import DIRECT, PAGE, Journal, View
from testbenches.master import Master
from testbenches.memory_image import MemoryImage
from testbenches.recording import record
from testbenches.sg import DESCRIPTOR_BYTES, Copy, SgHost, Status
from testbenches.wire_bursts import WireBursts
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hdl_bridge.burst_port import BurstPort
    from testbenches.journal import Request
    from vtd_plugin.bus import InterruptMessage
    from vtd_plugin.software import Domain, FirstStageDomain, Pending

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
TABLE_BYTES: Final = 0x4_0000

_SLOWEST: Final = 4000
"""Clock cycles after which a unit with nothing in flight is taken for dead."""

T = TypeVar("T")


class Scene:
    """A platform with a unit and sg_dma, powered up.

    Attributes:
        dut: The top.
        rng: What is random.
        platform: Memory and registers.
        image: The processor, and what memory is to hold.
        memory: The AXI side: an AxiRam with a port behind it, an AxiMemory, or the back-pressure of
            a native memory.
        port: The master's port.
        master: The master's registers.
        host: The master's driver.
        journal: What its bursts did.
        interrupts: What was delivered.
        reset_line: The master's reset.
    """

    def __init__(
        self, master: Master, config: VtdConfig | None, latency: Latency | None, *, stock: bool
    ) -> None:
        dut = master.dut
        self.dut = dut
        self.rng = random.Random(random.getrandbits(32))
        self.master = master
        self.platform = Platform(RAM_BYTES, load_entry_points=False)
        record(self.platform)
        self._free_frames = self.rng.sample(FRAMES, len(FRAMES))
        self.image = MemoryImage(self.platform, RAM_BYTES, self.rng)
        self.platform.add_unit(VtdUnit(config))
        self.interrupts: list[InterruptMessage] = []
        self.platform.add_interrupt_sink(self.interrupts.append)
        self.reset_line = self.platform.add_device(ResetLine("engine", dut.rst, dut.clk))
        self.port = self.platform.requester(DEVICE)
        self.journal = Journal(self.image)
        self.memory: AxiRam | AxiMemory | StallInput
        self._wires: WireBursts | None = None
        if hasattr(dut, "memory"):
            self.memory = self._native()
        else:
            self.memory = self._served_by_python(latency, stock=stock)
        self.host = SgHost(master, self.image)
        self.checker = AxiChecker(dut)
        self.beat_bytes = int(dut.master.BEAT_BYTES.value)

    def _native(self) -> StallInput:
        NativeMemory(self.dut.memory, self.port, user=AxiUser())
        self._wires = WireBursts(self.dut, self.port, self.journal)
        return StallInput(self.dut.stall, self.dut.clk)

    def _served_by_python(self, latency: Latency | None, *, stock: bool) -> AxiRam | AxiMemory:
        dut, port, user = self.dut, self.port, AxiUser()
        bus = AxiBus.from_prefix(dut, "m_axi")
        memory: AxiRam | AxiMemory
        behind: BurstPort
        if stock:
            memory = AxiRam(bus, dut.clk, dut.rst, size=RAM_BYTES)
            behind = attach(memory, port, user=user)
        else:
            memory = behind = AxiMemory(bus, dut.clk, dut.rst, port, user=user, latency=latency)
        behind.listeners.append(lambda transfer: self.journal.begin(transfer).check())
        return memory

    @property
    def in_flight(self) -> Sequence[Request]:
        """The bursts in flight, oldest first; leases that no burst uses are none."""
        return self.port.in_flight if self._wires is None else self._wires.in_flight

    @classmethod
    async def power_up(
        cls,
        dut: Any,
        config: VtdConfig | None = None,
        *,
        stock: bool = True,
        latency: Latency | None = None,
    ) -> Scene:
        """Power up.

        Args:
            dut: The top, ``tb_sg_dma`` or ``tb_sg_dma_native``.
            config: What unit there is.
            stock: Whether memory that Python serves is an AxiRam, or an AxiMemory.
            latency: What the AxiMemory takes.
        """
        scene = cls(await Master.power_up(dut), config, latency, stock=stock)
        await scene.master.leave_reset()
        return scene

    def driver(self, number: int = 0, *, use_queue: bool | None = None) -> Driver:
        """Software for the unit; drivers of different numbers have tables of their own."""
        base = TABLES + number * TABLE_BYTES
        frames = FrameAllocator(base, TABLE_BYTES)
        driver = Driver(
            self.image, frames=frames, wait=self._wait, poll_limit=_SLOWEST, use_queue=use_queue
        )
        if driver.queue is not None:
            # The second frame is what its waits write; the first is the ring.
            self.image.let_unit_write(driver.queue.address + PAGE, 8, 0xFFFF_FFFF)
        return driver

    async def software(self, action: Callable[[], T]) -> T:
        """Run software that may poll; the simulation goes on meanwhile."""
        result: T = await bridge(action)()
        return result

    async def ticks(self, cycles: int) -> None:
        """Let clock cycles pass."""
        await ClockCycles(self.dut.clk, cycles)

    def random_view(self, name: str) -> View:
        """Source and destination anywhere in unused memory, the chain where it is."""
        iovas = [base + PAGE * number for base in (SOURCE, DESTINATION) for number in range(PAGES)]
        return View(name, {CHAIN: CHAIN, **{iova: self._free_frames.pop() for iova in iovas}})

    def map_view(self, domain: Domain | FirstStageDomain, view: View) -> None:
        """Map what a view says."""
        assert view.pages is not None
        for iova, address in view.pages.items():
            domain.map(iova, address, PAGE)

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
        for _ in range(_SLOWEST):
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
        for cycle in range(_SLOWEST):
            drained = all(transfer.ended for transfer in old)
            assert pending.done is drained, f"done: {pending.done}, drained: {drained}"
            if cycle == hold:
                release()
            if cycle >= hold and drained:
                break
            await self.ticks(1)
        else:
            raise AssertionError(f"{old} do not end")
        await self.software(pending.finish)
        return bool(old)

    async def reset(self, kind: str, order: str, gap: int) -> None:
        """Reset master and unit, with clock cycles between them."""
        if order == "masters-first":
            self.platform.reset_masters(kind)
            await self.ticks(gap)
        self.journal.view = DIRECT
        self.platform.reset_units(kind)
        if order == "units-first":
            await self.ticks(gap)
            self.platform.reset_masters(kind)
        await self.reset_line.released()
        await self.ticks(2)

    def after_reset(self, copies: Sequence[Copy]) -> int:
        """Check all of memory after a reset in the middle of copies."""
        self.journal.settle(copies, self.beat_bytes)
        assert not self.in_flight
        return self.image.check()

    def _wait(self) -> None:
        resume(self.ticks)(1)
