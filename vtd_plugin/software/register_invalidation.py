"""Invalidation through registers, where a unit has no queue (sections 6.5.1 and 11.4.6).

Registers reach only the context cache and the IOTLB, one command at a time, and need VER.MAX<6 and
legacy mode. What to do comes as descriptors, as for the queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.encodings.registers import CCMD, IOTLB, IVA
from vtd_plugin.encodings.structures import ContextInvalidate, IotlbInvalidate

if TYPE_CHECKING:
    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.mmio import Registers
    from vtd_plugin.software.polling import Pending


class InvalidationRefused(Exception):  # noqa: N818 - the name says what happened
    """The unit reports that it did nothing (CAIG or IAIG is 0)."""


class RegisterInvalidation:
    """Invalidation through CCMD, IVA and IOTLB (section 6.5.1).

    Args:
        registers: The registers of the unit.
    """

    __slots__ = ("_registers",)

    def __init__(self, registers: Registers) -> None:
        self._registers = registers

    @property
    def enabled(self) -> bool:
        """Always True: the registers work without being turned on."""
        return True

    def start(self, *descriptors: Layout) -> Pending:
        """Carry out all invalidations but the last, and begin that one.

        Args:
            *descriptors: At least one; context-cache and IOTLB invalidations only.

        Returns:
            What to wait for.

        Raises:
            ValueError: There is none, or registers cannot do it.
            InvalidationRefused: The unit did nothing.
            Timeout: The unit does not finish.
        """
        if not descriptors:
            raise ValueError("there is no invalidation to start")
        *earlier, last = descriptors
        for descriptor in earlier:
            self._start(descriptor).finish()
        return self._start(last)

    def _start(self, descriptor: Layout) -> Pending:
        if isinstance(descriptor, ContextInvalidate):
            return self._start_context(descriptor)
        if isinstance(descriptor, IotlbInvalidate):
            return self._start_iotlb(descriptor)
        raise ValueError(f"registers cannot do {descriptor!r}: this needs the invalidation queue")

    def _start_context(self, wanted: ContextInvalidate) -> Pending:
        def check(status: CCMD) -> None:
            _check_done(status.CAIG, wanted)

        command = CCMD.pack(ICC=1, CIRG=wanted.G, FM=wanted.FM, SID=wanted.SID, DID=wanted.DID)
        self._registers.write(CCMD, command)
        return self._registers.pending(CCMD, check, ICC=0)

    def _start_iotlb(self, wanted: IotlbInvalidate) -> Pending:
        def check(status: IOTLB) -> None:
            _check_done(status.IAIG, wanted)

        # The address must be there before the command (section 11.4.6.4).
        where = IVA.pack(ADDR_address=wanted.ADDR_address, IH=wanted.IH, AM=wanted.AM)
        self._registers.write(IVA, where)
        command = IOTLB.pack(IVT=1, IIRG=wanted.G, DR=wanted.DR, DW=wanted.DW, DID=wanted.DID)
        self._registers.write(IOTLB, command)
        return self._registers.pending(IOTLB, check, IVT=0)


def _check_done(granularity: int, wanted: Layout) -> None:
    """Raise unless the unit reports at which granularity it has done what was wanted."""
    if not granularity:
        raise InvalidationRefused(f"the unit did not do {wanted!r}")
