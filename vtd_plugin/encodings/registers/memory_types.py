"""Memory type range registers (section 11.4.12).

The fixed ranges are eleven registers with the same fields, the variable ones ten pairs; a base
class gives the fields, and a class each the offset.
"""

# ruff: noqa: N801 - the architecture spells its registers so

from __future__ import annotations

from vtd_plugin.encodings._register import Register, impl, rsvdz, rw


class MTRRCAP(Register, offset=0x100, bits=64, section="11.4.12.1", requires="ECAP.MTS"):
    """MTRR Capability Register."""

    RSVD_63_11: int = rsvdz("u53")
    WC: int = impl("u1")
    RSVD_9_9: int = rsvdz("u1")
    FIX: int = impl("u1")
    VCNT: int = impl("u8")


class MTRRDEF(Register, offset=0x108, bits=64, section="11.4.12.2", requires="ECAP.MTS"):
    """MTRR Default Type Register."""

    RSVD_63_12: int = rsvdz("u52")
    E: int = rw("u1")
    FE: int = rw("u1")
    RSVD_9_8: int = rsvdz("u2")
    TYPE: int = rw("u8")


class _FixedRange(Register, bits=64, section="11.4.12.3", requires="ECAP.MTS;MTRRCAP.FIX"):
    """The types of eight ranges of equal size, the lowest one in R0."""

    R7: int = rw("u8")
    R6: int = rw("u8")
    R5: int = rw("u8")
    R4: int = rw("u8")
    R3: int = rw("u8")
    R2: int = rw("u8")
    R1: int = rw("u8")
    R0: int = rw("u8")


class _VariableBase(Register, bits=64, section="11.4.12.4"):
    """Base and type of a variable range."""

    RSVD_63_52: int = rsvdz("u12")
    PHYSBASE: int = rw("u40", "msb = HAW-1", host_address=True)
    RSVD_11_8: int = rsvdz("u4")
    TYPE: int = rw("u8")
    PHYSBASE_address: int


class _VariableMask(Register, bits=64, section="11.4.12.4"):
    """Mask of a variable range: which address bits must equal those of the base."""

    RSVD_63_52: int = rsvdz("u12")
    PHYSMASK: int = rw("u40", "msb = HAW-1", host_address=True)
    V: int = rw("u1")
    RSVD_10_0: int = rsvdz("u11")
    PHYSMASK_address: int


class MTRR_FIX64K_00000(_FixedRange, offset=0x120):
    """Eight ranges of 64 KiB from 0x0 on."""


class MTRR_FIX16K_80000(_FixedRange, offset=0x128):
    """Eight ranges of 16 KiB from 0x80000 on."""


class MTRR_FIX16K_A0000(_FixedRange, offset=0x130):
    """Eight ranges of 16 KiB from 0xa0000 on."""


class MTRR_FIX4K_C0000(_FixedRange, offset=0x138):
    """Eight ranges of 4 KiB from 0xc0000 on."""


class MTRR_FIX4K_C8000(_FixedRange, offset=0x140):
    """Eight ranges of 4 KiB from 0xc8000 on."""


class MTRR_FIX4K_D0000(_FixedRange, offset=0x148):
    """Eight ranges of 4 KiB from 0xd0000 on."""


class MTRR_FIX4K_D8000(_FixedRange, offset=0x150):
    """Eight ranges of 4 KiB from 0xd8000 on."""


class MTRR_FIX4K_E0000(_FixedRange, offset=0x158):
    """Eight ranges of 4 KiB from 0xe0000 on."""


class MTRR_FIX4K_E8000(_FixedRange, offset=0x160):
    """Eight ranges of 4 KiB from 0xe8000 on."""


class MTRR_FIX4K_F0000(_FixedRange, offset=0x168):
    """Eight ranges of 4 KiB from 0xf0000 on."""


class MTRR_FIX4K_F8000(_FixedRange, offset=0x170):
    """Eight ranges of 4 KiB from 0xf8000 on."""


class MTRR_PHYSBASE0(_VariableBase, offset=0x180, requires="ECAP.MTS;MTRRCAP.VCNT>0"):
    """Base of variable range 0."""


class MTRR_PHYSMASK0(_VariableMask, offset=0x188, requires="ECAP.MTS;MTRRCAP.VCNT>0"):
    """Mask of variable range 0."""


class MTRR_PHYSBASE1(_VariableBase, offset=0x190, requires="ECAP.MTS;MTRRCAP.VCNT>1"):
    """Base of variable range 1."""


class MTRR_PHYSMASK1(_VariableMask, offset=0x198, requires="ECAP.MTS;MTRRCAP.VCNT>1"):
    """Mask of variable range 1."""


class MTRR_PHYSBASE2(_VariableBase, offset=0x1A0, requires="ECAP.MTS;MTRRCAP.VCNT>2"):
    """Base of variable range 2."""


class MTRR_PHYSMASK2(_VariableMask, offset=0x1A8, requires="ECAP.MTS;MTRRCAP.VCNT>2"):
    """Mask of variable range 2."""


class MTRR_PHYSBASE3(_VariableBase, offset=0x1B0, requires="ECAP.MTS;MTRRCAP.VCNT>3"):
    """Base of variable range 3."""


class MTRR_PHYSMASK3(_VariableMask, offset=0x1B8, requires="ECAP.MTS;MTRRCAP.VCNT>3"):
    """Mask of variable range 3."""


class MTRR_PHYSBASE4(_VariableBase, offset=0x1C0, requires="ECAP.MTS;MTRRCAP.VCNT>4"):
    """Base of variable range 4."""


class MTRR_PHYSMASK4(_VariableMask, offset=0x1C8, requires="ECAP.MTS;MTRRCAP.VCNT>4"):
    """Mask of variable range 4."""


class MTRR_PHYSBASE5(_VariableBase, offset=0x1D0, requires="ECAP.MTS;MTRRCAP.VCNT>5"):
    """Base of variable range 5."""


class MTRR_PHYSMASK5(_VariableMask, offset=0x1D8, requires="ECAP.MTS;MTRRCAP.VCNT>5"):
    """Mask of variable range 5."""


class MTRR_PHYSBASE6(_VariableBase, offset=0x1E0, requires="ECAP.MTS;MTRRCAP.VCNT>6"):
    """Base of variable range 6."""


class MTRR_PHYSMASK6(_VariableMask, offset=0x1E8, requires="ECAP.MTS;MTRRCAP.VCNT>6"):
    """Mask of variable range 6."""


class MTRR_PHYSBASE7(_VariableBase, offset=0x1F0, requires="ECAP.MTS;MTRRCAP.VCNT>7"):
    """Base of variable range 7."""


class MTRR_PHYSMASK7(_VariableMask, offset=0x1F8, requires="ECAP.MTS;MTRRCAP.VCNT>7"):
    """Mask of variable range 7."""


class MTRR_PHYSBASE8(_VariableBase, offset=0x200, requires="ECAP.MTS;MTRRCAP.VCNT>8"):
    """Base of variable range 8."""


class MTRR_PHYSMASK8(_VariableMask, offset=0x208, requires="ECAP.MTS;MTRRCAP.VCNT>8"):
    """Mask of variable range 8."""


class MTRR_PHYSBASE9(_VariableBase, offset=0x210, requires="ECAP.MTS;MTRRCAP.VCNT>9"):
    """Base of variable range 9."""


class MTRR_PHYSMASK9(_VariableMask, offset=0x218, requires="ECAP.MTS;MTRRCAP.VCNT>9"):
    """Mask of variable range 9."""
