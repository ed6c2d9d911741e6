"""Enhanced commands, resource director configuration and virtual commands.

Sections 11.4.14 to 11.4.16.
"""

# ruff: noqa: N801 - the architecture spells its registers so

from __future__ import annotations

from vtd_plugin.encodings._register import Register, impl, ro, rsvdz, rw, wo


class ECMD(Register, offset=0x400, bits=64, section="11.4.14.1", requires="CAP.ECMDS"):
    """Enhanced Command Register."""

    OA: int = wo("u48")
    RSVD_15_8: int = rsvdz("u8")
    CMD: int = wo("u8", "write starts command; dropped while ECRSP.IP=1")


class ECEO(Register, offset=0x408, bits=64, section="11.4.14.2", requires="CAP.ECMDS"):
    """Enhanced Command Extended Operand Register."""

    OB: int = wo("u64", "dropped while ECRSP.IP=1")


class ECRSP(Register, offset=0x410, bits=64, section="11.4.14.3", requires="CAP.ECMDS"):
    """Enhanced Command Response Register."""

    RSLT: int = ro("u48")
    RSVD_15_8: int = rsvdz("u8")
    SC: int = ro("u7", "0 ok,1 undefined,2 aborted (GCMD/PMR in flight),16+ command specific")
    IP: int = ro("u1")


class ECSTS0(Register, offset=0x420, bits=64, section="11.4.14.4.1", requires="CAP.ECMDS"):
    """Enhanced Command Status Register 0."""

    RSVD_63_0: int = rsvdz("u64")


class ECSTS1(Register, offset=0x428, bits=64, section="11.4.14.4.2", requires="CAP.ECMDS"):
    """Enhanced Command Status Register 1."""

    RSVD_63_0: int = rsvdz("u64")


class ECCAP0(Register, offset=0x430, bits=64, section="11.4.14.5.1", requires="CAP.ECMDS"):
    """Enhanced Command Capability Register 0."""

    RSVD_63_0: int = rsvdz("u64", "reserved; commands 0-63: none defined")


class ECCAP1(Register, offset=0x438, bits=64, section="11.4.14.5.2", requires="CAP.ECMDS"):
    """Enhanced Command Capability Register 1."""

    RSVD_63_0: int = rsvdz("u64")


class ECCAP2(Register, offset=0x440, bits=64, section="11.4.14.5.3", requires="CAP.ECMDS"):
    """Enhanced Command Capability Register 2."""

    RSVD_63_0: int = rsvdz("u64")


class ECCAP3(Register, offset=0x448, bits=64, section="11.4.14.5.4", requires="CAP.ECMDS"):
    """Enhanced Command Capability Register 3."""

    RSVD_63_54: int = rsvdz("u10")
    UFCNTS: int = impl("u1", "cmd 245 unfreeze")
    FCNTS: int = impl("u1", "cmd 244 freeze")
    RCNTS: int = impl("u1", "cmd 243 reset values")
    RCFGS: int = impl("u1", "cmd 242 reset config")
    DCNTS: int = impl("u1", "cmd 241 disable counter")
    ECNTS: int = impl("u1", "cmd 240 enable counter")
    RSVD_47_0: int = rsvdz("u48")


class RDTC(Register, offset=0xDC0, bits=64, section="11.4.15", requires="ECAP.RDTS"):
    """Resource Director Technology Configuration Register."""

    RSVD_63_37: int = rsvdz("u27", "reserved; rev 5.x")
    CLOS: int = rw("u5", reset="impl")
    RSVD_31_12: int = rsvdz("u20")
    RMID: int = rw("u12", reset="impl")


class VCMD(Register, offset=0xE00, bits=64, section="11.4.16.1", requires="ECAP.VCS"):
    """Virtual Command Register."""

    OA: int = rw("u48", "rev>=3.3; rev 3.0-3.2 had VCMD at 0xE10 with OP 63:8", reset="impl")
    RSVD_15_8: int = rsvdz("u8")
    CMD: int = rw("u8", "0 null,1 alloc PASID,2 free PASID", reset="impl")


class VCMD_EO(Register, offset=0xE08, bits=64, section="11.4.16.2", requires="ECAP.VCS"):
    """Virtual Command Extended Operand Register."""

    OB: int = rw("u64", reset="impl")


class VCRSP(Register, offset=0xE10, bits=64, section="11.4.16.3", requires="ECAP.VCS"):
    """Virtual Command Response Register."""

    RSLT: int = ro(
        "u48",
        "PASID result in bits 35:16; rev>=3.3; rev 3.0-3.2 had VCRSP at 0xE20 with SC "
        "2:1 and RSLT 63:8",
    )
    RSVD_15_8: int = rsvdz("u8")
    SC: int = ro("u7", "0 ok,1 undefined,16 none available/invalid PASID")
    IP: int = ro("u1")


class VCCAP(Register, offset=0xE30, bits=64, section="11.4.16.4", requires="ECAP.VCS"):
    """Virtual Command Capability Register."""

    RSVD_63_3: int = rsvdz(
        "u61", "reserved; rev>=3.3; rev 3.0-3.2 had VCCAP at 0xE00 with PAS at bit 0"
    )
    FPS: int = impl("u1")
    PAS: int = impl("u1")
    NS: int = impl("u1")
