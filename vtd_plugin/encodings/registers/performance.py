"""Performance monitoring (section 11.4.13)."""

# ruff: noqa: N801 - the architecture spells its registers so

from __future__ import annotations

from vtd_plugin.encodings._register import Register, impl, ro, rsvdp, rsvdz, rw, rw1c, rwl, rwlv, wo


class PERFCAP(Register, offset=0x300, bits=64, section="11.4.13.2", requires="ECAP.PMS"):
    """Performance Monitoring Capability Register."""

    RSVD_63_55: int = rsvdz(
        "u9",
        "reserved; spec shows bits 63:60 reserved with default Fh; model as 0 unless "
        "modelling real parts",
    )
    CS: int = impl("u3", "stride 2^(CS+10) bytes")
    PCCS: int = impl("u1")
    IOS: int = impl("u1")
    GFS: int = impl("u1")
    CWE: int = impl("u1")
    RSVD_47_37: int = rsvdz("u11")
    PTLFS: int = impl("u1")
    ATFS: int = impl("u1")
    PASIDFS: int = impl("u1")
    DIDFS: int = impl("u1")
    RIDFS: int = impl("u1")
    RSVD_31_29: int = rsvdz("u3")
    EGCNT: int = impl("u5")
    RSVD_23_23: int = rsvdz("u1")
    CW: int = impl("u7")
    NCNTR: int = impl("u16")


class PERFCFGOFF(Register, offset=0x310, bits=32, section="11.4.13.3", requires="ECAP.PMS"):
    """Where the configuration registers of the counters begin."""

    CFGO: int = impl("u32", "256-byte aligned")


class PERFFRZOFF(Register, offset=0x314, bits=32, section="11.4.13.4", requires="ECAP.PMS"):
    """Where the freeze registers begin."""

    FZO: int = impl("u32", "8-byte aligned")


class PERFOVFOFF(Register, offset=0x318, bits=32, section="11.4.13.5", requires="ECAP.PMS"):
    """Where the overflow registers begin."""

    OFO: int = impl("u32", "8-byte aligned")


class PERFCNTROFF(Register, offset=0x31C, bits=32, section="11.4.13.6", requires="ECAP.PMS"):
    """Where the counters begin."""

    CNTO: int = impl("u32", "stride aligned")


class PERFINTRSTS(Register, offset=0x324, bits=32, section="11.4.13.7", requires="ECAP.PMS"):
    """Performance Monitoring Interrupt Status Register."""

    RSVD_31_1: int = rsvdz("u31")
    PIS: int = rw1c("u1")


class PERFINTRCTL(Register, offset=0x328, bits=32, section="11.4.13.8", requires="ECAP.PMS"):
    """Performance Monitoring Interrupt Control Register."""

    IM: int = rw("u1", reset="1")
    IP: int = ro("u1", "cleared when sent or when PIS is cleared")
    RSVD_29_0: int = rsvdp("u30", "reserved; default is X in the text, but RsvdP reads 0 (11.3)")


class PERFINTRDATA(Register, offset=0x32C, bits=32, section="11.4.13.9", requires="ECAP.PMS"):
    """Performance Monitoring Interrupt Data Register."""

    RSVD_31_16: int = rsvdz("u16")
    IMD: int = rw("u16", "bits 31:16 were EIMD (RW) before rev 3.3; usable data is [8:0]")


class PERFINTRADDR(Register, offset=0x330, bits=32, section="11.4.13.10", requires="ECAP.PMS"):
    """Performance Monitoring Interrupt Address Register."""

    MA: int = rw("u30", address_lsb=2)
    RSVD_1_0: int = rsvdz("u2")
    MA_address: int


class PERFINTRUADDR(
    Register, offset=0x334, bits=32, section="11.4.13.11", requires="ECAP.PMS;ECAP.EIM"
):
    """Performance Monitoring Interrupt Upper Address Register."""

    MUA: int = rw("u32", "may be RsvdZ if EIM=0", address_lsb=32)
    MUA_address: int


class PERFEVNTCAP(
    Register,
    offset="0x380+8*g",
    name="PERFEVNTCAP[g]",
    bits=64,
    section="11.4.13.14",
    requires="ECAP.PMS",
):
    """Event capability of an event group."""

    RSVD_63_28: int = rsvdz("u36", "reserved; g < PERFCAP.EGCNT, up to 0x3FF")
    ES: int = impl("u28")


class PERFFRZSTS(
    Register,
    offset="PERFFRZOFF+8*m",
    name="PERFFRZSTS[m]",
    bits=64,
    section="11.4.13.12",
    requires="ECAP.PMS",
):
    """Freeze status of 64 counters."""

    FS: int = ro("u64")


class PERFOVFSTS(
    Register,
    offset="PERFOVFOFF+8*m",
    name="PERFOVFSTS[m]",
    bits=64,
    section="11.4.13.13",
    requires="ECAP.PMS",
):
    """Overflow status of 64 counters."""

    OS: int = rw1c("u64")


class PERFCNTRCFG(
    Register,
    offset="PERFCFGOFF+0x100*c+0x00",
    name="PERFCNTRCFG[c]",
    bits=64,
    section="11.4.13.15",
    requires="ECAP.PMS",
):
    """Configuration of a counter."""

    RSVD_63_60: int = rsvdz("u4", "reserved; RWL fields lock while EN=1")
    ES: int = rwl("u28")
    RSVD_31_12: int = rsvdz("u20")
    EGI: int = rwl("u4")
    RSVD_7_3: int = rsvdz("u5")
    GFO: int = rwl("u1", "reserved if not supported for the counter", requires="PERFCAP.GFS")
    IO: int = rwl("u1", "reserved if not supported for the counter", requires="PERFCAP.IOS")
    EN: int = ro("u1", "set by ECMD 240/cleared by 241")


class PERFCNTR_RIDFLTR(
    Register,
    offset="PERFCFGOFF+0x100*c+0x08",
    name="PERFCNTR_RIDFLTR[c]",
    bits=32,
    section="11.4.13.16",
    requires="ECAP.PMS;PERFCAP.RIDFS",
):
    """Requester-id filter of a counter."""

    EN: int = rwl("u1")
    RSVD_30_16: int = rsvdz("u15")
    RID: int = rwl("u16")


class PERFCNTR_DIDFLTR(
    Register,
    offset="PERFCFGOFF+0x100*c+0x0C",
    name="PERFCNTR_DIDFLTR[c]",
    bits=32,
    section="11.4.13.17",
    requires="ECAP.PMS;PERFCAP.DIDFS",
):
    """Domain-id filter of a counter."""

    EN: int = rwl("u1")
    RSVD_30_16: int = rsvdz("u15")
    DID: int = rwl("u16")


class PERFCNTR_PASIDFLTR(
    Register,
    offset="PERFCFGOFF+0x100*c+0x10",
    name="PERFCNTR_PASIDFLTR[c]",
    bits=32,
    section="11.4.13.18",
    requires="ECAP.PMS;PERFCAP.PASIDFS",
):
    """PASID filter of a counter."""

    EN: int = rwl("u1")
    RSVD_30_22: int = rsvdz("u9")
    PFM: int = rwl("u2", "0 match,1 any PASID,2 no PASID")
    PASID: int = rwl("u20")


class PERFCNTR_ATFLTR(
    Register,
    offset="PERFCFGOFF+0x100*c+0x14",
    name="PERFCNTR_ATFLTR[c]",
    bits=32,
    section="11.4.13.19",
    requires="ECAP.PMS;PERFCAP.ATFS",
):
    """Address-type filter of a counter."""

    EN: int = rwl("u1")
    RSVD_30_5: int = rsvdz("u26")
    AT: int = rwl("u5", "bitmap untranslated,translation,translated,-,HPT prefetch")


class PERFCNTR_PTLFLTR(
    Register,
    offset="PERFCFGOFF+0x100*c+0x18",
    name="PERFCNTR_PTLFLTR[c]",
    bits=32,
    section="11.4.13.20",
    requires="ECAP.PMS;PERFCAP.PTLFS",
):
    """Page-table-level filter of a counter."""

    EN: int = rwl("u1")
    RSVD_30_5: int = rsvdz("u26")
    PTL: int = wo("u5", "spec prints WO; treat as RWL")


class PERFCNTRCAP(
    Register,
    offset="PERFCFGOFF+0x100*c+0x80",
    name="PERFCNTRCAP[c]",
    bits=32,
    section="11.4.13.21",
    requires="ECAP.PMS;PERFCAP.PCCS",
):
    """Capability of a counter."""

    EGCNT: int = impl("u4")
    RSVD_27_18: int = rsvdz("u10")
    GFS: int = impl("u1")
    IOS: int = impl("u1")
    CW: int = impl("u8")
    RSVD_7_1: int = rsvdz("u7")
    PCC: int = impl("u1")


class PERFCNTREVCAP(
    Register,
    offset="PERFCFGOFF+0x100*c+0x84+4*e",
    name="PERFCNTREVCAP[c,e]",
    bits=32,
    section="11.4.13.22",
    requires="ECAP.PMS;PERFCAP.PCCS",
):
    """Event capability of a counter."""

    EGI: int = impl("u4")
    ES: int = impl("u28")


class PERFCNTR(
    Register,
    offset="PERFCNTROFF+stride*c",
    name="PERFCNTR[c]",
    bits=64,
    section="11.4.13.23",
    requires="ECAP.PMS",
):
    """A counter."""

    CNTR: int = rwlv("u64", "msb = counter width-1; read-only while EN=1 and CWE=0")
