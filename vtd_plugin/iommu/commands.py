"""Global command and status: the handshakes that turn the unit's functions on and off (§11.4.4).

A write to GCMD presents the whole wanted state; what differs from GSTS is a command. A command
takes effect for new requests at once, and GSTS shows it once the requests that began before it have
drained (§6.5.4). Software changes one bit at a time; where it changes several, pointers are latched
before the functions that use them are turned on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.registers import GCMD, GSTS, RTADDR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vtd_plugin.bus import Transfer
    from vtd_plugin.iommu.drain import Drains
    from vtd_plugin.iommu.faults import FaultLog
    from vtd_plugin.iommu.interrupts import Interrupts
    from vtd_plugin.iommu.queue import InvalidationQueue
    from vtd_plugin.iommu.registers import RegisterFile
    from vtd_plugin.iommu.state import TranslationState
    from vtd_plugin.iommu.switch import StateSwitch

TRANSLATION_ON: Final = "translation on"
TRANSLATION_OFF: Final = "translation off"
ROOT_POINTER: Final = "root table pointer"


class GlobalCommand:
    """Obeys GCMD and keeps GSTS.

    Args:
        registers: The unit's registers.
        state: What the unit translates with.
        switch: The state switch.
        drains: Where commands wait for older requests.
        in_flight: The transfers that began before now.
        queue: The invalidation queue.
        interrupts: The interrupt side.
        faults: The fault log, which starts over when everything is off.
    """

    __slots__ = (
        "_drains",
        "_faults",
        "_in_flight",
        "_interrupts",
        "_queue",
        "_registers",
        "_state",
        "_switch",
    )

    def __init__(
        self,
        registers: RegisterFile,
        state: TranslationState,
        switch: StateSwitch,
        drains: Drains,
        in_flight: Callable[[], Iterable[Transfer]],
        queue: InvalidationQueue,
        interrupts: Interrupts,
        faults: FaultLog,
    ) -> None:
        self._registers = registers
        self._state = state
        self._switch = switch
        self._drains = drains
        self._in_flight = in_flight
        self._queue = queue
        self._interrupts = interrupts
        self._faults = faults
        registers.on_write(GCMD, "TE", self._written)

    def _written(self) -> None:
        command = self._registers.load(GCMD)
        self._registers.store(GCMD(0))
        if command.SRTP:
            self._set_root_pointer()
        if command.SIRTP:
            self._interrupts.latch_table()
            self._registers.update(GSTS, IRTPS=1)
        if command.WBF:
            # Writes of the model are never buffered: the flush is over as soon as it is asked for.
            self._registers.update(GSTS, WBFS=0)
        self._obey_levels(command)
        if not self._state.enabled and not self._registers.load(GSTS).IRES:
            self._faults.restart()

    def _obey_levels(self, command: GCMD) -> None:
        status = self._registers.load(GSTS)
        self._registers.update(GSTS, CFIS=command.CFI)
        if command.QIE != status.QIES:
            self._registers.update(GSTS, QIES=command.QIE)
            self._queue.enable() if command.QIE else self._queue.disable()
        if command.IRE != status.IRES:
            self._registers.update(GSTS, IRES=command.IRE)
            self._interrupts.remapping_changed()
        if self._state.enabled != command.TE:
            self._enable_translation(on=bool(command.TE))

    def _set_root_pointer(self) -> None:
        """SRTP: latch RTADDR; with ESRTPS nothing cached survives it (§6.6)."""
        self._registers.update(GSTS, RTPS=0)
        self._state.latch_root(self._registers.load(RTADDR))
        drop = self._state.caches.clear if self._state.caps.CAP.ESRTPS else None
        self._switch.perform(ROOT_POINTER, drop)
        self._drains.start(
            ROOT_POINTER, self._in_flight(), lambda: self._registers.update(GSTS, RTPS=1)
        )

    def _enable_translation(self, *, on: bool) -> None:
        """TE: with scalable mode, turning off drops all DMA-translation caches (§11.4.4.1)."""
        self._state.enabled = on
        drop = self._state.caches.clear if not on and self._state.caps.ECAP.SMTS else None
        wanted = TRANSLATION_ON if on else TRANSLATION_OFF
        opposite = TRANSLATION_OFF if on else TRANSLATION_ON
        self._switch.perform(wanted, drop)
        self._drains.cancel(opposite)
        self._drains.start(
            wanted, self._in_flight(), lambda: self._registers.update(GSTS, TES=int(on))
        )
