"""Resets that RTL and a platform have together.

A `ResetLine` is a device of the platform that pulls the reset of an RTL master when the platform
resets its masters. `reset_platform` resets the halves of a platform with clock cycles in between:
hardware may reset its IOMMU long before or after the masters, and firmware lives in that gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import ClockCycles, Event

from vtd_plugin.bus import ResetKind, ResetOrder

if TYPE_CHECKING:
    from cocotb.task import Task

    from vtd_plugin.bus import Platform


class ResetLine:
    """The reset of an RTL master, as a device: ``platform.add_device(ResetLine(...))``.

    Attributes:
        name: What reports call it.
        kinds: The resets it has had, in order.
    """

    def __init__(
        self, name: str, signal: Any, clock: Any, *, cycles: int = 4, active_level: bool = True
    ) -> None:
        """Take a reset signal; it is not touched before the first reset.

        Args:
            name: What reports call it; unique on its platform.
            signal: The reset input.
            clock: The clock it is synchronous to.
            cycles: Clock cycles for which it is asserted.
            active_level: Whether it is active high.

        Raises:
            ValueError: There are less than one cycle.
        """
        if cycles < 1:
            raise ValueError(f"cycles={cycles}: a reset takes at least one clock cycle")
        self.name = name
        self.kinds: list[ResetKind] = []
        self._signal = signal
        self._clock = clock
        self._cycles = cycles
        self._active = int(active_level)
        self._release: Task[None] | None = None
        self._released = Event()
        self._released.set()

    def reset(self, kind: ResetKind) -> None:
        """Assert the reset now, and release it after some cycles; see `Device.reset`."""
        self.kinds.append(kind)
        self._signal.value = self._active
        self._released.clear()
        if self._release is not None and not self._release.done():
            self._release.cancel()
        self._release = cocotb.start_soon(self._hold())

    async def released(self) -> None:
        """Wait until the reset is not asserted any more."""
        await self._released.wait()

    async def _hold(self) -> None:
        await ClockCycles(self._clock, self._cycles)
        self._signal.value = 1 - self._active
        self._released.set()


async def reset_platform(
    platform: Platform,
    clock: Any,
    kind: ResetKind | str = ResetKind.WARM,
    order: ResetOrder | str = ResetOrder.MASTERS_FIRST,
    *,
    gap: int = 0,
) -> None:
    """Reset a platform with clock cycles between its halves.

    Args:
        platform: The platform.
        clock: The clock to count.
        kind: ``"warm"`` or ``"cold"``.
        order: ``"masters-first"`` or ``"units-first"``.
        gap: Clock cycles between the two.

    Raises:
        ValueError: The kind or the order is no such word, or the gap is negative.
    """
    if gap < 0:
        raise ValueError(f"gap={gap}: there cannot be less than no clock cycles between")
    kind, order = ResetKind(kind), ResetOrder(order)
    halves = [platform.reset_masters, platform.reset_units]
    if order is ResetOrder.UNITS_FIRST:
        halves.reverse()
    halves[0](kind)
    if gap:
        await ClockCycles(clock, gap)
    halves[1](kind)
