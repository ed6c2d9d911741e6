"""Interrupt messages as they leave for the processors.

An interrupt is a memory write whose address and data name the destination; the fields are those
of the PCI message-signalled interrupt. Processors and their APICs are not modelled: whoever wants
the messages registers a sink with the platform.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InterruptMessage:
    """One interrupt, after any remapping.

    Attributes:
        address: Where the message is written; above bit 31 an extended destination.
        data: The 32-bit data of the message.
        source_id: Who asked for it, or None for a unit's own event.
    """

    address: int
    data: int
    source_id: int | None = None

    @property
    def vector(self) -> int:
        """The vector (data bits 7:0)."""
        return self.data & 0xFF

    @property
    def delivery_mode(self) -> int:
        """The delivery mode (data bits 10:8); 0 is fixed, 1 lowest priority."""
        return self.data >> 8 & 7

    @property
    def level(self) -> int:
        """1: asserted (data bit 14)."""
        return self.data >> 14 & 1

    @property
    def trigger_mode(self) -> int:
        """0: edge, 1: level (data bit 15)."""
        return self.data >> 15 & 1

    @property
    def destination_mode(self) -> int:
        """0: physical, 1: logical (address bit 2)."""
        return self.address >> 2 & 1

    @property
    def redirection_hint(self) -> int:
        """1: any one of the processors named will do (address bit 3)."""
        return self.address >> 3 & 1

    @property
    def destination(self) -> int:
        """The APIC id: bits 7:0 from address bits 19:12, bits 31:8 from address bits 63:40."""
        return self.address >> 12 & 0xFF | self.address >> 40 << 8
