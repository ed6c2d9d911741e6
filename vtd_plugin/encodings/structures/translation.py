"""Root, context and PASID structures: from a requester to the tables that translate for it.

Sections 9.1 to 9.6. What hardware ignores for some types of an entry is for its reader to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.encodings._field import field
from vtd_plugin.encodings._layout import Layout

if TYPE_CHECKING:
    from vtd_plugin.encodings.capabilities import Capabilities


class RootEntry(Layout, name="root_entry", bits=128, modes="legacy", section="9.1"):
    """Root entry of legacy mode: one bus, pointing to its context table."""

    RSVD_127_64: int = field("u64", "reserved")
    CTP: int = field("u52", "bits >=HAW are reserved(0)", host_address=True)
    RSVD_11_1: int = field("u11", "reserved")
    P: int = field("u1", "P=0: all other fields ignored")
    CTP_address: int


class ScalableRootEntry(Layout, name="sm_root_entry", bits=128, modes="scalable", section="9.2"):
    """Root entry of scalable mode: one bus, its lower and upper 16 devices apart."""

    UCTP: int = field(
        "u52", "bits >=HAW are reserved(0) (HAW+64); devices 16-31", host_address=True
    )
    RSVD_75_65: int = field("u11", "reserved")
    UP: int = field("u1", "0: bits 127:65 ignored")
    LCTP: int = field("u52", "bits >=HAW are reserved(0); devices 0-15", host_address=True)
    RSVD_11_1: int = field("u11", "reserved")
    LP: int = field("u1", "0: bits 63:1 ignored")
    UCTP_address: int
    LCTP_address: int


class ContextEntry(Layout, name="context_entry", bits=128, modes="legacy", section="9.3"):
    """Context entry of legacy mode: one function and the second-stage tables it uses."""

    RSVD_127_88: int = field("u40", "reserved")
    DID: int = field(
        "u16", "bits beyond CAP.ND width reserved; 0 not to be used if CM=1", domain_id=True
    )
    RSVD_71_71: int = field("u1", "reserved")
    IGN_70_67: int = field("u4", "ignored")
    AW: int = field(
        "u3",
        "1=39b/3-level,2=48b/4-level,3=57b/5-level; must match SAGAW; software sets the "
        "largest one for TT=2",
    )
    SSPTPTR: int = field("u52", "bits >=HAW are reserved(0); ignored when TT=2", host_address=True)
    RSVD_11_4: int = field("u8", "reserved")
    TT: int = field(
        "u2",
        "0 second-stage, 1 + device-TLB (needs ECAP.DT), 2 pass-through (needs ECAP.PT), "
        "3 reserved",
    )
    FPD: int = field("u1", "evaluated even if P=0")
    P: int = field("u1")
    SSPTPTR_address: int


class ScalableContextEntry(
    Layout, name="sm_context_entry", bits=256, modes="scalable", section="9.4"
):
    """Context entry of scalable mode: one function and its PASID directory."""

    RSVD_255_85: int = field("u171", "reserved")
    RID_PRIV: int = field("u1", "reserved if ECAP.RPRIVS=0", reserved_unless="ECAP.RPRIVS")
    RID_PASID: int = field(
        "u20", "reserved if ECAP.RPS=0 (then PASID 0 used)", reserved_unless="ECAP.RPS"
    )
    PASIDDIRPTR: int = field("u52", "bits >=HAW are reserved(0)", host_address=True)
    PDTS: int = field("u3", "directory has 2^(PDTS+7) entries")
    RSVD_8_7: int = field("u2", "reserved")
    EPTR: int = field("u1", "rev 5.x; reserved if ECAP.PTRS=0", reserved_unless="ECAP.PTRS")
    HPTE: int = field("u1", "rev 5.x; reserved if ECAP.HPTS=0", reserved_unless="ECAP.HPTS")
    PRE: int = field("u1", "reserved if ECAP.PRS=0", reserved_unless="ECAP.PRS")
    PASIDE: int = field("u1", "reserved if ECAP.PASID=0", reserved_unless="ECAP.PASID")
    DTE: int = field("u1", "reserved if ECAP.DT=0", reserved_unless="ECAP.DT")
    FPD: int = field("u1", "evaluated even if P=0")
    P: int = field("u1")
    PASIDDIRPTR_address: int


class PasidDirectoryEntry(Layout, name="pasid_dir_entry", bits=64, modes="scalable", section="9.5"):
    """PASID-directory entry: points to the table of 64 PASIDs."""

    SMPTBLPTR: int = field("u52", "bits >=HAW are reserved(0)", host_address=True)
    RSVD_11_2: int = field("u10", "reserved")
    FPD: int = field("u1", "evaluated even if P=0")
    P: int = field("u1")
    SMPTBLPTR_address: int


class PasidTableEntry(Layout, name="pasid_table_entry", bits=512, modes="scalable", section="9.6"):
    """PASID-table entry: how the requests of one address space are translated."""

    RSVD_511_336: int = field("u176", "reserved")
    HPTDID: int = field(
        "u16",
        "rev 5.x; reserved if HPTS=0; ignored if HPTE=0; bits beyond CAP.ND width reserved",
        reserved_unless="ECAP.HPTS",
        domain_id=True,
    )
    HPTPTR: int = field(
        "u52",
        "rev 5.x; reserved if HPTS=0; ignored if HPTE=0; bits >=HAW are reserved(0) (HAW+256)",
        reserved_unless="ECAP.HPTS",
        host_address=True,
    )
    RSVD_267_259: int = field("u9", "reserved")
    HPTPFD: int = field(
        "u1", "rev 5.x; reserved if HPTS=0; ignored if HPTE=0", reserved_unless="ECAP.HPTS"
    )
    HPTSZ: int = field(
        "u2",
        "rev 5.x; reserved if HPTS=0; ignored if HPTE=0; top address 2^(49+HPTSZ)-1",
        reserved_unless="ECAP.HPTS",
    )
    RSVD_255_192: int = field("u64", "reserved")
    FSPTPTR: int = field(
        "u52",
        "bits >=HAW are reserved(0) (HAW+128); GPA when PGTT=3; reserved if FSTS=0; "
        "ignored for PGTT 2,4",
        reserved_unless="ECAP.FSTS",
        host_address=True,
    )
    RSVD_139_136: int = field("u4", "reserved")
    EAFE: int = field("u1", "reserved if EAFS=0; ignored for PGTT 2,4", reserved_unless="ECAP.EAFS")
    IGN_134_133: int = field("u2", "ignored; were NXE (133) and SMEP (134) in rev 3.x")
    WPE: int = field(
        "u1",
        "reserved if FSTS=0; ignored for PGTT 2,4 and for user requests",
        reserved_unless="ECAP.FSTS",
    )
    FSPM: int = field(
        "u2",
        "0 4-level,1 5-level (needs FS5LP),2 and 3 reserved; reserved if FSTS=0; no "
        "clause ignores it for PGTT 2,4",
        reserved_unless="ECAP.FSTS",
    )
    RSVD_129_129: int = field("u1", "reserved")
    SRE: int = field(
        "u1",
        "reserved if SRS=0; 0: privileged requests (PR=1 or RID_PRIV=1) fault",
        reserved_unless="ECAP.SRS",
    )
    PAT: int = field(
        "u32", "8 x 4-bit, PAi at 4i..4i+2; reserved if MTS=0", reserved_unless="ECAP.MTS"
    )
    RSVD_95_91: int = field("u5", "reserved")
    EMTE: int = field("u1", "reserved if MTS=0; ignored for PGTT 1,4", reserved_unless="ECAP.MTS")
    CD: int = field("u1", "reserved if MTS=0", reserved_unless="ECAP.MTS")
    PGSNP: int = field("u1", "reserved if ECAP.SC=0", reserved_unless="ECAP.SC")
    PWSNP: int = field("u1", "reserved if SMPWCS=0", reserved_unless="ECAP.SMPWCS")
    RSVD_86_80: int = field("u7", "reserved")
    DID: int = field(
        "u16", "bits beyond CAP.ND width reserved; 0 not to be used if CM=1", domain_id=True
    )
    SSPTPTR: int = field(
        "u52",
        "bits >=HAW are reserved(0); reserved if SSTS=0; ignored for PGTT 1,4",
        reserved_unless="ECAP.SSTS",
        host_address=True,
    )
    RSVD_11_10: int = field("u2", "reserved")
    SSADE: int = field(
        "u1",
        "reserved unless ECAP.SSTS and SSADS; ignored for PGTT 1,4; SLADE before rev 4",
        reserved_unless="ECAP.SSTS;ECAP.SSADS",
    )
    PGTT: int = field("u3", "1 first,2 second,3 nested,4 pass-through; others reserved")
    RSVD_5_5: int = field("u1", "reserved")
    AW: int = field(
        "u3",
        "second-stage AGAW, 1=39b,2=48b,3=57b; reserved if ECAP.SSTS=0; ignored for PGTT 1 and 4",
        reserved_unless="ECAP.SSTS",
    )
    FPD: int = field("u1", "evaluated even if P=0")
    P: int = field("u1")
    HPTPTR_address: int
    FSPTPTR_address: int
    SSPTPTR_address: int

    def page_attribute(self, index: int) -> int:
        """The memory type in one entry of PAT (section 3.11.4.2).

        Args:
            index: 0 to 7: 4*PAT + 2*PCD + PWT of the leaf entry.
        """
        return self.PAT >> 4 * index & 0b111


class PasidTableEntryRev3(
    Layout, name="pasid_table_entry_rev3_extra", bits=512, modes="scalable rev3", section=""
):
    """What revision 3 had in the PASID-table entry and later revisions took away.

    The other bits are those of `PasidTableEntry`.
    """

    RSVD_511_135: int = field("u377", "see pasid_table_entry")
    SMEP: int = field("u1", "rev 3.x; ignored in rev 4+")
    NXE: int = field("u1", "rev 3.x; ignored in rev 4+")
    RSVD_132_130: int = field("u3", "see pasid_table_entry")
    ERE: int = field("u1", "rev 3.x; reserved in rev 4+")
    RSVD_128_96: int = field("u33", "see pasid_table_entry")
    PCD: int = field("u1", "rev 3.x; reserved in rev 4+")
    PWT: int = field("u1", "rev 3.x; reserved in rev 4+")
    EMT: int = field("u3", "rev 3.x; reserved in rev 4+")
    RSVD_90_6: int = field("u85", "see pasid_table_entry")
    SLEE: int = field("u1", "rev 3.x execute enable for second stage; reserved in rev 4+")
    RSVD_4_0: int = field("u5", "see pasid_table_entry")

    @classmethod
    def reserved(cls, caps: Capabilities, *, ssirwe: bool = False) -> int:
        """The bits that must be 0 where the fields of revision 3 exist.

        Args:
            caps: What the unit has.
            ssirwe: As for `PasidTableEntry`.
        """
        added = cls.mask("SMEP", "NXE", "ERE", "PCD", "PWT", "EMT", "SLEE")
        return PasidTableEntry.reserved(caps, ssirwe=ssirwe) & ~added
