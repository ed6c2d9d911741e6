"""Second-stage paging entries, of five, four and three levels (section 9.8).

An entry whose PS is 0 points to a table, one whose PS is 1 maps a large page; which of the two
classes to read it with is the choice of the walk.
"""

from __future__ import annotations

from vtd_plugin.encodings._field import field
from vtd_plugin.encodings._layout import Layout


class SsPml5e(Layout, name="SS_PML5E", bits=64, modes="second-stage", section="9.8"):
    """Second-stage PML5 entry."""

    IGN_63: int = field("u1", "ignored")
    IW: int = field("u1", "rev 5.x, used when SSIRWE=1, else reserved(0)", reserved_unless="SSIRWE")
    IR: int = field("u1", "rev 5.x, used when SSIRWE=1, else ignored")
    IGN_60_52: int = field("u9", "ignored")
    ADDR: int = field("u40", "bits 51:HAW reserved", host_address=True)
    RSVD_11_11: int = field("u1", "reserved")
    IGN_10_9: int = field("u2", "ignored")
    A: int = field("u1", "ignored if SSADE=0 or legacy mode")
    RSVD_7_7: int = field("u1", "reserved")
    IGN_6_2: int = field("u5", "ignored; bit 2 was X (execute) in rev 3.x")
    W: int = field("u1", "used when SSIRWE=0")
    R: int = field("u1", "used when SSIRWE=0")
    ADDR_address: int


class SsPml4e(Layout, name="SS_PML4E", bits=64, modes="second-stage", section="9.8"):
    """Second-stage PML4 entry."""

    IGN_63: int = field("u1", "ignored")
    IW: int = field("u1", "rev 5.x, used when SSIRWE=1, else reserved(0)", reserved_unless="SSIRWE")
    IR: int = field("u1", "rev 5.x, used when SSIRWE=1, else ignored")
    IGN_60_52: int = field("u9", "ignored")
    ADDR: int = field("u40", "bits 51:HAW reserved", host_address=True)
    RSVD_11_11: int = field("u1", "reserved")
    IGN_10_9: int = field("u2", "ignored")
    A: int = field("u1", "ignored if SSADE=0 or legacy mode")
    RSVD_7_7: int = field("u1", "reserved")
    IGN_6_2: int = field("u5", "ignored; bit 2 was X (execute) in rev 3.x")
    W: int = field("u1", "used when SSIRWE=0")
    R: int = field("u1", "used when SSIRWE=0")
    ADDR_address: int


class SsPdpeTable(Layout, name="SS_PDPE_table", bits=64, modes="second-stage", section="9.8"):
    """Second-stage page-directory-pointer entry that points to a page directory."""

    IGN_63: int = field("u1", "ignored")
    IW: int = field("u1", "rev 5.x, used when SSIRWE=1, else reserved(0)", reserved_unless="SSIRWE")
    IR: int = field("u1", "rev 5.x, used when SSIRWE=1, else ignored")
    IGN_60_52: int = field("u9", "ignored")
    ADDR: int = field("u40", "bits 51:HAW reserved", host_address=True)
    RSVD_11_11: int = field("u1", "reserved")
    IGN_10_9: int = field("u2", "ignored")
    A: int = field("u1", "ignored if SSADE=0 or legacy mode")
    PS: int = field("u1", "0")
    IGN_6_2: int = field("u5", "ignored; bit 2 was X (execute) in rev 3.x")
    W: int = field("u1", "used when SSIRWE=0")
    R: int = field("u1", "used when SSIRWE=0")
    ADDR_address: int


class SsPdeTable(Layout, name="SS_PDE_table", bits=64, modes="second-stage", section="9.8"):
    """Second-stage page-directory entry that points to a page table."""

    IGN_63: int = field("u1", "ignored")
    IW: int = field("u1", "rev 5.x, used when SSIRWE=1, else reserved(0)", reserved_unless="SSIRWE")
    IR: int = field("u1", "rev 5.x, used when SSIRWE=1, else ignored")
    IGN_60_52: int = field("u9", "ignored")
    ADDR: int = field("u40", "bits 51:HAW reserved", host_address=True)
    RSVD_11_11: int = field("u1", "reserved")
    IGN_10_9: int = field("u2", "ignored")
    A: int = field("u1", "ignored if SSADE=0 or legacy mode")
    PS: int = field("u1", "0")
    IGN_6_2: int = field("u5", "ignored; bit 2 was X (execute) in rev 3.x")
    W: int = field("u1", "used when SSIRWE=0")
    R: int = field("u1", "used when SSIRWE=0")
    ADDR_address: int


class SsPdpe1G(Layout, name="SS_PDPE_1G", bits=64, modes="second-stage", section="9.8"):
    """Second-stage page-directory-pointer entry that maps a 1-GiB page."""

    IGN_63: int = field("u1", "ignored")
    IW: int = field("u1", "rev 5.x, used when SSIRWE=1, else reserved(0)", reserved_unless="SSIRWE")
    IR: int = field("u1", "rev 5.x, used when SSIRWE=1, else ignored")
    IGN_60_52: int = field("u9", "ignored")
    ADDR: int = field("u22", "bits 51:HAW reserved", host_address=True)
    RSVD_29_12: int = field("u18", "reserved")
    SNP: int = field("u1", "reserved(0) if ECAP.SC=0", reserved_unless="ECAP.SC")
    IGN_10: int = field("u1", "ignored")
    D: int = field("u1", "ignored if SSADE=0 or legacy")
    A: int = field("u1", "ignored if SSADE=0 or legacy mode")
    PS: int = field(
        "u1", "1; reserved(0) if CAP.SSLPS bit1=0", reserved_unless="CAP.SSLPS[1]", fixed=1
    )
    IPAT: int = field("u1", "ignored if EMTE=0 or legacy")
    EMT: int = field("u3", "ignored if EMTE=0 or legacy")
    IGN_2: int = field("u1", "ignored; bit 2 was X (execute) in rev 3.x")
    W: int = field("u1", "used when SSIRWE=0")
    R: int = field("u1", "used when SSIRWE=0")
    ADDR_address: int


class SsPde2M(Layout, name="SS_PDE_2M", bits=64, modes="second-stage", section="9.8"):
    """Second-stage page-directory entry that maps a 2-MiB page."""

    IGN_63: int = field("u1", "ignored")
    IW: int = field("u1", "rev 5.x, used when SSIRWE=1, else reserved(0)", reserved_unless="SSIRWE")
    IR: int = field("u1", "rev 5.x, used when SSIRWE=1, else ignored")
    IGN_60_52: int = field("u9", "ignored")
    ADDR: int = field("u31", "bits 51:HAW reserved", host_address=True)
    RSVD_20_12: int = field("u9", "reserved")
    SNP: int = field("u1", "reserved(0) if ECAP.SC=0", reserved_unless="ECAP.SC")
    IGN_10: int = field("u1", "ignored")
    D: int = field("u1", "ignored if SSADE=0 or legacy")
    A: int = field("u1", "ignored if SSADE=0 or legacy mode")
    PS: int = field(
        "u1", "1; reserved(0) if CAP.SSLPS bit0=0", reserved_unless="CAP.SSLPS[0]", fixed=1
    )
    IPAT: int = field("u1", "ignored if EMTE=0 or legacy")
    EMT: int = field("u3", "ignored if EMTE=0 or legacy")
    IGN_2: int = field("u1", "ignored; bit 2 was X (execute) in rev 3.x")
    W: int = field("u1", "used when SSIRWE=0")
    R: int = field("u1", "used when SSIRWE=0")
    ADDR_address: int


class SsPte(Layout, name="SS_PTE", bits=64, modes="second-stage", section="9.8"):
    """Second-stage page-table entry: maps a 4-KiB page."""

    IGN_63: int = field("u1", "ignored")
    IW: int = field("u1", "rev 5.x, used when SSIRWE=1, else reserved(0)", reserved_unless="SSIRWE")
    IR: int = field("u1", "rev 5.x, used when SSIRWE=1, else ignored")
    IGN_60_52: int = field("u9", "ignored")
    ADDR: int = field("u40", "bits 51:HAW reserved", host_address=True)
    SNP: int = field("u1", "reserved(0) if ECAP.SC=0", reserved_unless="ECAP.SC")
    IGN_10: int = field("u1", "ignored")
    D: int = field("u1", "ignored if SSADE=0 or legacy")
    A: int = field("u1", "ignored if SSADE=0 or legacy mode")
    IGN_7: int = field("u1", "ignored")
    IPAT: int = field("u1", "ignored if EMTE=0 or legacy")
    EMT: int = field("u3", "ignored if EMTE=0 or legacy")
    IGN_2: int = field("u1", "ignored; bit 2 was X (execute) in rev 3.x")
    W: int = field("u1", "used when SSIRWE=0")
    R: int = field("u1", "used when SSIRWE=0")
    ADDR_address: int
