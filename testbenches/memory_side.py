"""What answers the bursts of a DMA master through its port: one of the memories that there are.

The environment of a simulation says which; `testbenches.setups` sets it.
"""

from __future__ import annotations

import os
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from cocotbext.axi import AxiBus, AxiRam

from hdl_bridge.axi import AxiMemory, Latency, attach
from hdl_bridge.native import NativeMemory
from hdl_bridge.stall import StallInput
from testbenches.wire_bursts import WireBursts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hdl_bridge.burst_port import BurstPort
    from testbenches.journal import Journal, Request
    from vtd_plugin import RequesterPort
    from vtd_plugin.bus import RequestOptions

MEMORY: Final = "VTD_MEMORY"
"""The environment variable that names the memory of a simulation."""


class Memory(StrEnum):
    """What is between a master and its port."""

    AXI_RAM = "AxiRam"
    """An AxiRam of cocotbext-axi with the port behind it."""
    AXI_MEMORY = "AxiMemory"
    NATIVE_MEMORY = "NativeMemory"
    """In the top itself, as `memory`."""

    @classmethod
    def of_this_simulation(cls) -> Memory:
        """The one that the environment names."""
        return cls(os.environ[MEMORY])


SERVED_BY_PYTHON: Final = (Memory.AXI_RAM, Memory.AXI_MEMORY)

_UNUSED_BYTES: Final = 4096
"""Of an AxiRam's own memory, in whose place the port is."""


class MemorySide:
    """The memory of this simulation on ``m_axi_*``, with a port behind it.

    A journal is told of every burst, and checks that it is blocked if it must be, and only then.

    Attributes:
        channels: Whose channels can be held back: `write_if` and `read_if`, as those of an AxiRam.
    """

    def __init__(
        self,
        dut: Any,
        port: RequesterPort,
        journal: Journal,
        *,
        user: Callable[[int], RequestOptions] | None = None,
        latency: Latency | None = None,
    ) -> None:
        """Answer from now on.

        Args:
            dut: The top.
            port: Whose requests the bursts are.
            journal: Who is told of them.
            user: What AxUSER says, where there is one.
            latency: What an AxiMemory takes; the others cannot be told.
        """
        self._port = port
        self._wires: WireBursts | None = None
        self.channels: AxiRam | AxiMemory | StallInput
        memory = Memory.of_this_simulation()
        if memory is Memory.NATIVE_MEMORY:
            native = NativeMemory(dut.memory, port, user=user)
            self._wires = WireBursts(dut, port, journal, user, native)
            self.channels = StallInput(dut.stall, dut.clk)
            return
        bus = AxiBus.from_prefix(dut, "m_axi")
        behind: BurstPort
        if memory is Memory.AXI_RAM:
            self.channels = AxiRam(bus, dut.clk, dut.rst, size=_UNUSED_BYTES)
            behind = attach(self.channels, port, user=user)
        else:
            behind = AxiMemory(bus, dut.clk, dut.rst, port, user=user, latency=latency)
            self.channels = behind
        behind.listeners.append(lambda transfer: journal.begin(transfer).check())

    @property
    def in_flight(self) -> Sequence[Request]:
        """The bursts in flight, oldest first; leases that no burst uses are none."""
        return self._port.in_flight if self._wires is None else self._wires.in_flight
