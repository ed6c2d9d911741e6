"""The fault record: 128 bits that tell of one fault (section 11.4.7.6).

The register that holds it, with its accesses, is `registers.FRCD`.
"""

from __future__ import annotations

from vtd_plugin.encodings._field import alias, field
from vtd_plugin.encodings._layout import Layout


class FaultRecord(Layout, name="fault_record", bits=128, modes="FRCD", section="11.4.7.6"):
    """What a fault recording register says of one fault."""

    F: int = field("u1")
    T1: int = field("u1", "{T1,T2}: 00 write,01 page req,10 read,11 AtomicOp")
    AT: int = field("u2", "reserved if DT=0", reserved_unless="ECAP.DT")
    PV: int = field("u20", "reserved if PASID=0", reserved_unless="ECAP.PASID")
    FR: int = field("u8")
    PP: int = field("u1", "reserved if PASID=0", reserved_unless="ECAP.PASID")
    EXE: int = field("u1", "reserved if PASID=0", reserved_unless="ECAP.PASID")
    PRIV: int = field("u1", "reserved if PASID=0", reserved_unless="ECAP.PASID")
    T2: int = field("u1")
    RSVD_91_80: int = field("u12", "reserved")
    SID: int = field("u16")
    FI: int = field("u52", address_lsb=12)
    RSVD_11_0: int = field("u12", "reserved")
    TYPE: int = alias("T1", "T2")
    INDEX: int = alias("FI[51:36]")
    FI_address: int
