"""Register-based invalidation: CCMD, IOTLB and IVA (§6.5.1).

For legacy mode only, and gone with major version 6. Software must not use it while the queue is on;
the model obeys all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.codes import IotlbGranularity, TableMode
from vtd_plugin.encodings.registers import CCMD, IOTLB, IVA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vtd_plugin.bus import Transfer
    from vtd_plugin.iommu.drain import Drains
    from vtd_plugin.iommu.invalidation import Invalidator
    from vtd_plugin.iommu.registers import RegisterFile
    from vtd_plugin.iommu.state import TranslationState

_GONE_WITH_VERSION: Final = 6


class RegisterInvalidation:
    """Obeys invalidation commands written to registers.

    Args:
        state: What the unit translates with.
        registers: The unit's registers.
        invalidator: Does the work.
        drains: Where a command waits for the requests it drains.
    """

    __slots__ = ("_drains", "_invalidator", "_registers", "_state")

    def __init__(
        self,
        state: TranslationState,
        registers: RegisterFile,
        invalidator: Invalidator,
        drains: Drains,
    ) -> None:
        self._state = state
        self._registers = registers
        self._invalidator = invalidator
        self._drains = drains
        registers.on_write(CCMD, "ICC", self._context_command)
        registers.on_write(IOTLB, "IVT", self._iotlb_command)

    @property
    def _available(self) -> bool:
        return (
            self._state.caps.version_major < _GONE_WITH_VERSION
            and self._state.root.TTM == TableMode.LEGACY
        )

    def _context_command(self) -> None:
        command = self._registers.load(CCMD)
        if not command.ICC:
            return
        done = command.CIRG if self._available else 0
        if done:
            self._invalidator.context(done, command.DID, command.SID, command.FM)
        self._registers.update(CCMD, ICC=0, CAIG=done)

    def _iotlb_command(self) -> None:
        command = self._registers.load(IOTLB)
        if not command.IVT:
            return
        done, transfers = self._invalidate_iotlb(command) if self._available else (0, set())
        self._drains.start(
            "IOTLB register invalidation",
            transfers,
            lambda: self._registers.update(IOTLB, IVT=0, IAIG=done),
        )

    def _invalidate_iotlb(self, command: IOTLB) -> tuple[int, Iterable[Transfer]]:
        """Returns the granularity that was done, 0 for none, and what is to be drained."""
        granularity = command.IIRG
        if granularity == IotlbGranularity.GLOBAL:
            return granularity, self._invalidator.iotlb_global()
        if granularity == IotlbGranularity.PAGE:
            target = self._registers.load(IVA)
            if target.AM > self._state.caps.CAP.MAMV:
                return 0, ()
            if self._state.caps.CAP.PSI:
                return granularity, self._invalidator.iotlb_pages(
                    command.DID, target.ADDR_address, target.AM, leaf_only=bool(target.IH)
                )
            granularity = IotlbGranularity.DOMAIN
        if granularity == IotlbGranularity.DOMAIN:
            return granularity, self._invalidator.iotlb_domain(command.DID)
        return 0, ()
