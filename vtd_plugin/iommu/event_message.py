"""Event messages: how the unit interrupts software about faults, waits and page requests (§7.3).

Three groups of registers (FE*, IE*, PE*) work the same way: a condition sets the pending bit, and
the message leaves as soon as the mask allows. Event messages are never interrupt-remapped (§5.1.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from vtd_plugin.bus import InterruptMessage
from vtd_plugin.encodings.registers import (
    FEADDR,
    FECTL,
    FEDATA,
    FEUADDR,
    IEADDR,
    IECTL,
    IEDATA,
    IEUADDR,
    PEADDR,
    PECTL,
    PEDATA,
    PEUADDR,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.iommu.registers import RegisterFile

Control: TypeAlias = type[FECTL] | type[IECTL] | type[PECTL]
Data: TypeAlias = type[FEDATA] | type[IEDATA] | type[PEDATA]
Address: TypeAlias = type[FEADDR] | type[IEADDR] | type[PEADDR]
UpperAddress: TypeAlias = type[FEUADDR] | type[IEUADDR] | type[PEUADDR]


class EventMessage:
    """One event interrupt: control, data and address registers, and the way out.

    Args:
        registers: The unit's registers.
        control: The control register, with IM and IP.
        data: The message data register.
        address: The message address register.
        upper_address: The message upper address register.
        deliver: Takes the message to the platform.
    """

    __slots__ = ("_address", "_control", "_data", "_deliver", "_registers", "_upper_address")

    def __init__(
        self,
        registers: RegisterFile,
        control: Control,
        data: Data,
        address: Address,
        upper_address: UpperAddress,
        deliver: Callable[[InterruptMessage], None],
    ) -> None:
        self._registers = registers
        self._control = control
        self._data = data
        self._address = address
        self._upper_address = upper_address
        self._deliver = deliver
        registers.on_write(control, "IM", self._send_if_allowed)

    def raise_(self) -> None:
        """The condition came up: pend, and send unless masked."""
        self._registers.update(self._control, IP=1)
        self._send_if_allowed()

    def withdraw(self) -> None:
        """Software served the condition before the message left."""
        self._registers.update(self._control, IP=0)

    def _send_if_allowed(self) -> None:
        control = self._registers.load(self._control)
        if control.IM or not control.IP:
            return
        self._registers.update(self._control, IP=0)
        address = self._registers.load(self._address).value
        upper = self._registers.load(self._upper_address).value
        data = self._registers.load(self._data).value
        self._deliver(InterruptMessage(address | upper << 32, data, None))
