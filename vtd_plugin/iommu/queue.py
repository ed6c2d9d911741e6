"""The invalidation queue: descriptors in memory, fetched and obeyed in order (§6.5.2).

A descriptor is verified whole before the head moves past it; at an error the head stays where it is
and the queue stops until software clears the error. Invalidations act at once; waits may hold back
what comes after them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.codes import QueueError, TableMode
from vtd_plugin.encodings.registers import FSTS, GSTS, IQA, IQERCD, IQH, IQT
from vtd_plugin.iommu.descriptors import NARROW_BYTES, WIDE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.iommu.descriptors import Descriptors
    from vtd_plugin.iommu.faults import FaultLog
    from vtd_plugin.iommu.registers import RegisterFile
    from vtd_plugin.iommu.state import TranslationState
    from vtd_plugin.iommu.waits import InvalidationWaits

_PAGE_BYTES: Final = 4096


class InvalidationQueue:
    """Fetches descriptors and has them obeyed.

    Args:
        state: What the unit translates with.
        registers: The unit's registers.
        faults: Where queue errors are reported.
        descriptors: Who obeys.
        waits: Whose fences hold descriptors back.
        stopped: Told of an error, with the code and the head.
    """

    __slots__ = (
        "_descriptors",
        "_faults",
        "_registers",
        "_running",
        "_state",
        "_stopped",
        "_waits",
        "_wide_allowed",
    )

    def __init__(
        self,
        state: TranslationState,
        registers: RegisterFile,
        faults: FaultLog,
        descriptors: Descriptors,
        waits: InvalidationWaits,
        stopped: Callable[[QueueError, int], None],
    ) -> None:
        self._state = state
        self._registers = registers
        self._faults = faults
        self._descriptors = descriptors
        self._waits = waits
        self._stopped = stopped
        self._wide_allowed = bool(state.caps.ECAP.SMTS or state.caps.ECAP.ADMS)
        self._running = False
        waits.resume = self.run
        registers.on_write(IQT, "QT", self.run)
        faults.on_status_written(self.run)

    # --- on and off

    def enable(self) -> None:
        """QIE was set: begin at the head."""
        self.run()

    def disable(self) -> None:
        """QIE was cleared: the head returns to 0 (§6.5.2)."""
        self._registers.store(IQH(0))
        self._waits.lift_fence()

    # --- fetching

    def run(self) -> None:
        """Obey descriptors until the queue is empty, held back, or stopped by an error."""
        if self._running:
            return
        self._running = True
        try:
            while self._step():
                pass
        finally:
            self._running = False

    def _step(self) -> bool:
        head, tail = self._registers.load(IQH).value, self._registers.load(IQT).value
        status = self._registers.load(FSTS)
        enabled = self._registers.load(GSTS).QIES
        if not enabled or self._waits.hold_back or status.IQE or status.ITE or head == tail:
            return False
        error = self._check_queue(head, tail) or self._obey(head)
        if error is not None:
            self._stop(error, head)
            return False
        setup = self._registers.load(IQA)
        width = WIDE_BYTES if setup.DW else NARROW_BYTES
        self._registers.store(IQH((head + width) % (_PAGE_BYTES << setup.QS)))
        return True

    def _check_queue(self, head: int, tail: int) -> QueueError | None:
        """Errors of the queue's set-up, whatever the descriptors (§6.5.2.11)."""
        setup = self._registers.load(IQA)
        caps, mode = self._state.caps, self._state.root.TTM
        if (
            mode == TableMode.RESERVED
            or (mode == TableMode.SCALABLE and not caps.ECAP.SMTS)
            or (mode == TableMode.ABORT and not caps.ECAP.ADMS)
        ):
            return QueueError.BAD_TTM
        if setup.DW and not self._wide_allowed:
            return QueueError.BAD_WIDTH
        if not setup.DW and mode != TableMode.LEGACY:
            return QueueError.BAD_WIDTH
        if setup.DW and (tail | head) % WIDE_BYTES:
            return QueueError.TAIL_MISALIGNED
        if max(head, tail) >= _PAGE_BYTES << setup.QS:
            return QueueError.BAD_TAIL
        return None

    def _obey(self, head: int) -> QueueError | None:
        setup = self._registers.load(IQA)
        width = WIDE_BYTES if setup.DW else NARROW_BYTES
        descriptor = self._state.memory.read_int(setup.IQA_address + head, width)
        if descriptor is None:
            return QueueError.FETCH_ERROR
        return self._descriptors.obey(descriptor)

    def _stop(self, error: QueueError, head: int) -> None:
        self._registers.update(IQERCD, IQEI=error)
        self._faults.report(IQE=1)
        self._stopped(error, head)
