"""First-stage paging entries, of five and four levels (section 9.7).

An entry whose PS is 0 points to a table, one whose PS is 1 maps a large page; which of the two
classes to read it with is the choice of the walk.
"""

from __future__ import annotations

from vtd_plugin.encodings._field import field
from vtd_plugin.encodings._layout import Layout


class FsPml5e(Layout, name="FS_PML5E", bits=64, modes="first-stage", section="9.7"):
    """First-stage PML5 entry."""

    IGN_63_52: int = field("u12", "ignored; bit 63 was XD (NXE=1) in rev 3.x")
    ADDR: int = field("u40", "bits 51:HAW reserved when P=1", host_address=True)
    IGN_11: int = field("u1", "ignored")
    EA: int = field("u1", "ignored if EAFE=0")
    IGN_9_8: int = field("u2", "ignored")
    RSVD_7_7: int = field("u1", "reserved")
    IGN_6: int = field("u1", "ignored")
    A: int = field("u1")
    IGN_4_3: int = field("u2", "ignored (PWT,PCD in rev 3.x)")
    US: int = field("u1")
    RW: int = field("u1")
    P: int = field("u1")
    ADDR_address: int


class FsPml4e(Layout, name="FS_PML4E", bits=64, modes="first-stage", section="9.7"):
    """First-stage PML4 entry."""

    IGN_63_52: int = field("u12", "ignored; bit 63 was XD (NXE=1) in rev 3.x")
    ADDR: int = field("u40", "bits 51:HAW reserved when P=1", host_address=True)
    IGN_11: int = field("u1", "ignored")
    EA: int = field("u1", "ignored if EAFE=0")
    IGN_9_8: int = field("u2", "ignored")
    RSVD_7_7: int = field("u1", "reserved")
    IGN_6: int = field("u1", "ignored")
    A: int = field("u1")
    IGN_4_3: int = field("u2", "ignored (PWT,PCD in rev 3.x)")
    US: int = field("u1")
    RW: int = field("u1")
    P: int = field("u1")
    ADDR_address: int


class FsPdpeTable(Layout, name="FS_PDPE_table", bits=64, modes="first-stage", section="9.7"):
    """First-stage page-directory-pointer entry that points to a page directory."""

    IGN_63_52: int = field("u12", "ignored; bit 63 was XD (NXE=1) in rev 3.x")
    ADDR: int = field("u40", "bits 51:HAW reserved when P=1", host_address=True)
    IGN_11: int = field("u1", "ignored")
    EA: int = field("u1", "ignored if EAFE=0")
    IGN_9_8: int = field("u2", "ignored")
    PS: int = field("u1", "0")
    IGN_6: int = field("u1", "ignored")
    A: int = field("u1")
    IGN_4_3: int = field("u2", "ignored")
    US: int = field("u1")
    RW: int = field("u1")
    P: int = field("u1")
    ADDR_address: int


class FsPdeTable(Layout, name="FS_PDE_table", bits=64, modes="first-stage", section="9.7"):
    """First-stage page-directory entry that points to a page table."""

    IGN_63_52: int = field("u12", "ignored; bit 63 was XD (NXE=1) in rev 3.x")
    ADDR: int = field("u40", "bits 51:HAW reserved when P=1", host_address=True)
    IGN_11: int = field("u1", "ignored")
    EA: int = field("u1", "ignored if EAFE=0")
    IGN_9_8: int = field("u2", "ignored")
    PS: int = field("u1", "0")
    IGN_6: int = field("u1", "ignored")
    A: int = field("u1")
    IGN_4_3: int = field("u2", "ignored")
    US: int = field("u1")
    RW: int = field("u1")
    P: int = field("u1")
    ADDR_address: int


class FsPdpe1G(Layout, name="FS_PDPE_1G", bits=64, modes="first-stage", section="9.7"):
    """First-stage page-directory-pointer entry that maps a 1-GiB page."""

    IGN_63_52: int = field("u12", "ignored; bit 63 was XD (NXE=1) in rev 3.x")
    ADDR: int = field("u22", "bits 51:HAW reserved when P=1", host_address=True)
    RSVD_29_13: int = field("u17", "reserved")
    PAT: int = field("u1")
    IGN_11: int = field("u1", "ignored")
    EA: int = field("u1", "ignored if EAFE=0")
    IGN_9: int = field("u1", "ignored")
    G: int = field("u1", "hardware ignores G")
    PS: int = field("u1", "1; reserved(0) if CAP.FS1GP=0", reserved_unless="CAP.FS1GP", fixed=1)
    D: int = field("u1")
    A: int = field("u1")
    PCD: int = field("u1", "memory type if MTS")
    PWT: int = field("u1", "memory type if MTS")
    US: int = field("u1")
    RW: int = field("u1")
    P: int = field("u1")
    ADDR_address: int


class FsPde2M(Layout, name="FS_PDE_2M", bits=64, modes="first-stage", section="9.7"):
    """First-stage page-directory entry that maps a 2-MiB page."""

    IGN_63_52: int = field("u12", "ignored; bit 63 was XD (NXE=1) in rev 3.x")
    ADDR: int = field("u31", "bits 51:HAW reserved when P=1", host_address=True)
    RSVD_20_13: int = field("u8", "reserved")
    PAT: int = field("u1")
    IGN_11: int = field("u1", "ignored")
    EA: int = field("u1", "ignored if EAFE=0")
    IGN_9: int = field("u1", "ignored")
    G: int = field("u1", "hardware ignores G")
    PS: int = field("u1", "1", fixed=1)
    D: int = field("u1")
    A: int = field("u1")
    PCD: int = field("u1", "memory type if MTS")
    PWT: int = field("u1", "memory type if MTS")
    US: int = field("u1")
    RW: int = field("u1")
    P: int = field("u1")
    ADDR_address: int


class FsPte(Layout, name="FS_PTE", bits=64, modes="first-stage", section="9.7"):
    """First-stage page-table entry: maps a 4-KiB page."""

    IGN_63_52: int = field("u12", "ignored; bit 63 was XD (NXE=1) in rev 3.x")
    ADDR: int = field("u40", "bits 51:HAW reserved when P=1", host_address=True)
    IGN_11: int = field("u1", "ignored")
    EA: int = field("u1", "ignored if EAFE=0")
    IGN_9: int = field("u1", "ignored")
    G: int = field("u1", "hardware ignores G")
    PAT: int = field("u1")
    D: int = field("u1")
    A: int = field("u1")
    PCD: int = field("u1", "memory type if MTS")
    PWT: int = field("u1", "memory type if MTS")
    US: int = field("u1")
    RW: int = field("u1")
    P: int = field("u1")
    ADDR_address: int
