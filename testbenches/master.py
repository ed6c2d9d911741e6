"""What every testbench of a DMA master needs: its clock, its reset and its registers.

The memory side of the master is not here: an AxiRam alone, or with a requester port behind it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

CLOCK_NS: Final = 10
RESET_CYCLES: Final = 4
PATIENCE: Final = 50_000
"""Clock cycles that are waited for anything, unless told otherwise."""


class TimedOut(AssertionError):  # noqa: N818 - says what happened
    """What was waited for did not become the case; the message says what, and for how long."""


class Master:
    """A DMA master under test.

    Attributes:
        dut: The top.
        registers: Its AXI4-Lite target.
    """

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)

    @classmethod
    async def power_up(cls, dut: Any) -> Master:
        """Start the clock and hold the reset; `leave_reset` when the memory side is attached."""
        dut.rst.value = 1
        if not hasattr(dut, "memory"):  # a memory inside the top drives these itself
            for name in ("arready", "awready", "wready", "rvalid", "bvalid"):
                getattr(dut, f"m_axi_{name}").value = 0
        Clock(dut.clk, CLOCK_NS, unit="ns", impl="gpi").start()
        # Models that are made before the first edges would sample valid signals that are X.
        await ClockCycles(dut.clk, RESET_CYCLES)
        return cls(dut)

    async def leave_reset(self) -> None:
        """Let go of the reset."""
        self.dut.rst.value = 0
        await ClockCycles(self.dut.clk, 2)

    async def pulse_reset(self) -> None:
        """Reset the master in the middle of whatever it does."""
        self.dut.rst.value = 1
        await ClockCycles(self.dut.clk, RESET_CYCLES)
        await self.leave_reset()

    async def read(self, offset: int) -> int:
        """Read a 32-bit register."""
        return int.from_bytes((await self.registers.read(offset, 4)).data, "little")

    async def write(self, offset: int, value: int) -> None:
        """Write a 32-bit register."""
        await self.registers.write(offset, value.to_bytes(4, "little"))

    async def write_address(self, offset: int, value: int) -> None:
        """Write a 64-bit register as two of 32 bits."""
        await self.write(offset, value & 0xFFFF_FFFF)
        await self.write(offset + 4, value >> 32)

    async def until(
        self, condition: Callable[[], Awaitable[bool]], what: str, cycles: int = PATIENCE
    ) -> None:
        """Let simulated time pass until something is the case.

        Args:
            condition: Asked now and then.
            what: It in words.
            cycles: How long to wait at most.

        Raises:
            TimedOut: It did not become the case.
        """
        step = 20
        for _ in range(0, cycles, step):
            if await condition():
                return
            await ClockCycles(self.dut.clk, step)
        raise TimedOut(f"no {what} within {cycles} cycles")


def random_pauses(rng: random.Random, duty: float) -> Iterator[bool]:
    """Pauses for a channel of cocotbext-axi: for runs of cycles, `duty` of them paused."""
    while True:
        paused = rng.random() < duty
        for _ in range(rng.choice((1, 1, 2, 3, 7))):
            yield paused


def pause_all(slave: Any, rng: random.Random, duty: float = 0.4) -> None:
    """Hold back all five channels of an AXI slave at random."""
    for channel in (
        slave.write_if.aw_channel,
        slave.write_if.w_channel,
        slave.write_if.b_channel,
        slave.read_if.ar_channel,
        slave.read_if.r_channel,
    ):
        generator = random_pauses(random.Random(rng.getrandbits(32)), duty)
        channel.set_pause_generator(generator)
