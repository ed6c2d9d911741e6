"""What a unit says of itself: version and capabilities (sections 11.4.1 to 11.4.3)."""

from __future__ import annotations

from vtd_plugin.encodings._register import CapabilityRegister, impl, ro, rsvdz


class VER(CapabilityRegister, offset=0x000, bits=32, section="11.4.1"):
    """Version Register."""

    RSVD_31_8: int = rsvdz("u24")
    MAX: int = impl(
        "u4",
        "major version; gates: >=2 drains always, >=6 no register-based invalidation, "
        ">=8 ER always faults (RTA.5)",
    )
    MIN: int = impl("u4")


class CAP(CapabilityRegister, offset=0x008, bits=64, section="11.4.2"):
    """Capability Register."""

    ESRTPS: int = impl("u1")
    ESIRTPS: int = impl("u1")
    ECMDS: int = impl("u1", "enhanced command interface; rev 4.0+")
    FS5LP: int = impl("u1", "FL5LP before rev 4", requires="ECAP.FSTS")
    PI: int = impl("u1", "posted interrupts", requires="ECAP.IR")
    RSVD_58_57: int = rsvdz("u2")
    FS1GP: int = impl("u1", "FL1GP before rev 4", requires="ECAP.FSTS")
    DRD: int = impl("u1", "reads 1 when VER>=2")
    DWD: int = impl("u1", "reads 1 when VER>=2")
    MAMV: int = impl("u6", "max AM for iotlb_inv/IVA", requires="PSI")
    NFR: int = impl("u8", "number of FRCD - 1")
    PSI: int = impl("u1")
    RSVD_38_38: int = rsvdz("u1")
    SSLPS: int = impl("u4", "SLLPS before rev 4; bit0 2M, bit1 1G; only 0,1,3 valid")
    FRO: int = impl("u10", "FRCD offset = 16*FRO")
    DEP23: int = ro("u1", "was ISOCH; reports 0")
    ZLR: int = impl("u1")
    MGAW: int = impl("u6", "width-1")
    RSVD_15_13: int = rsvdz("u3")
    SAGAW: int = impl(
        "u5",
        "bit1 39b/3-level, bit2 48b/4-level, bit3 57b/5-level; bits 0,4 reserved; VER>=6 "
        "and SSTS=0 -> 0",
    )
    CM: int = impl("u1", "caching mode")
    PHMR: int = impl("u1")
    PLMR: int = impl("u1")
    RWBF: int = impl("u1", "0 if SMTS=1")
    AFL: int = impl("u1", "advanced fault logging; rev<=3.x only, RsvdZ in rev 5.x", section="")
    ND: int = impl("u3", "domain-id width = 4+2*ND; 7 reserved")


class ECAP(CapabilityRegister, offset=0x010, bits=64, section="11.4.3"):
    """Extended Capability Register."""

    RSVD_63_63: int = rsvdz("u1")
    IRREQ: int = impl("u1", "interrupt remapping required; rev 5.x", requires="IR")
    EIMER: int = impl("u1", "EIME required; rev 5.x", requires="EIM")
    RDTS: int = impl("u1", "RDT configuration; rev 5.x")
    HPT1GPS: int = impl("u1", "rev 5.x", requires="HPTS")
    SMS: int = impl("u1", "stop marker; rev 5.x", requires="PRS")
    SSIRWS: int = impl("u1", "second-stage I/O R/W bits; rev 5.x", requires="SSTS")
    PTRS: int = impl("u1", "PASID in translated requests; rev 5.x", requires="DT;PASID")
    HPTS: int = impl("u1", "host permission table; rev 5.x", requires="SMTS;DT")
    RSVD_54_54: int = rsvdz("u1")
    RPRIVS: int = impl("u1", "RID_PRIV", requires="SRS")
    ADMS: int = impl("u1", "abort-DMA mode")
    PMS: int = impl("u1", "perfmon; rev 4.0+", requires="CAP.ECMDS")
    TDXCS: int = impl("u1", "TDX Connect; Linux calls it tdxc")
    RPS: int = impl("u1", "RID_PASID", requires="SMTS")
    SMPWCS: int = impl("u1", requires="SMTS")
    FSTS: int = impl("u1", "FLTS before rev 4", requires="SMTS")
    SSTS: int = impl(
        "u1", "SLTS before rev 4; unlike FSTS the spec states no SMTS dependency for it"
    )
    SSADS: int = impl("u1", "SLADS before rev 4", requires="SMPWCS")
    VCS: int = impl("u1", "virtual command; hardware reports 0")
    SMTS: int = impl("u1", "scalable mode", requires="QI")
    PDS: int = impl("u1", "page-request drain", requires="DT")
    DIT: int = impl("u1", requires="DT")
    PASID: int = impl("u1", requires="SMTS")
    PSS: int = impl("u5", "PASID width-1", requires="SMTS")
    EAFS: int = impl("u1", requires="FSTS;SMPWCS")
    NWFS: int = impl("u1", "no-write flag", requires="DT")
    RSVD_32_32: int = rsvdz("u1")
    SRS: int = impl("u1", "supervisor request", requires="SMTS")
    ERS: int = ro("u1", "execute request; must be 0 in rev 5.x")
    PRS: int = impl("u1", "page request", requires="DT;SMTS")
    DEP28: int = rsvdz("u1", "was PASID (ECS); 0")
    DEP27: int = rsvdz("u1", "was DIS; 0")
    NEST: int = impl("u1", requires="SMTS;FSTS;SSTS")
    MTS: int = impl("u1", requires="SMTS")
    DEP24: int = rsvdz("u1", "was ECS extended context; 0")
    MHMV: int = impl("u4", "max index mask for iec_inv", requires="IR")
    RSVD_19_18: int = rsvdz("u2")
    IRO: int = impl("u10", "IVA offset = 16*IRO; IOTLB = +8")
    SC: int = impl("u1")
    PT: int = impl("u1")
    DEP5: int = ro("u1", "was CH caching hints; 0")
    EIM: int = impl("u1", "x2APIC mode", requires="IR")
    IR: int = impl("u1", requires="QI")
    DT: int = impl("u1", "device-TLB", requires="QI")
    QI: int = impl("u1")
    C: int = impl(
        "u1", "page-walk coherency (root/context/PASID dir+table/IRT and legacy second stage)"
    )
