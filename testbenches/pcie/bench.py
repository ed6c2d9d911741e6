"""Two RTL engines on PCIe, each at a root port of its own, and a platform behind these."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, Timer
from cocotbext.pcie.core import RootComplex

from hdl_bridge.pcie import attach
from hdl_bridge.reset import ResetLine
from testbenches.pcie.dma import DmaEngine
from vtd_plugin.bus import Platform
from vtd_plugin.cosim import record
from vtd_plugin.iommu import VtdConfig, VtdUnit

if TYPE_CHECKING:
    from vtd_plugin.bus import RequesterPort

_CLOCK_NS = 4
_RESET_CYCLES = 4
_TLP_CYCLES = 16


async def flush(dut: Any) -> None:
    """Let TLPs leave that an earlier test cut off where it failed: senders have no reset."""
    for name in "ab":
        getattr(dut, f"{name}_rst").value = 1
        getattr(dut, f"{name}_tx_st_ready").value = 1
    clocks = [Clock(getattr(dut, f"{name}_clk"), _CLOCK_NS, unit="ns") for name in "ab"]
    for clock in clocks:
        clock.start()
    await Timer(_TLP_CYCLES * _CLOCK_NS, "ns")
    for clock in clocks:
        clock.stop()


class Bench:
    """A platform with a unit, and two engines before it.

    Attributes:
        rng: What is random.
        slowest: Nanoseconds that no request waits longer for its translation.
        platform: Memory and registers.
        unit: The unit.
        root_complex: The root complex.
        bridge: What is between it and the platform.
        engines: The engines.
        lines: Their resets, which those of the platform pull.
    """

    def __init__(self, dut: Any, ram_bytes: int, config: VtdConfig | None = None) -> None:
        """Put it together; `bring_up` makes it work."""
        self.rng = random.Random(random.getrandbits(32))
        self.slowest = 0
        self.platform = Platform(ram_bytes, load_entry_points=False)
        self.unit = self.platform.add_unit(VtdUnit(config))
        self._recording = record(self.platform, {self.unit: dut.unit})
        self.root_complex = RootComplex()
        self.bridge = attach(self.root_complex, self.platform, latency=self._latency)
        self.engines = [DmaEngine(dut, name) for name in "ab"]
        self._probes = [getattr(dut, f"{name}_probe") for name in "ab"]
        self.lines = [
            self.platform.add_device(ResetLine(f"engine {number}", engine.reset, engine.clock))
            for number, engine in enumerate(self.engines)
        ]

    async def bring_up(self) -> None:
        """Take the engines out of reset, enumerate and enable them."""
        for engine in self.engines:
            self.root_complex.make_port().connect(engine.device)
        await self.ticks(_RESET_CYCLES)
        for engine in self.engines:
            engine.reset.value = 0
        await self.root_complex.enumerate()
        for engine, probe in zip(self.engines, self._probes, strict=True):
            await engine.enable(self.root_complex)
            self._recording.show({engine.source_id: probe})

    async def ticks(self, cycles: int) -> None:
        """Let clock cycles pass."""
        await ClockCycles(self.engines[0].clock, cycles)

    def port(self, number: int) -> RequesterPort:
        """The requester port of an engine."""
        return self.platform.requester(self.engines[number].source_id)

    async def outstanding(self, number: int, count: int) -> None:
        """Wait until an engine has so many requests in flight."""
        while len(self.port(number).in_flight) < count:
            await Timer(20, "ns")

    def _latency(self, tlp: Any) -> int:  # noqa: ARG002 - all are as slow
        return self.rng.randrange(self.slowest) if self.slowest else 0
