"""What a unit says of itself, as far as a translation depends on it.

VER, CAP and ECAP (11.4) by bit number. The shifts are written out on purpose: nothing here is
shared with the model that the walker judges.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Caps:
    """The read-only registers of a unit, and the host address width in bits (HAW)."""

    version: int
    cap: int
    ecap: int
    haw: int

    def _cap(self, bit: int) -> bool:
        return bool(self.cap >> bit & 1)

    def _ecap(self, bit: int) -> bool:
        return bool(self.ecap >> bit & 1)

    @property
    def major_version(self) -> int:
        return self.version >> 4 & 0xF

    @property
    def domain_id_bits(self) -> int:
        """CAP.ND: 4 + 2 * ND bits."""
        return 4 + 2 * (self.cap & 0b111)

    @property
    def guest_width(self) -> int:
        """CAP.MGAW holds the width minus one."""
        return (self.cap >> 16 & 0x3F) + 1

    def supports_guest_width(self, aw: int) -> bool:
        """CAP.SAGAW bit 1, 2 or 3 for AW 1, 2 or 3; AW 0 and 4 to 7 name no width."""
        return aw in (1, 2, 3) and self._cap(8 + aw)

    @property
    def zero_length_read(self) -> bool:
        return self._cap(22)

    @property
    def second_stage_2m(self) -> bool:
        return self._cap(34)

    @property
    def second_stage_1g(self) -> bool:
        return self._cap(35)

    @property
    def first_stage_1g(self) -> bool:
        return self._cap(56)

    @property
    def first_stage_5_levels(self) -> bool:
        return self._cap(60)

    @property
    def device_tlb(self) -> bool:
        return self._ecap(2)

    @property
    def pass_through(self) -> bool:
        return self._ecap(6)

    @property
    def snoop_control(self) -> bool:
        return self._ecap(7)

    @property
    def memory_types(self) -> bool:
        return self._ecap(25)

    @property
    def nested(self) -> bool:
        return self._ecap(26)

    @property
    def page_requests(self) -> bool:
        return self._ecap(29)

    @property
    def execute_requests(self) -> bool:
        return self._ecap(30)

    @property
    def supervisor_requests(self) -> bool:
        return self._ecap(31)

    @property
    def no_write_flag(self) -> bool:
        return self._ecap(33)

    @property
    def extended_accessed(self) -> bool:
        return self._ecap(34)

    @property
    def pasid_bits(self) -> int:
        """ECAP.PSS holds the width minus one."""
        return (self.ecap >> 35 & 0x1F) + 1

    @property
    def pasid(self) -> bool:
        return self._ecap(40)

    @property
    def scalable_mode(self) -> bool:
        return self._ecap(43)

    @property
    def second_stage_accessed_dirty(self) -> bool:
        return self._ecap(45)

    @property
    def second_stage(self) -> bool:
        return self._ecap(46)

    @property
    def first_stage(self) -> bool:
        return self._ecap(47)

    @property
    def page_walk_snoop_control(self) -> bool:
        return self._ecap(48)

    @property
    def rid_pasid(self) -> bool:
        return self._ecap(49)

    @property
    def abort_dma(self) -> bool:
        return self._ecap(52)

    @property
    def rid_privileged(self) -> bool:
        return self._ecap(53)

    @property
    def host_permission_table(self) -> bool:
        return self._ecap(55)

    @property
    def pasid_in_translated(self) -> bool:
        return self._ecap(56)

    @property
    def second_stage_io_rights(self) -> bool:
        return self._ecap(57)
