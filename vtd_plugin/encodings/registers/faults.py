"""Faults: status, event message, fault records (section 11.4.7).

The fields of advanced fault logging are those of revisions before 4.
"""

from __future__ import annotations

from vtd_plugin.encodings._register import Register, ro, ros, rsvdp, rsvdz, rw, rw1cs


class FSTS(Register, offset=0x034, bits=32, section="11.4.7.1"):
    """Fault Status Register."""

    RSVD_31_16: int = rsvdz("u16")
    FRI: int = ros("u8", "valid when PPF=1, undefined else")
    DEP7: int = rsvdz("u1", "was PRO in rev 2.x; moved to PRS.PRO")
    ITE: int = rw1cs("u1", "RsvdZ if DT=0", requires="ECAP.DT")
    ICE: int = rw1cs("u1", "RsvdZ if DT=0", requires="ECAP.DT")
    IQE: int = rw1cs("u1", "RsvdZ if QI=0", requires="ECAP.QI")
    APF: int = rw1cs("u1", "rev<=3.x", requires="CAP.AFL", section="")
    AFO: int = rw1cs("u1", "rev<=3.x", requires="CAP.AFL", section="")
    PPF: int = ros("u1", "OR of all FRCD.F")
    PFO: int = rw1cs("u1")


class FECTL(Register, offset=0x038, bits=32, section="11.4.7.2"):
    """Fault Event Control Register."""

    IM: int = rw("u1", reset="1")
    IP: int = ro("u1", "cleared when sent or when all status fields of FSTS are clear")
    RSVD_29_0: int = rsvdp("u30", "reserved; default is X in the text, but RsvdP reads 0 (11.3)")


class FEDATA(Register, offset=0x03C, bits=32, section="11.4.7.3"):
    """Fault Event Data Register."""

    RSVD_31_16: int = rsvdz("u16")
    IMD: int = rw("u16", "bits 31:16 were EIMD (RW) before rev 3.3; usable data is [8:0]")


class FEADDR(Register, offset=0x040, bits=32, section="11.4.7.4"):
    """Fault Event Address Register."""

    MA: int = rw("u30", address_lsb=2)
    RSVD_1_0: int = rsvdz("u2")
    MA_address: int


class FEUADDR(Register, offset=0x044, bits=32, section="11.4.7.5", requires="ECAP.EIM"):
    """Fault Event Upper Address Register."""

    MUA: int = rw("u32", "may be RsvdZ if EIM=0", address_lsb=32)
    MUA_address: int


class AFLOG(Register, offset=0x058, bits=64, section="", requires="CAP.AFL"):
    """Advanced Fault Log Register; not in revision 5."""

    FLA: int = rw("u52", "removed (Reserved) in rev 5.x", address_lsb=12)
    FLS: int = rw("u3")
    RSVD_8_0: int = rsvdz("u9")
    FLA_address: int


class FRCD(Register, offset="CAP.FRO*16+16*n", name="FRCD[n]", bits=128, section="11.4.7.6"):
    """Fault Recording Register, one of an array."""

    F: int = rw1cs("u1", "n=0..CAP.NFR; all other fields valid only when F=1")
    T1: int = ros(
        "u1",
        "{T1,T2}: 00 write,01 page request,10 read,11 AtomicOp; valid for DMA faults",
        reset="undef",
    )
    AT: int = ros(
        "u2",
        "0 untranslated,1 translation,2 translated; RsvdZ if DT=0",
        reset="undef",
        requires="ECAP.DT",
    )
    PV: int = ros("u20", "valid when PP=1; RsvdZ if PASID=0", reset="undef", requires="ECAP.PASID")
    FR: int = ros("u8", reset="undef")
    PP: int = ros("u1", "RsvdZ if PASID=0", reset="undef", requires="ECAP.PASID")
    EXE: int = ros(
        "u1", "valid for reads with PP=1; RsvdZ if PASID=0", reset="undef", requires="ECAP.PASID"
    )
    PRIV: int = ros("u1", "valid when PP=1; RsvdZ if PASID=0", reset="undef", requires="ECAP.PASID")
    T2: int = ros("u1", reset="undef")
    RSVD_91_80: int = rsvdz("u12")
    SID: int = ros("u16", reset="undef")
    FI: int = ros(
        "u52",
        "page address 63:12 (bits above the largest AGAW 0), or interrupt_index in 63:48 "
        "(47:12 zero; codes 20,25,29,2A,2B undefined)",
        reset="undef",
        address_lsb=12,
    )
    RSVD_11_0: int = rsvdz("u12")
    FI_address: int
