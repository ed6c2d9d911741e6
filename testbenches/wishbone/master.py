"""The Wishbone master in RTL (`rtl/wb_master.sv`), as a testbench drives it."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Event, RisingEdge

from hdl_bridge.wishbone import WishboneBus


async def start(dut: Any) -> None:
    """Start the clock, and take the master through its reset."""
    for name in ("command", "give_up", "wb_ack_i", "wb_err_i", "wb_rty_i", "wb_stall_i"):
        getattr(dut, name).value = 0
    dut.rst.value = 1
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)


def is_pipelined(dut: Any) -> bool:
    """In which mode the master of a top is."""
    return bool(int(dut.PIPELINED.value))


def bus_of(dut: Any) -> WishboneBus:
    """The bus of the master; a classic one has no use for STALL."""
    bus = WishboneBus.from_prefix(dut, "wb")
    return bus if is_pipelined(dut) else replace(bus, stall=None)


class Outcome:
    """What an access comes to.

    Attributes:
        word: The bus word that was read.
        is_well: Whether it was acknowledged.
    """

    def __init__(self) -> None:
        self.word = b""
        self.is_well = False
        self._done = Event()

    def set(self, word: bytes, is_well: bool) -> None:
        """Say what it came to."""
        self.word, self.is_well = word, is_well
        self._done.set()

    @property
    def is_there(self) -> bool:
        """Whether there is an outcome yet."""
        return self._done.is_set()

    async def wait(self) -> tuple[bytes, bool]:
        """Wait for it: (the bus word that was read, whether all was well)."""
        await self._done.wait()
        return self.word, self.is_well


class Master:
    """The commands of the RTL master.

    Attributes:
        size: Bytes of a bus word.
        pending: What has no outcome yet, oldest first.
    """

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.size = len(dut.wb_dat_o) // 8
        self.pending: deque[Outcome] = deque()
        cocotb.start_soon(self._watch())

    async def access(
        self, address: int, select: int, data: bytes | None = None
    ) -> tuple[bytes, bool]:
        """Do one: (the bus word that was read, whether all was well)."""
        return await (await self.request(address, select, data)).wait()

    async def request(self, address: int, select: int, data: bytes | None = None) -> Outcome:
        """Begin one, as soon as the master takes it."""
        dut = self._dut
        dut.command.value = 1
        dut.command_write.value = data is not None
        dut.command_address.value = address
        dut.command_data.value = int.from_bytes(data or b"", "little")
        dut.command_select.value = select
        while True:
            await RisingEdge(dut.clk)
            if not int(dut.busy.value):
                break
        dut.command.value = 0
        outcome = Outcome()
        self.pending.append(outcome)
        return outcome

    async def _watch(self) -> None:
        dut = self._dut
        while True:
            await RisingEdge(dut.clk)
            if int(dut.rst.value) or int(dut.give_up.value):
                self.pending.clear()
            elif int(dut.done.value):
                word = int(dut.result.value).to_bytes(self.size, "little")
                self.pending.popleft().set(word, not int(dut.failed.value))
