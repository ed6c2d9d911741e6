"""Invalidation, by register and by queue (sections 11.4.6 and 11.4.9)."""

from __future__ import annotations

from vtd_plugin.encodings._register import Register, impl, ro, ros, rsvdp, rsvdz, rw, rw1cs, wo


class CCMD(Register, offset=0x028, bits=64, section="11.4.6.1"):
    """Context Command Register."""

    ICC: int = rw("u1", "self-clearing; command on write of top byte with ICC=1")
    CIRG: int = rw("u2", "0 reserved,1 global,2 domain,3 device")
    CAIG: int = impl("u2", "0 error,1 global,2 domain,3 device; no reset value (X)")
    RSVD_58_34: int = rsvdz("u25")
    FM: int = wo("u2", "0 none,1 bit 2,2 bits 2:1,3 bits 2:0; read value undefined")
    SID: int = wo("u16", "read value undefined")
    DID: int = rw("u16", "bits above the CAP.ND width are ignored and may be unimplemented")


class IQH(Register, offset=0x080, bits=64, section="11.4.9.1", requires="ECAP.QI"):
    """Invalidation Queue Head Register."""

    RSVD_63_19: int = rsvdz("u45")
    QH: int = ro("u15", "bit 4 always 0 when DW=1; reset to 0 when QI disabled", address_lsb=4)
    RSVD_3_0: int = rsvdz("u4")
    QH_address: int


class IQT(Register, offset=0x088, bits=64, section="11.4.9.2", requires="ECAP.QI"):
    """Invalidation Queue Tail Register."""

    RSVD_63_19: int = rsvdz("u45")
    QT: int = rw("u15", "bit 4 set with DW=1 -> IQE code 6", address_lsb=4)
    RSVD_3_0: int = rsvdz("u4")
    QT_address: int


class IQA(Register, offset=0x090, bits=64, section="11.4.9.3", requires="ECAP.QI"):
    """Invalidation Queue Address Register."""

    IQA: int = rw(
        "u52",
        "bits >=HAW may be unimplemented; reads back what was last written, also with QIES=0",
        address_lsb=12,
    )
    DW: int = rw("u1", "DW=1 without SMTS and ADMS -> IQE code 5", requires="ECAP.SMTS|ECAP.ADMS")
    RSVD_10_3: int = rsvdz("u8")
    QS: int = rw("u3", "2^QS pages; 2^(QS+8) entries of 128b or 2^(QS+7) of 256b")
    IQA_address: int


class ICS(Register, offset=0x09C, bits=32, section="11.4.9.4", requires="ECAP.QI"):
    """Invalidation Completion Status Register."""

    RSVD_31_1: int = rsvdz("u31")
    IWC: int = rw1cs("u1")


class IECTL(Register, offset=0x0A0, bits=32, section="11.4.9.5", requires="ECAP.QI"):
    """Invalidation Event Control Register."""

    IM: int = rw("u1", reset="1")
    IP: int = ro("u1", "cleared when sent or when ICS.IWC is cleared")
    RSVD_29_0: int = rsvdp("u30", "reserved; default is X in the text, but RsvdP reads 0 (11.3)")


class IEDATA(Register, offset=0x0A4, bits=32, section="11.4.9.6", requires="ECAP.QI"):
    """Invalidation Event Data Register."""

    RSVD_31_16: int = rsvdz("u16")
    IMD: int = rw("u16", "bits 31:16 were EIMD (RW) before rev 3.3; usable data is [8:0]")


class IEADDR(Register, offset=0x0A8, bits=32, section="11.4.9.7", requires="ECAP.QI"):
    """Invalidation Event Address Register."""

    MA: int = rw("u30", address_lsb=2)
    RSVD_1_0: int = rsvdz("u2")
    MA_address: int


class IEUADDR(Register, offset=0x0AC, bits=32, section="11.4.9.8", requires="ECAP.QI;ECAP.EIM"):
    """Invalidation Event Upper Address Register."""

    MUA: int = rw("u32", "may be RsvdZ if EIM=0", address_lsb=32)
    MUA_address: int


class IQERCD(Register, offset=0x0B0, bits=64, section="11.4.9.9", requires="ECAP.QI"):
    """Invalidation Queue Error Record Register."""

    ICESID: int = ros("u16", "valid when ICE=1")
    ITESID: int = ros("u16", "valid when ITE=1")
    RSVD_31_4: int = rsvdz("u28")
    IQEI: int = ros("u4", "valid when FSTS.IQE=1; see iqercd_codes.csv")


class IVA(Register, offset="ECAP.IRO*16+0x0", bits=64, section="11.4.6.4"):
    """Invalidate Address Register."""

    ADDR: int = wo("u52", "read value undefined; bits >=MGAW ignored; write before IOTLB")
    RSVD_11_7: int = rsvdz("u5")
    IH: int = wo("u1", "1: second-stage structure-cache entries may stay; read value undefined")
    AM: int = wo("u6", "low ADDR bits to mask; above MAMV -> IAIG 0; read value undefined")
    ADDR_address: int


class IOTLB(Register, offset="ECAP.IRO*16+0x8", bits=64, section="11.4.6.3"):
    """IOTLB Invalidate Register."""

    IVT: int = rw("u1", "self-clearing; command on write of top byte with IVT=1")
    RSVD_62_62: int = rsvdz("u1")
    IIRG: int = rw("u2", "0 reserved,1 global,2 domain,3 page")
    RSVD_59_59: int = rsvdz("u1")
    IAIG: int = impl("u2", "0 error,1 global,2 domain,3 page; no reset value (X)")
    RSVD_56_50: int = rsvdz("u7")
    DR: int = rw("u1", "ignored if DRD=0", requires="CAP.DRD")
    DW: int = rw("u1", "ignored if DWD=0", requires="CAP.DWD")
    DID: int = rw("u16", "bits above the CAP.ND width may be ignored and unimplemented")
    RSVD_31_0: int = rsvdp("u32", "reserved; default is X in the text, but RsvdP reads 0 (11.3)")
