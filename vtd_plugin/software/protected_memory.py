"""Protected memory regions: what firmware keeps DMA out of before there is an operating system.

Section 11.4.8. The regions hold with translation on and off, and are to be opened once tables
decide what devices may reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.encodings.registers import PHMBASE, PHMLIMIT, PLMBASE, PLMLIMIT, PMEN

if TYPE_CHECKING:
    from vtd_plugin.encodings.registers import Register
    from vtd_plugin.software.mmio import Registers


class ProtectedMemory:
    """The protected memory regions of one unit.

    Args:
        registers: The registers of the unit.
    """

    __slots__ = ("_registers",)

    def __init__(self, registers: Registers) -> None:
        self._registers = registers

    @property
    def enabled(self) -> bool:
        """Whether the regions are protected now (PMEN.PRS); False where there are none."""
        there = PMEN.present(self._registers.capabilities)
        return there and bool(self._registers.read(PMEN).PRS)

    def enable(self, low: range | None = None, high: range | None = None) -> None:
        """Keep DMA out of one region or two.

        Args:
            low: Physical addresses of the region below 4 GiB.
            high: Physical addresses of the region that may lie anywhere.

        Raises:
            ValueError: Regions are protected already, the unit has no such region, or a region is
                not aligned as the unit demands.
            Timeout: The unit does not finish.
        """
        if self.enabled:
            raise ValueError("memory is protected already: call disable() first")
        self._program(PLMBASE, PLMLIMIT, low)
        self._program(PHMBASE, PHMLIMIT, high)
        self._set(enabled=True)

    def disable(self) -> None:
        """Let DMA reach all memory again; nothing where the unit has no regions.

        Raises:
            Timeout: The unit does not finish.
        """
        if self.enabled:
            self._set(enabled=False)

    def _set(self, *, enabled: bool) -> None:
        self._registers.update(PMEN, EPM=int(enabled))
        self._registers.pending(PMEN, PRS=int(enabled)).finish()

    def _program(self, base: type[Register], limit: type[Register], region: range | None) -> None:
        if not base.present(self._registers.capabilities):
            if region is not None:
                raise ValueError(f"the unit has no {base.NAME}")
            return
        # How finely a region is cut is told by which bits keep a 1 (section 11.4.8.2).
        self._registers.write(limit, base.mask(*base.FIELDS))
        kept = self._registers.read(limit).value
        step = kept & -kept
        # A limit below the base protects nothing (section 11.4.8.3).
        first, after = (step, step) if region is None else (region.start, region.stop)
        if (first | after) % step or (region is not None and first >= after):
            raise ValueError(f"{first:#x} to {after:#x} is no region in steps of {step:#x}")
        self._registers.write(base, first)
        self._registers.write(limit, after - step)
