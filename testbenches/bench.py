"""What the testbenches with an IOMMU have in common: a DMA master behind a VT-d unit, and software.

Software is a `vtd_plugin.software.Driver` that lets clock cycles pass while it polls. RAM is random
at the start, and what it must hold is known at every moment.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import cocotb
from cocotb.triggers import ClockCycles, ReadOnly

from hdl_bridge.reset import ResetLine
from hdl_bridge.waiting import until
from testbenches.journal import DIRECT, Journal, View
from testbenches.memory_image import MemoryImage, driver_of
from testbenches.memory_side import MemorySide
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.cosim import record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cocotb.task import Task

    from hdl_bridge.axi import Latency
    from testbenches.journal import Request
    from testbenches.master import Master
    from vtd_plugin.bus import InterruptMessage, RequestOptions
    from vtd_plugin.software import Driver

TABLE_BYTES: Final = 0x4_0000
"""Room for the tables of one driver."""
SLOWEST: Final = 4000
"""Clock cycles after which a unit with nothing in flight is taken for dead."""


class Bench:
    """A platform with a unit, and a DMA master in RTL.

    Attributes:
        dut: The top.
        rng: What is random.
        platform: Memory and registers.
        image: The processor, and what memory is to hold.
        memory: Whose channels hold the master back: an AxiRam, an AxiMemory, or the back-pressure
            of a native memory.
        port: The master's port.
        master: The master's registers.
        journal: What its bursts did.
        interrupts: What was delivered.
        reset_line: The master's reset.
    """

    def __init__(
        self,
        master: Master,
        source_id: str,
        ram_bytes: int,
        config: VtdConfig | None = None,
        *,
        direct: View = DIRECT,
        user: Callable[[int], RequestOptions] | None = None,
        latency: Latency | None = None,
    ) -> None:
        """Put a unit in front of a master that is held in reset.

        Args:
            master: The master.
            source_id: Whose requests its bursts are.
            ram_bytes: How much memory there is.
            config: What unit there is.
            direct: Where addresses lead that are not remapped.
            user: What AxUSER says, where there is one.
            latency: What an AxiMemory takes.
        """
        dut = master.dut
        self.dut = dut
        self.rng = random.Random(random.getrandbits(32))
        self.master = master
        self.platform = Platform(ram_bytes, load_entry_points=False)
        self.image = MemoryImage(self.platform, ram_bytes, self.rng)
        unit = self.platform.add_unit(VtdUnit(config))
        record(self.platform, {unit: dut.unit, source_id: dut.probe})
        self.interrupts: list[InterruptMessage] = []
        self.platform.add_interrupt_sink(self.interrupts.append)
        self.reset_line = self.platform.add_device(ResetLine("master", dut.rst, dut.clk))
        self.port = self.platform.requester(source_id)
        self.journal = Journal(self.image, direct)
        self._direct = direct
        self._side = MemorySide(dut, self.port, self.journal, user=user, latency=latency)
        self.memory = self._side.channels

    @property
    def in_flight(self) -> Sequence[Request]:
        """The bursts in flight, oldest first."""
        return self._side.in_flight

    def driver_at(self, tables: int, *, use_queue: bool | None = None) -> Driver:
        """Software for the unit, with its tables from an address on; call it through `bridge`."""
        room = range(tables, tables + TABLE_BYTES)
        wait = until(self.dut.clk.rising_edge)
        return driver_of(self.image, room, wait=wait, poll_limit=SLOWEST, use_queue=use_queue)

    async def ticks(self, cycles: int) -> None:
        """Let clock cycles pass."""
        await ClockCycles(self.dut.clk, cycles)

    async def reset(self, kind: str, order: str, gap: int) -> None:
        """Reset master and unit, with clock cycles between them.

        Raises:
            AssertionError: A byte has moved after the clock edge at which the master was reset.
        """
        if order == "masters-first":
            left = self._reset_master(kind)
            await self.ticks(gap)
        self.journal.view = self._direct
        self.platform.reset_units(kind)
        if order == "units-first":
            await self.ticks(gap)
            left = self._reset_master(kind)
        await self.reset_line.released()
        await self.ticks(2)
        self.image.check_against(await left)

    def _reset_master(self, kind: str) -> Task[bytes]:
        """Reset it now; the task has what RAM holds when all is done that this clock edge does."""
        self.platform.reset_masters(kind)
        return cocotb.start_soon(self._contents_after_this_edge())

    async def _contents_after_this_edge(self) -> bytes:
        await ReadOnly()
        return self.image.contents()
