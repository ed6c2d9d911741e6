"""Descriptors of the invalidation queue (section 6.5.2).

Descriptors of 128 bits are padded with zeros where the queue is 256 bits wide.
"""

from __future__ import annotations

from vtd_plugin.encodings._field import alias, field
from vtd_plugin.encodings._layout import Layout
from vtd_plugin.encodings.codes import DescriptorType


class ContextInvalidate(
    Layout,
    name="cc_inv_dsc",
    bits=128,
    modes="128 (zero padded to 256 when DW=1)",
    section="6.5.2.1",
):
    """Context-cache invalidation."""

    RSVD_127_50: int = field("u78", "reserved")
    FM: int = field("u2", "0 none,1 bit2,2 bits2:1,3 bits2:0")
    SID: int = field("u16", "used for G=3 only")
    DID: int = field("u16", "ignored in scalable mode (G=2 acts as 1 there)")
    RSVD_15_12: int = field("u4", "reserved")
    TYPE_6_4: int = field("u3", "0")
    RSVD_8_6: int = field("u3", "reserved")
    G: int = field("u2", "0 reserved,1 global,2 domain,3 device")
    TYPE_3_0: int = field("u4", "type 0x1", fixed=DescriptorType.CONTEXT)
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")


class PasidCacheInvalidate(
    Layout, name="pc_inv_dsc", bits=256, modes="256 only", section="6.5.2.2"
):
    """PASID-cache invalidation."""

    RSVD_255_52: int = field("u204", "reserved")
    PASID: int = field("u20", "used for G=1 only")
    DID: int = field("u16", "bits beyond CAP.ND width ignored")
    RSVD_15_12: int = field("u4", "reserved")
    TYPE_6_4: int = field("u3", "0")
    RSVD_8_6: int = field("u3", "reserved")
    G: int = field("u2", "0 domain,1 PASID-in-domain,2 reserved,3 global")
    TYPE_3_0: int = field("u4", "type 0x7", fixed=DescriptorType.PASID_CACHE)
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")


class IotlbInvalidate(
    Layout,
    name="iotlb_inv_dsc",
    bits=128,
    modes="128 (zero padded to 256 when DW=1)",
    section="6.5.2.3",
):
    """IOTLB invalidation by domain."""

    ADDR: int = field("u52", "bits >=MGAW ignored; used for G=3 only")
    RSVD_75_71: int = field("u5", "reserved")
    IH: int = field("u1", "used for G=3 only")
    AM: int = field("u6", "used for G=3 only; up to CAP.MAMV (above it: not stated)")
    RSVD_63_32: int = field("u32", "reserved")
    DID: int = field("u16", "bits beyond CAP.ND width ignored; ignored for G=1")
    RSVD_15_12: int = field("u4", "reserved")
    TYPE_6_4: int = field("u3", "0")
    RSVD_8_8: int = field("u1", "reserved")
    DR: int = field("u1", "ignored when VER>=2")
    DW: int = field("u1", "ignored when VER>=2")
    G: int = field("u2", "0 reserved,1 global,2 domain,3 page-in-domain (invalid if CAP.PSI=0)")
    TYPE_3_0: int = field("u4", "type 0x2", fixed=DescriptorType.IOTLB)
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")
    ADDR_address: int


class PasidIotlbInvalidate(
    Layout, name="p_iotlb_inv_dsc", bits=256, modes="256 only", section="6.5.2.4"
):
    """IOTLB invalidation by PASID."""

    RSVD_255_128: int = field("u128", "reserved")
    ADDR: int = field("u52", "used for G=3 only")
    RSVD_75_71: int = field("u5", "reserved")
    IH: int = field("u1", "used for G=3 only")
    AM: int = field("u6", "used for G=3 only; any value, MAMV does not apply")
    RSVD_63_52: int = field("u12", "reserved")
    PASID: int = field("u20")
    DID: int = field("u16", "bits beyond CAP.ND width ignored")
    RSVD_15_12: int = field("u4", "reserved")
    TYPE_6_4: int = field("u3", "0")
    RSVD_8_6: int = field("u3", "reserved")
    G: int = field("u2", "2 PASID-selective,3 page-in-PASID, 0/1 reserved")
    TYPE_3_0: int = field("u4", "type 0x6", fixed=DescriptorType.PASID_IOTLB)
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")
    ADDR_address: int


class DeviceTlbInvalidate(
    Layout,
    name="dev_tlb_inv_dsc",
    bits=128,
    modes="128 (zero padded to 256 when DW=1)",
    section="6.5.2.5",
):
    """Device-TLB invalidation of requests without PASID."""

    ADDR: int = field("u52")
    RSVD_75_65: int = field("u11", "reserved")
    S: int = field("u1")
    PFSID_15_4: int = field("u12", "reserved if DIT=0", reserved_unless="ECAP.DIT")
    RSVD_51_48: int = field("u4", "reserved")
    SID: int = field("u16")
    RSVD_31_21: int = field("u11", "reserved")
    MIP: int = field("u5", "hint, 0 means 32")
    PFSID_3_0: int = field("u4", "reserved if DIT=0", reserved_unless="ECAP.DIT")
    TYPE_6_4: int = field("u3", "0")
    RSVD_8_4: int = field("u5", "reserved")
    TYPE_3_0: int = field(
        "u4", "type 0x3; invalid type if ECAP.DT=0", fixed=DescriptorType.DEVICE_TLB
    )
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")
    PFSID: int = alias("PFSID_15_4", "PFSID_3_0")
    ADDR_address: int


class PasidDeviceTlbInvalidate(
    Layout, name="p_dev_tlb_inv_dsc", bits=256, modes="256 only", section="6.5.2.6"
):
    """Device-TLB invalidation of requests with PASID."""

    RSVD_255_128: int = field("u128", "reserved")
    ADDR: int = field("u52")
    S: int = field("u1")
    RSVD_74_65: int = field("u10", "reserved")
    GI: int = field("u1", "global invalidate bit of the message")
    PFSID_15_4: int = field("u12", "reserved if DIT=0", reserved_unless="ECAP.DIT")
    PASID: int = field("u20", "ignored if GI=1")
    SID: int = field("u16")
    PFSID_3_0: int = field("u4", "reserved if DIT=0", reserved_unless="ECAP.DIT")
    TYPE_6_4: int = field("u3", "0")
    MIP: int = field("u5", "hint, 0 means 32")
    TYPE_3_0: int = field(
        "u4", "type 0x8; invalid type if ECAP.DT=0", fixed=DescriptorType.PASID_DEVICE_TLB
    )
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")
    PFSID: int = alias("PFSID_15_4", "PFSID_3_0")
    ADDR_address: int


class HptInvalidate(Layout, name="hpt_inv_dsc", bits=256, modes="256 only", section="6.5.2.7"):
    """Host-permission-table cache invalidation."""

    RSVD_255_128: int = field("u128", "reserved")
    ADDR: int = field("u52", "bits >=HAW ignored; used for G=3 only")
    RSVD_75_72: int = field("u4", "reserved")
    IH: int = field("u2", "0 L1,1 L1-2,2 L1-3,3 all; ignored for G=1")
    AM: int = field("u6")
    RSVD_63_32: int = field("u32", "reserved")
    HPTDID: int = field("u16", "bits beyond CAP.ND width ignored; ignored for G=1")
    RSVD_15_12: int = field("u4", "reserved")
    TYPE_6_4: int = field("u3", "0")
    RSVD_8_6: int = field("u3", "reserved")
    G: int = field("u2", "0 reserved,1 global,2 domain,3 page-in-domain")
    TYPE_3_0: int = field(
        "u4", "type 0xA; rev 5.x; invalid type if HPTS=0", fixed=DescriptorType.HPT
    )
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")
    ADDR_address: int


class InterruptEntryInvalidate(
    Layout,
    name="iec_inv_dsc",
    bits=128,
    modes="128 (zero padded to 256 when DW=1)",
    section="6.5.2.8",
):
    """Interrupt-entry-cache invalidation."""

    RSVD_127_48: int = field("u80", "reserved")
    IIDX: int = field("u16", "used for G=1")
    IM: int = field("u5", "low index bits to mask; up to ECAP.MHMV; used for G=1")
    RSVD_26_12: int = field("u15", "reserved")
    TYPE_6_4: int = field("u3", "0")
    RSVD_8_5: int = field("u4", "reserved")
    G: int = field("u1", "0 global,1 index-selective")
    TYPE_3_0: int = field("u4", "type 0x4", fixed=DescriptorType.INTERRUPT_ENTRY)
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")


class InvalidationWait(
    Layout,
    name="inv_wait_dsc",
    bits=128,
    modes="128 (zero padded to 256 when DW=1)",
    section="6.5.2.9",
):
    """Wait: tells software that all earlier descriptors are done."""

    STADDR: int = field("u62", "bits >=HAW ignored; 65:64 reserved; ignored if SW=0", address_lsb=2)
    RSVD_65_64: int = field("u2", "reserved")
    STDATA: int = field("u32", "ignored if SW=0")
    RSVD_31_12: int = field("u20", "reserved")
    TYPE_6_4: int = field("u3", "0")
    RSVD_8_8: int = field("u1", "reserved")
    PD: int = field("u1", "reserved if ECAP.PDS=0", reserved_unless="ECAP.PDS")
    FN: int = field("u1", "hold later descriptors")
    SW: int = field("u1", "write STDATA (dword) to STADDR")
    IF: int = field("u1", "set ICS.IWC")
    TYPE_3_0: int = field("u4", "type 0x5", fixed=DescriptorType.WAIT)
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")
    STADDR_address: int
