"""Memories that misbehave as memory may: for testing masters alone, without a bus behind.

They stand behind an AxiSlave of cocotbext-axi, or directly on the read channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi.axi_channels import AxiARSink, AxiRSource

if TYPE_CHECKING:
    import random


class FaultyMemory:
    """Memory some ranges of which answer with an error; the target of an AxiSlave.

    Attributes:
        data: The bytes, from address 0.
        bad: Ranges whose beats are answered with SLVERR.
    """

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)
        self.bad: list[range] = []

    async def read(self, address: int, length: int) -> bytes:
        """Read a beat."""
        self._require_good(address, length)
        return bytes(self.data[address : address + length])

    async def write(self, address: int, data: bytes) -> None:
        """Write a beat, or the part of it that the strobes select."""
        self._require_good(address, len(data))
        self.data[address : address + len(data)] = data

    def _require_good(self, address: int, length: int) -> None:
        for bad in self.bad:
            if address < bad.stop and bad.start < address + length:
                raise OSError(f"{length} bytes at {address:#x} answer with an error")


class ShufflingReads:
    """The read side of a memory whose bursts come back out of order and interleaved.

    Beats of one identifier keep their order, as AXI asks; nothing else is kept.
    """

    def __init__(self, bus: Any, dut: Any, memory: bytearray, rng: random.Random) -> None:
        self._dut = dut
        self._memory = memory
        self._rng = rng
        self._addresses = AxiARSink(bus.ar, dut.clk, dut.rst)
        self._data = AxiRSource(bus.r, dut.clk, dut.rst)
        self._data.queue_occupancy_limit = 2
        self._beats: dict[int, list[Any]] = {}
        self.most_waiting = 0
        cocotb.start_soon(self._serve())

    async def _serve(self) -> None:
        while True:
            await RisingEdge(self._dut.clk)
            while not self._addresses.empty():
                self._accept(self._addresses.recv_nowait())
            self.most_waiting = max(self.most_waiting, len(self._beats))
            # Hold back now and then, so that several identifiers wait to be chosen among.
            if self._beats and self._rng.random() < 0.6:
                identifier = self._rng.choice(list(self._beats))
                await self._data.send(self._beats[identifier].pop(0))
                if not self._beats[identifier]:
                    del self._beats[identifier]

    def _accept(self, burst: Any) -> None:
        identifier, address, size = int(burst.arid), int(burst.araddr), 1 << int(burst.arsize)
        count = int(burst.arlen) + 1
        waiting = self._beats.setdefault(identifier, [])
        for number in range(count):
            beat = self._data._transaction_obj()  # noqa: SLF001 - as the models do themselves
            start = address + number * size
            beat.rid = identifier
            beat.rdata = int.from_bytes(self._memory[start : start + size], "little")
            beat.rresp = 0
            beat.rlast = number == count - 1
            waiting.append(beat)
