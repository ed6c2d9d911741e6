"""The codes that registers and structures hold, as enumerations.

Each says which field it belongs to. Fault reasons have a module of their own, `faults`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Self


class TableMode(IntEnum):
    """RTADDR.TTM: what the root table is (section 11.4.5)."""

    LEGACY = 0
    SCALABLE = 1
    RESERVED = 2
    ABORT = 3


class TranslationType(IntEnum):
    """TT of a legacy context entry (section 9.3)."""

    SECOND_STAGE = 0
    DEVICE_TLB = 1
    PASS_THROUGH = 2
    RESERVED = 3


class PageTableType(IntEnum):
    """PGTT of a PASID-table entry; the other values are reserved (section 9.6)."""

    FIRST_STAGE = 1
    SECOND_STAGE = 2
    NESTED = 3
    PASS_THROUGH = 4


class ContextGranularity(IntEnum):
    """G of a context-cache invalidation, and CCMD.CIRG and CAIG (sections 6.5.2.1, 11.4.6.1)."""

    GLOBAL = 1
    DOMAIN = 2
    DEVICE = 3


class IotlbGranularity(IntEnum):
    """G of an IOTLB invalidation, and IOTLB.IIRG and IAIG (sections 6.5.2.3, 11.4.6.3)."""

    GLOBAL = 1
    DOMAIN = 2
    PAGE = 3


class PasidCacheGranularity(IntEnum):
    """G of a PASID-cache invalidation; 2 is reserved (section 6.5.2.2)."""

    DOMAIN = 0
    PASID = 1
    GLOBAL = 3


class PasidIotlbGranularity(IntEnum):
    """G of a PASID-based IOTLB invalidation; 0 and 1 are reserved (section 6.5.2.4)."""

    PASID = 2
    PAGE = 3


class HptGranularity(IntEnum):
    """G of a host-permission-table invalidation; 0 is reserved (section 6.5.2.7)."""

    GLOBAL = 1
    DOMAIN = 2
    PAGE = 3


class InterruptEntryGranularity(IntEnum):
    """G of an interrupt-entry-cache invalidation (section 6.5.2.8)."""

    GLOBAL = 0
    INDEX = 1


class DescriptorType(IntEnum):
    """Type of a descriptor in the invalidation queue (section 6.5.2)."""

    CONTEXT = 0x1
    IOTLB = 0x2
    DEVICE_TLB = 0x3
    INTERRUPT_ENTRY = 0x4
    WAIT = 0x5
    PASID_IOTLB = 0x6
    PASID_CACHE = 0x7
    PASID_DEVICE_TLB = 0x8
    PAGE_GROUP_RESPONSE = 0x9
    HPT = 0xA


class DocumentedCode(IntEnum):
    """A code with its meaning in a line.

    Attributes:
        meaning: What the code says.
        note: What a reader should know beyond that; mostly empty.
    """

    meaning: str
    note: str

    def __new__(cls, code: int, meaning: str = "", note: str = "") -> Self:
        """Make a member of `code, meaning, note`."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning, member.note = meaning, note
        return member


class QueueError(DocumentedCode):
    """IQERCD.IQEI: why the invalidation queue stopped (section 11.4.9.9)."""

    NO_INFO = 0x0, "no details (older hardware)"
    BAD_TAIL = 0x1, "tail pointer outside the queue"
    FETCH_ERROR = 0x2, "descriptor fetch from memory failed"
    BAD_TYPE = (
        0x3,
        "descriptor type not valid for TTM/DW/capabilities",
        "legacy: 1-5 in either width; scalable and abort: 1-0xA only with DW=1; reserved TTM: none",
    )
    RSVD_FIELD = (
        0x4,
        "reserved field set in a valid type",
        (
            "reserved granularity is also an invalid descriptor; spec does not say whether code 3 "
            "or 4 is used - recommend 4"
        ),
    )
    BAD_WIDTH = 0x5, "DW=0 in scalable/abort mode, or DW=1 without SMTS and ADMS"
    TAIL_MISALIGNED = 0x6, "DW=1 and IQT bit 4 set"
    BAD_TTM = 0x7, "RTADDR.TTM invalid"


class ResponseCode(DocumentedCode):
    """RC of a page group response; 0x2 to 0xE are reserved (section 7.6.1)."""

    SUCCESS = 0x0, "whole group serviced"
    INVALID_REQUEST = 0x1, "one or more requests of the group could not be serviced"
    RESPONSE_FAILURE = 0xF, "non-recoverable error while servicing; disables PRI of the device"


class MemoryType(IntEnum):
    """A memory type of MTRRs, PAT and EMT; UC_MINUS in PAT only (section 3.11)."""

    UC = 0
    WC = 1
    WT = 4
    WP = 5
    WB = 6
    UC_MINUS = 7


class InterruptDeliveryMode(IntEnum):
    """DLM of interrupt messages and of interrupt-remapping table entries (section 9.9)."""

    FIXED = 0
    LOWEST_PRIORITY = 1
    SMI = 2
    NMI = 4
    INIT = 5
    EXTINT = 7


class FaultType(IntEnum):
    """{T1,T2} of a fault record: what kind of request was blocked (section 11.4.7.6)."""

    WRITE = 0b00
    PAGE_REQUEST = 0b01
    READ = 0b10
    ATOMIC_OP = 0b11


class SourceValidation(IntEnum):
    """SVT of an interrupt-remapping table entry (section 9.9)."""

    NONE = 0
    SOURCE_ID = 1
    BUS_RANGE = 2
    RESERVED = 3


_LEVELS_BY_AW: Final = {1: 3, 2: 4, 3: 5}
_PAGE_OFFSET_BITS: Final = 12
_BITS_PER_LEVEL: Final = 9


def levels(aw: int) -> int:
    """The number of paging levels that an address width field asks for.

    Args:
        aw: AW of a context entry or of a PASID-table entry (sections 9.3 and 9.6).

    Returns:
        3, 4 or 5.

    Raises:
        ValueError: `aw` is a reserved value.
    """
    if aw not in _LEVELS_BY_AW:
        raise ValueError(f"AW {aw:#x} is none of 1 (39 bits), 2 (48 bits), 3 (57 bits)")
    return _LEVELS_BY_AW[aw]


def width_bits(aw: int) -> int:
    """The input address width that an address width field asks for.

    Args:
        aw: AW of a context entry or of a PASID-table entry.

    Returns:
        39, 48 or 57 bits.

    Raises:
        ValueError: `aw` is a reserved value.
    """
    return _PAGE_OFFSET_BITS + _BITS_PER_LEVEL * levels(aw)


def aw_for(levels: int) -> int:
    """The address width field that asks for a number of paging levels.

    Args:
        levels: 3, 4 or 5.

    Returns:
        1, 2 or 3.

    Raises:
        ValueError: There is no such number of levels.
    """
    for aw, count in _LEVELS_BY_AW.items():
        if count == levels:
            return aw
    raise ValueError(f"{levels:#x} levels are none of 3, 4, 5")
