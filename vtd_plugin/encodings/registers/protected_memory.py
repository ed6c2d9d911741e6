"""Protected memory regions (section 11.4.8).

Where a region may begin and end is implementation defined; here in steps of 1 MiB.
"""

from __future__ import annotations

from vtd_plugin.encodings._register import Register, ro, rsvdp, rsvdz, rw


class PMEN(Register, offset=0x064, bits=32, section="11.4.8.1", requires="CAP.PLMR|CAP.PHMR"):
    """Protected Memory Enable Register."""

    EPM: int = rw("u1", "register is RO where PLMR=PHMR=0; wait for PRS before changing again")
    RSVD_30_1: int = rsvdp("u30", "reserved; default is X in the text, but RsvdP reads 0 (11.3)")
    PRS: int = ro("u1")


class PLMBASE(Register, offset=0x068, bits=32, section="11.4.8.2", requires="CAP.PLMR"):
    """Protected Low-Memory Base Register."""

    PLMB: int = rw(
        "u12",
        "lsb = N+1 is implementation defined (discover by writing ones); 20 used here; "
        "low bits decode as 0",
        address_lsb=20,
    )
    RSVD_19_0: int = rsvdz("u20")
    PLMB_address: int


class PLMLIMIT(Register, offset=0x06C, bits=32, section="11.4.8.3", requires="CAP.PLMR"):
    """Protected Low-Memory Limit Register."""

    PLML: int = rw(
        "u12",
        "lsb = N+1 is implementation defined (discover by writing ones); 20 used here; "
        "low bits decode as 1",
        address_lsb=20,
    )
    RSVD_19_0: int = rsvdz("u20")
    PLML_address: int


class PHMBASE(Register, offset=0x070, bits=64, section="11.4.8.4", requires="CAP.PHMR"):
    """Protected High-Memory Base Register."""

    PHMB: int = rw(
        "u44",
        "lsb = N+1 is implementation defined (discover by writing ones); 20 used here; "
        "bits >=HAW may be unimplemented",
        address_lsb=20,
    )
    RSVD_19_0: int = rsvdz("u20")
    PHMB_address: int


class PHMLIMIT(Register, offset=0x078, bits=64, section="11.4.8.5", requires="CAP.PHMR"):
    """Protected High-Memory Limit Register."""

    PHML: int = rw(
        "u44",
        "lsb = N+1 is implementation defined (discover by writing ones); 20 used here; "
        "low bits decode as 1",
        address_lsb=20,
    )
    RSVD_19_0: int = rsvdz("u20")
    PHML_address: int
