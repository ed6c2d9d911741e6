"""Turning the unit on and off: global command and status, root and interrupt table pointers.

Sections 11.4.4, 11.4.5 and 11.4.10.
"""

from __future__ import annotations

from vtd_plugin.encodings._register import Register, ro, rsvdz, rw, wo


class GCMD(Register, offset=0x018, bits=32, section="11.4.4.1"):
    """Global Command Register."""

    TE: int = wo("u1", "read value undefined; read-modify-write GSTS & 0x96FFFFFF")
    SRTP: int = wo("u1", "one-shot")
    SFL: int = wo("u1", "one-shot; rev<=3.x; RsvdZ in rev 5.x", requires="CAP.AFL", section="")
    EAFL: int = wo("u1", "rev<=3.x; RsvdZ in rev 5.x", requires="CAP.AFL", section="")
    WBF: int = wo("u1", "one-shot", requires="CAP.RWBF")
    QIE: int = wo("u1", requires="ECAP.QI")
    IRE: int = wo("u1", requires="ECAP.IR")
    SIRTP: int = wo("u1", "one-shot", requires="ECAP.IR")
    CFI: int = wo("u1", "has effect only with IRES=1 and EIME=0", requires="ECAP.IR")
    RSVD_22_0: int = rsvdz("u23")


class GSTS(Register, offset=0x01C, bits=32, section="11.4.4.2"):
    """Global Status Register."""

    TES: int = ro("u1")
    RTPS: int = ro("u1")
    FLS: int = ro("u1", "rev<=3.x", requires="CAP.AFL", section="")
    AFLS: int = ro("u1", "rev<=3.x", requires="CAP.AFL", section="")
    WBFS: int = ro(
        "u1", "set by WBF and cleared when done; valid only if RWBF=1", requires="CAP.RWBF"
    )
    QIES: int = ro("u1", requires="ECAP.QI")
    IRES: int = ro("u1", requires="ECAP.IR")
    IRTPS: int = ro("u1", requires="ECAP.IR")
    CFIS: int = ro("u1", requires="ECAP.IR")
    RSVD_22_0: int = rsvdz("u23")


class RTADDR(Register, offset=0x020, bits=64, section="11.4.5"):
    """Root Table Address Register."""

    RTA: int = rw("u52", "bits >=HAW may be unimplemented; latched by SRTP", address_lsb=12)
    TTM: int = rw("u2", "0 legacy,1 scalable,2 reserved,3 abort-DMA; latched by SRTP")
    RSVD_9_8: int = rsvdz("u2")
    SSIRWE: int = rw(
        "u1", "rev 5.x; Reserved(0) if SSIRWS=0; latched by SRTP", requires="ECAP.SSIRWS"
    )
    RSVD_6_0: int = rsvdz("u7")
    RTA_address: int


class IRTA(Register, offset=0x0B8, bits=64, section="11.4.10", requires="ECAP.IR"):
    """Interrupt Remapping Table Address Register."""

    IRTA: int = rw(
        "u52", "all fields latched by SIRTP; bits >=HAW may be unimplemented", address_lsb=12
    )
    EIME: int = rw(
        "u1",
        "RsvdZ if EIM=0; must be set if EIMER=1; not to be changed while IRES=1",
        requires="ECAP.EIM",
    )
    RSVD_10_4: int = rsvdz("u7")
    S: int = rw("u4", "entries = 2^(S+1)")
    IRTA_address: int
