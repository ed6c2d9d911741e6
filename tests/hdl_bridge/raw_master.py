"""An AXI master that sends whatever burst it is told, which the stock AxiMaster does not.

`write` and `read` take one burst at a time in each direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cocotbext.axi.axi_channels import (
    AxiARSource,
    AxiARTransaction,
    AxiAWSource,
    AxiAWTransaction,
    AxiBSink,
    AxiRSink,
    AxiWSource,
    AxiWTransaction,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from hdl_bridge.bursts import Burst


class RawMaster:
    """`identifier`, `user` and `lock` are AxID, AxUSER and AxLOCK of what it sends."""

    def __init__(self, bus: Any, dut: Any) -> None:
        clock, reset = dut.clk, dut.rst
        self.aw = AxiAWSource(bus.write.aw, clock, reset)
        self.w = AxiWSource(bus.write.w, clock, reset)
        self.b = AxiBSink(bus.write.b, clock, reset)
        self.ar = AxiARSource(bus.read.ar, clock, reset)
        self.r = AxiRSink(bus.read.r, clock, reset)
        self.b.queue_occupancy_limit = 1
        self.r.queue_occupancy_limit = 1
        self.identifier = 3
        self.user = 0
        self.lock = 0
        self.bus_bytes = len(bus.write.w.wdata) // 8

    async def write(self, burst: Burst, words: Sequence[int], strobes: Sequence[int]) -> int:
        """Send a write of whole bus words; its BRESP."""
        await self.send_write(burst, words, strobes)
        return int((await self.b.recv()).bresp)

    async def send_write(self, burst: Burst, words: Sequence[int], strobes: Sequence[int]) -> None:
        """Send a write and do not wait for its response."""
        await self.send_address(burst)
        await self.send_data(words, strobes)

    async def send_data(self, words: Sequence[int], strobes: Sequence[int]) -> None:
        """Send the data of a write alone."""
        for number, (word, strobe) in enumerate(zip(words, strobes, strict=True)):
            last = number == len(words) - 1
            await self.w.send(AxiWTransaction(wdata=word, wstrb=strobe, wlast=last))

    async def read(self, burst: Burst) -> tuple[list[int], list[int]]:
        """Send a read; the bus words, and an RRESP for each."""
        await self.send_read(burst)
        beats = [await self.r.recv() for _ in range(burst.beats)]
        assert [bool(beat.rlast) for beat in beats] == [False] * (burst.beats - 1) + [True]
        return [int(beat.rdata) for beat in beats], [int(beat.rresp) for beat in beats]

    async def send_read(self, burst: Burst) -> None:
        """Send the address of a read and do not wait for its data."""
        await self.ar.send(self._address(AxiARTransaction, "ar", burst))

    async def send_address(self, burst: Burst) -> None:
        """Send the address of a write alone."""
        await self.aw.send(self._address(AxiAWTransaction, "aw", burst))

    def all_strobes(self, burst: Burst) -> list[int]:
        """For each beat, the strobes of all bytes it can touch."""
        strobes = []
        for first, stop in burst.spans():
            lane = first % self.bus_bytes
            strobes.append(((1 << (stop - first)) - 1) << lane)
        return strobes

    def stray_strobes(self, burst: Burst, rng: random.Random) -> list[int]:
        """For each beat, some strobes of bytes that it cannot touch: they count for nothing."""
        every = (1 << self.bus_bytes) - 1
        return [rng.choice((0, every)) & every & ~own for own in self.all_strobes(burst)]

    def _address(self, transaction: Any, prefix: str, burst: Burst) -> Any:
        fields = {
            "id": self.identifier,
            "addr": burst.address,
            "len": burst.beats - 1,
            "size": burst.beat_bytes.bit_length() - 1,
            "burst": int(burst.kind),
            "user": self.user,
            "lock": self.lock,
        }
        return transaction(**{prefix + name: value for name, value in fields.items()})
