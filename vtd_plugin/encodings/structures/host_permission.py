"""Entries of the host permission table (section 9.12).

Each 4-bit field of a PP array holds the rights of one page: R in bit 0, W in bit 1.
"""

from __future__ import annotations

from vtd_plugin.encodings._field import field
from vtd_plugin.encodings._layout import Layout


class HptL4e(Layout, name="HPTL4E", bits=128, modes="HPT rev 5.x", section="9.12.1"):
    """Host-permission-table level-4 entry: only points on."""

    IGN_127_116: int = field("u12", "ignored")
    ADDR: int = field("u40", "bits >= HAW+64 reserved; ignored if AV=0", host_address=True)
    RSVD_75_65: int = field("u11", "reserved")
    AV: int = field("u1")
    RSVD_63_0: int = field("u64", "reserved")
    ADDR_address: int


class HptL3e(Layout, name="HPTL3E", bits=128, modes="HPT rev 5.x", section="9.12.2"):
    """Host-permission-table level-3 entry: rights of 8 1-GiB pages, or points on."""

    IGN_127_116: int = field("u12", "ignored")
    ADDR: int = field("u40", "bits >= HAW+64 reserved; ignored if AV=0", host_address=True)
    RSVD_75_65: int = field("u11", "reserved")
    AV: int = field("u1")
    RSVD_63_32: int = field("u32", "reserved")
    PP0_7: int = field(
        "u32",
        "8 x 4-bit (R bit0, W bit1, 3:2 reserved); reserved if HPT1GPS=0",
        reserved_unless="ECAP.HPT1GPS",
        reserved_within=0xCCCC_CCCC,
    )
    ADDR_address: int

    def rights(self, page: int) -> int:
        """The rights of one of the 8 1-GiB pages: R in bit 0, W in bit 1.

        Args:
            page: 0 to 7, the lowest page first.
        """
        return self.PP0_7 >> 4 * page & 0b1111


class HptL2e(Layout, name="HPTL2E", bits=128, modes="HPT rev 5.x", section="9.12.3"):
    """Host-permission-table level-2 entry: rights of 16 2-MiB pages, or points on."""

    IGN_127_116: int = field("u12", "ignored")
    ADDR: int = field("u40", "bits >= HAW+64 reserved; ignored if AV=0", host_address=True)
    RSVD_75_65: int = field("u11", "reserved")
    AV: int = field("u1")
    PP0_15: int = field("u64", "16 x 4-bit", reserved_within=0xCCCC_CCCC_CCCC_CCCC)
    ADDR_address: int

    def rights(self, page: int) -> int:
        """The rights of one of the 16 2-MiB pages: R in bit 0, W in bit 1.

        Args:
            page: 0 to 15, the lowest page first.
        """
        return self.PP0_15 >> 4 * page & 0b1111


class HptL1e(Layout, name="HPTL1E", bits=128, modes="HPT rev 5.x", section="9.12.4"):
    """Host-permission-table level-1 entry: rights of 32 4-KiB pages."""

    PP0_31: int = field(
        "u128", "32 x 4-bit", reserved_within=0xCCCC_CCCC_CCCC_CCCC_CCCC_CCCC_CCCC_CCCC
    )

    def rights(self, page: int) -> int:
        """The rights of one of the 32 4-KiB pages: R in bit 0, W in bit 1.

        Args:
            page: 0 to 31, the lowest page first.
        """
        return self.PP0_31 >> 4 * page & 0b1111
