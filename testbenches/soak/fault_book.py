"""What the fault recording registers of a unit must hold, from what the bursts of a master met.

The ring of section 7.2.1: a fault goes into the next register, or is lost when that is in use, and
no further one is recorded before software has seen that.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

from testbenches.journal import PAGE

if TYPE_CHECKING:
    from testbenches.journal import Burst
    from vtd_plugin.software import Driver, FaultReport

_Fault: TypeAlias = tuple[str, str, int, int | None]
"""Condition, kind, page and PASID."""


class FaultBook:
    """The faults of one master, from what its journal tells."""

    def __init__(self, registers: int, *, merge: bool) -> None:
        """Begin with empty records.

        Args:
            registers: How many fault recording registers there are.
            merge: Whether a fault is dropped while another of its source is pending.
        """
        self._count = registers
        self._merge = merge
        self._pending: dict[int, _Fault] = {}
        self._next = 0
        self._overflow = False

    def burst_began(self, burst: Burst) -> None:
        """Take notice of a burst, which may be blocked."""
        block = burst.block
        if block is None or not block.recorded or self._overflow:
            return
        if self._merge and self._pending:
            return
        if self._next in self._pending:
            self._overflow = True
            return
        request = burst.transfer
        kind = "write" if request.is_write else "read"
        page = request.iova // PAGE * PAGE
        self._pending[self._next] = (block.condition, kind, page, request.attributes.pasid)
        self._next = (self._next + 1) % self._count

    def restart(self) -> None:
        """Translation is off: the next fault goes into the first register."""
        self._next = 0

    def forget(self) -> None:
        """A cold reset has cleared the registers."""
        self._pending.clear()
        self._overflow = False

    def check(self, driver: Driver) -> None:
        """Have software read all records, and compare."""
        lost = driver.fault_overflows
        reports = driver.handle_faults()
        expected = Counter(self._pending.values())
        for report in reports:
            fault = self._fault_of(report, expected)
            assert fault is not None, f"{report} is not among {expected}"
            expected[fault] -= 1
        assert not +expected, f"not reported: {+expected}"
        assert driver.fault_overflows - lost == self._overflow
        self.forget()

    @staticmethod
    def _fault_of(report: FaultReport, expected: Counter[_Fault]) -> _Fault | None:
        """Which fault a report is about: several conditions may share its code."""
        assert report.address is not None
        for condition in report.conditions:
            fault = (condition.name, str(report.request), report.address, report.pasid)
            if expected[fault] > 0:
                return fault
        return None
