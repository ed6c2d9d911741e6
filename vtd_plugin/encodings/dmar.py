"""The ACPI DMAR table: how firmware tells where the units are and which devices they serve.

Chapter 8. `parse` and `build` turn the bytes of a table into dataclasses and back; reserved bytes
are ignored, and written as 0. Whether the devices exist and the addresses make sense is not
checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from typing import Any, ClassVar, Final, TypeAlias

from vtd_plugin.encodings._byte_table import LENGTH, ByteField, ByteStructure, split
from vtd_plugin.encodings._remapping_structures import (
    Andd,
    Atsr,
    DeviceScope,
    DeviceScopeType,
    Drhd,
    Rhsa,
    Rmrr,
    Satc,
    Sidp,
    UnknownStructure,
)

__all__ = [
    "STRUCTURES",
    "Andd",
    "Atsr",
    "DeviceScope",
    "DeviceScopeType",
    "Dmar",
    "DmarFlag",
    "Drhd",
    "RemappingStructure",
    "Rhsa",
    "Rmrr",
    "Satc",
    "Sidp",
    "UnknownStructure",
    "build",
    "parse",
]

RemappingStructure: TypeAlias = Drhd | Rmrr | Atsr | Rhsa | Andd | Satc | Sidp | UnknownStructure

_SIGNATURE: Final = b"DMAR"
_CHECKSUM_OFFSET: Final = 9


class DmarFlag(IntFlag):
    """Flags of the table (section 8.1)."""

    INTR_REMAP = 1
    X2APIC_OPT_OUT = 2
    DMA_CTRL_PLATFORM_OPT_IN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Dmar(ByteStructure):
    """A DMAR table (section 8.1).

    Attributes:
        width: Host address width in bits, less one, as the table holds it; see `haw`.
        structures: The remapping structures, in the order of the table.
        flags: `DmarFlag`s.
        revision: Revision of the table format.
        oem_id: 6 bytes.
        oem_table_id: 8 bytes.
        oem_revision: A number of the maker.
        creator_id: 4 bytes.
        creator_revision: A number of whoever compiled the table.
    """

    NAME: ClassVar[str] = "DMAR_header"
    LAYOUT: ClassVar[tuple[ByteField, ...]] = (
        ByteField(0, 4, "Signature", "DMAR", constant=_SIGNATURE),
        ByteField(4, 4, LENGTH, "whole table"),
        ByteField(8, 1, "Revision", "1", "revision"),
        ByteField(9, 1, "Checksum"),
        ByteField(10, 6, "OEMID", attribute="oem_id", text=True),
        ByteField(16, 8, "OEM Table ID", attribute="oem_table_id", text=True),
        ByteField(24, 4, "OEM Revision", attribute="oem_revision"),
        ByteField(28, 4, "Creator ID", attribute="creator_id", text=True),
        ByteField(32, 4, "Creator Revision", attribute="creator_revision"),
        ByteField(36, 1, "Host Address Width", "HAW-1", "width"),
        ByteField(
            37,
            1,
            "Flags",
            "bit0 INTR_REMAP, bit1 X2APIC_OPT_OUT, bit2 DMA_CTRL_PLATFORM_OPT_IN",
            "flags",
        ),
        ByteField(38, 10, "Reserved"),
        ByteField(48, 0, "Remapping structures", "in type order"),
    )

    width: int
    structures: tuple[RemappingStructure, ...] = ()
    flags: int = 0
    revision: int = 1
    oem_id: bytes = bytes(6)
    oem_table_id: bytes = bytes(8)
    oem_revision: int = 0
    creator_id: bytes = bytes(4)
    creator_revision: int = 0

    @property
    def haw(self) -> int:
        """Host address width in bits."""
        return self.width + 1

    def _variable_part(self) -> bytes:
        return b"".join(structure.to_bytes() for structure in self.structures)

    @classmethod
    def _variable_attributes(cls, tail: bytes) -> dict[str, Any]:
        return {"structures": tuple(_structure(kind, raw) for kind, raw in split("DMAR", tail, 2))}


STRUCTURES: Final[tuple[type[ByteStructure], ...]] = (
    Dmar,
    Drhd,
    Rmrr,
    Atsr,
    Rhsa,
    Andd,
    Satc,
    Sidp,
    DeviceScope,
)
"""All structures, in the order of the architecture's tables."""

_BY_TYPE: Final = (Drhd, Rmrr, Atsr, Rhsa, Andd, Satc, Sidp)


def _structure(kind: int, raw: bytes) -> RemappingStructure:
    return _BY_TYPE[kind].from_bytes(raw) if kind < len(_BY_TYPE) else UnknownStructure(raw)


def build(table: Dmar) -> bytes:
    """Make the bytes of a table, with length and checksum.

    Args:
        table: What it says.

    Raises:
        ValueError: A value does not fit its field.
    """
    raw = bytearray(table.to_bytes())
    raw[_CHECKSUM_OFFSET] = -sum(raw) & 0xFF
    return bytes(raw)


def parse(raw: bytes) -> Dmar:
    """Read a table.

    Args:
        raw: The table; bytes beyond the length it gives are ignored.

    Raises:
        ValueError: Signature, length or checksum are wrong, or a structure is broken.
    """
    if raw[:4] != _SIGNATURE:
        raise ValueError(f"signature {raw[:4]!r} is not {_SIGNATURE!r}")
    length = int.from_bytes(raw[4:8], "little")
    if length > len(raw):
        raise ValueError(f"length {length:#x} is more than the {len(raw):#x} bytes given")
    if sum(raw[:length]) & 0xFF:
        raise ValueError(f"the bytes add up to {sum(raw[:length]) & 0xFF:#x}, not to 0x0")
    return Dmar.from_bytes(raw[:length])
