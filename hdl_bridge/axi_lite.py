"""Registers behind AXI4-Lite: RTL programs what a CPU would.

An AXI4-Lite read has no size, so it reads the whole bus word; a write has one access for each run
of bytes that its strobes select, cut where it is not aligned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cocotbext.axi import AxiLiteSlave

from hdl_bridge._claims import claim
from hdl_bridge.axi.bus import ready_signals
from hdl_bridge.axi.stock import let_errors_escape, take_unknown_data
from hdl_bridge.registers import OutsideRegistersError, RegisterWindow, SlaveTarget

if TYPE_CHECKING:
    from hdl_bridge.registers import RegisterTarget


def attach_registers(
    bus: Any,
    clock: Any,
    target: RegisterTarget,
    reset: Any = None,
    *,
    base: int = 0,
    reset_active_level: bool = True,
) -> AxiLiteSlave:
    """Let an AXI4-Lite master reach registers.

    Args:
        bus: The AxiLiteBus of the master's signals, 32 or 64 bits of data.
        clock: Its clock.
        target: Who has the registers.
        reset: Its reset, if it has one.
        base: The address of offset 0.
        reset_active_level: Whether that reset is active high.

    Returns:
        The slave model. What is outside the registers is answered with SLVERR; whatever else the
        target raises ends the test.

    Raises:
        TypeError: `target` has no registers.
        ValueError: `base` is negative, or somebody answers on the bus already.
    """
    registers = SlaveTarget(RegisterWindow(target, base))
    claim("AxiLiteSlave", *ready_signals(bus.write, bus.read))
    slave = AxiLiteSlave(bus, clock, reset, registers, reset_active_level)
    take_unknown_data(slave.write_if)
    let_errors_escape(slave, OutsideRegistersError)
    return slave
