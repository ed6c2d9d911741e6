"""The page request queue and its event message (section 11.4.11)."""

from __future__ import annotations

from vtd_plugin.encodings._register import Register, ro, rsvdp, rsvdz, rw, rw1cs


class PQH(Register, offset=0x0C0, bits=64, section="11.4.11.1", requires="ECAP.PRS"):
    """Page Request Queue Head Register."""

    RSVD_63_19: int = rsvdz("u45")
    PQH: int = rw("u14", address_lsb=5)
    RSVD_4_0: int = rsvdz("u5")
    PQH_address: int


class PQT(Register, offset=0x0C8, bits=64, section="11.4.11.2", requires="ECAP.PRS"):
    """Page Request Queue Tail Register."""

    RSVD_63_19: int = rsvdz("u45")
    PQT: int = rw("u14", "written by hardware; software initialises to 0", address_lsb=5)
    RSVD_4_0: int = rsvdz("u5")
    PQT_address: int


class PQA(Register, offset=0x0D0, bits=64, section="11.4.11.3", requires="ECAP.PRS"):
    """Page Request Queue Address Register."""

    PQA: int = rw("u52", "bits >=HAW may be unimplemented", address_lsb=12)
    RSVD_11_3: int = rsvdz("u9")
    PQS: int = rw("u3", "2^PQS pages; 2^(PQS+7) entries")
    PQA_address: int


class PRS(Register, offset=0x0DC, bits=32, section="11.4.11.4", requires="ECAP.PRS"):
    """Page Request Status Register."""

    RSVD_31_2: int = rsvdz("u30")
    PRO: int = rw1cs("u1")
    PPR: int = rw1cs("u1")


class PECTL(Register, offset=0x0E0, bits=32, section="11.4.11.5", requires="ECAP.PRS"):
    """Page Request Event Control Register."""

    IM: int = rw("u1", reset="1")
    IP: int = ro("u1", "cleared when sent or when PPR and PRO are clear (7.5)")
    RSVD_29_0: int = rsvdp("u30", "reserved; default is X in the text, but RsvdP reads 0 (11.3)")


class PEDATA(Register, offset=0x0E4, bits=32, section="11.4.11.6", requires="ECAP.PRS"):
    """Page Request Event Data Register."""

    RSVD_31_16: int = rsvdz("u16")
    IMD: int = rw("u16", "bits 31:16 were EIMD (RW) before rev 3.3; usable data is [8:0]")


class PEADDR(Register, offset=0x0E8, bits=32, section="11.4.11.7", requires="ECAP.PRS"):
    """Page Request Event Address Register."""

    MA: int = rw("u30", address_lsb=2)
    RSVD_1_0: int = rsvdz("u2")
    MA_address: int


class PEUADDR(Register, offset=0x0EC, bits=32, section="11.4.11.8", requires="ECAP.PRS;ECAP.EIM"):
    """Page Request Event Upper Address Register."""

    MUA: int = rw("u32", "may be RsvdZ if EIM=0", address_lsb=32)
    MUA_address: int
