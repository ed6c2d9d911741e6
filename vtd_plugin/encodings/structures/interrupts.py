"""Interrupt remapping: table entries, posted-interrupt descriptors, and the messages themselves.

Sections 9.9 to 9.11 and 5.1. Fields whose meaning hangs on IRTA.EIME are whole here; the part an
xAPIC destination uses has a name of its own.
"""

from __future__ import annotations

from vtd_plugin.encodings._field import alias, field
from vtd_plugin.encodings._layout import Layout


class IrteRemapped(Layout, name="IRTE_remapped", bits=128, modes="remapped", section="9.9"):
    """Interrupt-remapping table entry that sends a remapped interrupt."""

    RSVD_127_84: int = field("u44", "reserved")
    SVT: int = field("u2", "0 none,1 SID+SQ,2 bus range SID[15:8]..SID[7:0],3 reserved")
    SQ: int = field("u2", "0 all 16 bits,1 ignore bit 2,2 ignore bits 2:1,3 ignore bits 2:0")
    SID: int = field("u16")
    DST: int = field("u32", "EIME=1: 32-bit id; EIME=0: id in 47:40, 63:48 and 39:32 reserved")
    RSVD_31_24: int = field("u8", "reserved")
    V: int = field("u8")
    IM: int = field("u1", "0 remapped,1 posted; reserved if CAP.PI=0", reserved_unless="CAP.PI")
    RSVD_14_12: int = field("u3", "reserved")
    AVAIL: int = field("u4", "ignored")
    DLM: int = field("u3", "0 fixed,1 lowest,2 SMI,4 NMI,5 INIT,7 ExtINT")
    TM: int = field("u1", "0 edge,1 level")
    RH: int = field("u1")
    DM: int = field("u1")
    FPD: int = field("u1", "evaluated even if P=0")
    P: int = field("u1")
    DST_XAPIC: int = alias("DST[15:8]")


class IrtePosted(Layout, name="IRTE_posted", bits=128, modes="posted", section="9.10"):
    """Interrupt-remapping table entry that posts to a descriptor."""

    PDAH: int = field("u32", "descriptor address 63:32; bits >=HAW reserved", host_address=True)
    RSVD_95_84: int = field("u12", "reserved")
    SVT: int = field("u2", "0 none,1 SID+SQ,2 bus range SID[15:8]..SID[7:0],3 reserved")
    SQ: int = field("u2", "0 all 16 bits,1 ignore bit 2,2 ignore bits 2:1,3 ignore bits 2:0")
    SID: int = field("u16")
    PDAL: int = field("u26", "descriptor address 31:6", host_address=True, address_lsb=6)
    RSVD_37_24: int = field("u14", "reserved")
    VV: int = field("u8", "virtual vector")
    IM: int = field(
        "u1", "0 remapped,1 posted; reserved if CAP.PI=0", reserved_unless="CAP.PI", fixed=1
    )
    URG: int = field("u1", "reserved if CAP.PI=0", reserved_unless="CAP.PI")
    RSVD_13_12: int = field("u2", "reserved")
    AVAIL: int = field("u4", "ignored")
    RSVD_7_2: int = field("u6", "reserved")
    FPD: int = field("u1", "evaluated even if P=0")
    P: int = field("u1")
    PDA: int = alias("PDAH", "PDAL", address_lsb=6)
    PDAH_address: int
    PDAL_address: int
    PDA_address: int


class PostedInterruptDescriptor(
    Layout, name="posted_interrupt_descriptor", bits=512, modes="posted", section="9.11"
):
    """Posted-interrupt descriptor: what is pending, and whom to notify."""

    RSVD_511_320: int = field("u192", "reserved")
    NDST: int = field("u32", "EIME=1: 32-bit; EIME=0: id in 303:296, others reserved")
    RSVD_287_280: int = field("u8", "reserved")
    NV: int = field("u8")
    RSVD_271_258: int = field("u14", "reserved")
    SN: int = field("u1")
    ON: int = field("u1")
    PIR: int = field("u256")
    NDST_XAPIC: int = alias("NDST[15:8]")


class RemapMsiAddress(
    Layout, name="remap_msi_address", bits=32, modes="remappable", section="5.1.2.2"
):
    """Address of an interrupt request in remappable format."""

    FEE: int = field("u12", "0xFEE", fixed=0xFEE)
    HANDLE_14_0: int = field("u15")
    FORMAT: int = field("u1", "1", fixed=1)
    SHV: int = field("u1")
    HANDLE_15: int = field("u1")
    IGN_1_0: int = field("u2", "ignored")
    HANDLE: int = alias("HANDLE_15", "HANDLE_14_0")


class RemapMsiData(Layout, name="remap_msi_data", bits=32, modes="remappable", section="5.1.2.2"):
    """Data of an interrupt request in remappable format."""

    RSVD_31_16: int = field("u16", "must be 0 when SHV=1 (fault 0x20), ignored when SHV=0")
    SUBHANDLE: int = field("u16", "used when SHV=1")


class CompatMsiAddress(
    Layout, name="compat_msi_address", bits=32, modes="compatibility", section="5.1.2.1"
):
    """Address of an interrupt request in compatibility format."""

    FEE: int = field("u12", "0xFEE", fixed=0xFEE)
    DEST_ID: int = field("u8")
    RSVD_11_5: int = field("u7")
    FORMAT: int = field("u1", "0")
    RH: int = field("u1")
    DM: int = field("u1")
    IGN_1_0: int = field("u2", "ignored")


class CompatMsiData(
    Layout, name="compat_msi_data", bits=32, modes="compatibility", section="5.1.2.1"
):
    """Data of an interrupt request in compatibility format."""

    RSVD_31_16: int = field("u16")
    TM: int = field("u1")
    LEVEL: int = field("u1")
    RSVD_13_11: int = field("u3")
    DLM: int = field("u3")
    VECTOR: int = field("u8")


class IoapicRteRemappable(
    Layout, name="ioapic_rte_remappable", bits=64, modes="remappable", section="5.1.5.1"
):
    """I/OxAPIC redirection entry that makes requests in remappable format."""

    INDEX_14_0: int = field("u15")
    FORMAT: int = field("u1", "1", fixed=1)
    RSVD_47_17: int = field("u31", "reserved")
    MASK: int = field("u1")
    TM: int = field("u1", "must match IRTE.TM")
    REMOTE_IRR: int = field("u1")
    POLARITY: int = field("u1")
    DELIVERY_STATUS: int = field("u1")
    INDEX_15: int = field("u1")
    DLM: int = field("u3", "program 000 so SHV=0")
    VECTOR: int = field("u8")
    INDEX: int = alias("INDEX_15", "INDEX_14_0")
