"""Registers behind a Wishbone master."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hdl_bridge._lanes import runs_of_ones
from hdl_bridge.registers import RegisterWindow
from hdl_bridge.wishbone.bus import require_bus
from hdl_bridge.wishbone.side import Request, Subordinate

if TYPE_CHECKING:
    from hdl_bridge.registers import RegisterTarget
    from hdl_bridge.wishbone.bus import WishboneBus


class WishboneRegisters(Subordinate):
    """Registers that a Wishbone master reaches; what is outside of them ends with ERR.

    Each run of bytes that SEL selects is one access, cut where it is not aligned. A register is
    read or written when its access is answered.
    """

    def __init__(
        self,
        bus: WishboneBus,
        clock: Any,
        reset: Any,
        target: RegisterTarget,
        *,
        base: int = 0,
        reset_active_level: bool = True,
        address_unit: int = 1,
        latency: int = 0,
        outstanding: int = 16,
    ) -> None:
        """Answer on a bus from now on.

        Args:
            bus: The signals of the master.
            clock: Its clock.
            reset: Its reset, or None.
            target: Who has the registers.
            base: The byte address of offset 0.
            reset_active_level: Whether the reset is active high.
            address_unit: Bytes by which addresses count: 1, or the bytes of the bus where ADR
                lacks its lowest bits.
            latency: Clock cycles between an access and its answer beyond the fewest.
            outstanding: Accesses of a pipelined master that it takes before it answers one.

        Raises:
            TypeError: An argument is something else, or `target` has no registers.
            ValueError: `base`, `address_unit`, `latency` or `outstanding` cannot be, or somebody
                answers on the bus already.
        """
        require_bus(bus, clock, reset, reset_active_level)
        self._window = RegisterWindow(target, base)
        super().__init__(
            bus,
            clock,
            reset,
            reset_active_level=reset_active_level,
            address_unit=address_unit,
            latency=latency,
            outstanding=outstanding,
        )

    def _begin(self, request: Request) -> _RegisterAccess:
        return _RegisterAccess(request, self._window)


class _RegisterAccess:
    """A request to registers, which is done when it is answered and not before."""

    def __init__(self, request: Request, window: RegisterWindow) -> None:
        self._request = request
        self._window = window

    def perform(self) -> tuple[bytes, bool]:
        request, window = self._request, self._window
        word = bytearray(request.size)
        runs = list(runs_of_ones(request.select))
        if not all(window.covers(request.address + position, length) for position, length in runs):
            return bytes(word), False
        for position, length in runs:
            part = slice(position, position + length)
            if request.data is None:
                word[part] = window.read(request.address + position, length)
            else:
                window.write(request.address + position, request.data[part])
        return bytes(word), True

    def end(self) -> None:
        """Nothing was in flight."""

    def abort(self) -> None:
        """Nothing was in flight."""
