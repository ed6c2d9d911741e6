"""Event messages of a unit: how it reports faults, finished waits and page requests.

Sections 5.1.6, 6.5.2.10, 7.3 and 7.5. They are programmed alike, each with registers of its own.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

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
    from vtd_plugin.software.mmio import Registers

_UPPER: Final = 1 << 32


class Event(Enum):
    """An event, as the registers that hold its message.

    Attributes:
        control: Masks the event and tells whether one is pending.
        data: The data of the message.
        address: The lower half of its address.
        upper_address: The upper half of its address.
    """

    FAULT = (FECTL, FEDATA, FEADDR, FEUADDR)
    COMPLETION = (IECTL, IEDATA, IEADDR, IEUADDR)
    PAGE_REQUEST = (PECTL, PEDATA, PEADDR, PEUADDR)

    def __init__(
        self,
        control: type[FECTL | IECTL | PECTL],
        data: type[FEDATA | IEDATA | PEDATA],
        address: type[FEADDR | IEADDR | PEADDR],
        upper_address: type[FEUADDR | IEUADDR | PEUADDR],
    ) -> None:
        self.control = control
        self.data = data
        self.address = address
        self.upper_address = upper_address


def program_event(registers: Registers, event: Event, address: int, data: int) -> None:
    """Say where an event is to be reported, and unmask it.

    Args:
        registers: The registers of the unit.
        event: Which one.
        address: Address of the message, usually 0xFEExxxxx; bits above 31 only with ECAP.EIM.
        data: Data of the message, 16 bits.

    Raises:
        ValueError: The address is misaligned or too wide for the unit, or `data` too wide.
    """
    low = address % _UPPER
    has_upper = event.upper_address.present(registers.capabilities)
    if address != low and not has_upper:
        raise ValueError(f"message address {address:#x} has more than the 32 bits of this unit")
    registers.update(event.control, IM=1)
    registers.write(event.data, event.data.pack(IMD=data))
    registers.write(event.address, event.address.pack(MA_address=low))
    if has_upper:
        upper = event.upper_address.pack(MUA_address=address - low)
        registers.write(event.upper_address, upper)
    registers.update(event.control, IM=0)
