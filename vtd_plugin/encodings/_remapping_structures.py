"""The structures inside a DMAR table, one class each (sections 8.3 to 8.9).

`dmar` is the table around them, and where they are imported from.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

from vtd_plugin.encodings._byte_table import LENGTH, ByteField, ByteStructure, split


class DeviceScopeType(IntEnum):
    """What a device scope names (section 8.3.1)."""

    PCI_ENDPOINT = 1
    PCI_SUB_HIERARCHY = 2
    IOAPIC = 3
    HPET = 4
    ACPI_NAMESPACE_DEVICE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceScope(ByteStructure):
    """A device, or all devices below a bridge (section 8.3.1).

    Attributes:
        kind: `DeviceScopeType`.
        path: Device and function, from the start bus down over bridges.
        start_bus: Bus that the path begins on.
        enumeration_id: I/OxAPIC id, HPET number or ACPI device number.
        flags: Of scopes in SIDP only.
    """

    NAME: ClassVar[str] = "DeviceScope"
    LAYOUT: ClassVar[tuple[ByteField, ...]] = (
        ByteField(
            0,
            1,
            "Type",
            "1 PCI endpoint,2 PCI sub-hierarchy,3 IOAPIC,4 MSI-capable HPET,"
            "5 ACPI namespace device",
            "kind",
        ),
        ByteField(1, 1, LENGTH, "6 + 2*path entries"),
        ByteField(
            2,
            1,
            "Flags",
            "SIDP only (rev 4.0): bit0 nested, bit1 PWSNP, bit2 PGSNP not allowed for "
            "req-w/o-PASID; bit3 ATC hardened, bit4 ATC required; for types 1 and 5 only; "
            "else reserved",
            "flags",
        ),
        ByteField(3, 1, "Reserved", "bytes 2-3 both reserved before rev 4.0"),
        ByteField(
            4, 1, "Enumeration ID", "IOAPIC id / HPET number / ACPI device number", "enumeration_id"
        ),
        ByteField(5, 1, "Start Bus Number", attribute="start_bus"),
        ByteField(6, 0, "Path[]", "pairs (device, function)"),
    )

    kind: int
    path: tuple[tuple[int, int], ...]
    start_bus: int = 0
    enumeration_id: int = 0
    flags: int = 0

    def _variable_part(self) -> bytes:
        numbers = [number for hop in self.path for number in hop]
        for number in numbers:
            if number >> 8:
                raise ValueError(f"{self.NAME} path: {number:#x} does not fit 1 bytes")
        return bytes(numbers)

    @classmethod
    def _variable_attributes(cls, tail: bytes) -> dict[str, Any]:
        if len(tail) % 2:
            raise ValueError(
                f"{cls.NAME} path: {len(tail)} bytes are no pairs of device and function"
            )
        return {"path": tuple(zip(tail[::2], tail[1::2], strict=True))}


@dataclass(frozen=True, slots=True, kw_only=True)
class _ScopedStructure(ByteStructure):
    """A structure that ends in device scopes."""

    scopes: tuple[DeviceScope, ...] = ()

    def _variable_part(self) -> bytes:
        return b"".join(scope.to_bytes() for scope in self.scopes)

    @classmethod
    def _variable_attributes(cls, tail: bytes) -> dict[str, Any]:
        scopes = (DeviceScope.from_bytes(raw) for _kind, raw in split(cls.NAME, tail, 1))
        return {"scopes": tuple(scopes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drhd(_ScopedStructure):
    """DMA-remapping hardware unit definition (section 8.3).

    Attributes:
        register_base: Address of the register set.
        segment: PCI segment.
        flags: `INCLUDE_PCI_ALL`, or 0.
        size: The register set has 2^size pages of 4 KiB.
        scopes: The devices it serves.
    """

    INCLUDE_PCI_ALL: ClassVar[int] = 1

    NAME: ClassVar[str] = "DRHD"
    LAYOUT: ClassVar[tuple[ByteField, ...]] = (
        ByteField(0, 2, "Type", "0", constant=0),
        ByteField(2, 2, LENGTH, "16 + device scopes"),
        ByteField(4, 1, "Flags", "bit0 INCLUDE_PCI_ALL", "flags"),
        ByteField(
            5,
            1,
            "Size",
            "bits 3:0 = N, register set is 2^N 4K pages; reserved before rev 4.0",
            "size",
        ),
        ByteField(6, 2, "Segment Number", attribute="segment"),
        ByteField(8, 8, "Register Base Address", attribute="register_base"),
        ByteField(16, 0, "Device Scope[]"),
    )

    register_base: int
    segment: int = 0
    flags: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rmrr(_ScopedStructure):
    """Reserved memory region that devices must reach at its own addresses (section 8.4).

    Attributes:
        base: First byte, on a 4-KiB border.
        limit: Last byte.
        segment: PCI segment.
        scopes: The devices.
    """

    NAME: ClassVar[str] = "RMRR"
    LAYOUT: ClassVar[tuple[ByteField, ...]] = (
        ByteField(0, 2, "Type", "1", constant=1),
        ByteField(2, 2, LENGTH, "24 + device scopes"),
        ByteField(4, 2, "Reserved"),
        ByteField(6, 2, "Segment Number", attribute="segment"),
        ByteField(8, 8, "Base Address", "4K aligned", "base"),
        ByteField(16, 8, "Limit Address", "inclusive", "limit"),
        ByteField(24, 0, "Device Scope[]"),
    )

    base: int
    limit: int
    segment: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Atsr(_ScopedStructure):
    """Root ports that support ATS (section 8.5).

    Attributes:
        segment: PCI segment.
        flags: `ALL_PORTS`, or 0.
        scopes: The root ports.
    """

    ALL_PORTS: ClassVar[int] = 1

    NAME: ClassVar[str] = "ATSR"
    LAYOUT: ClassVar[tuple[ByteField, ...]] = (
        ByteField(0, 2, "Type", "2", constant=2),
        ByteField(2, 2, LENGTH, "8 + device scopes"),
        ByteField(4, 1, "Flags", "bit0 ALL_PORTS", "flags"),
        ByteField(5, 1, "Reserved"),
        ByteField(6, 2, "Segment Number", attribute="segment"),
        ByteField(8, 0, "Device Scope[]"),
    )

    segment: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhsa(ByteStructure):
    """The proximity domain of a unit (section 8.6).

    Attributes:
        register_base: Address of the unit's register set.
        proximity_domain: The domain it is in.
    """

    NAME: ClassVar[str] = "RHSA"
    LAYOUT: ClassVar[tuple[ByteField, ...]] = (
        ByteField(0, 2, "Type", "3", constant=3),
        ByteField(2, 2, LENGTH, "20"),
        ByteField(4, 4, "Reserved"),
        ByteField(8, 8, "Register Base Address", attribute="register_base"),
        ByteField(16, 4, "Proximity Domain", attribute="proximity_domain"),
    )

    register_base: int
    proximity_domain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Andd(ByteStructure):
    """A device in the ACPI namespace (section 8.7).

    Attributes:
        device_number: Number that device scopes name it by.
        object_name: Its path in the namespace, ASCII.
    """

    NAME: ClassVar[str] = "ANDD"
    LAYOUT: ClassVar[tuple[ByteField, ...]] = (
        ByteField(0, 2, "Type", "4", constant=4),
        ByteField(2, 2, LENGTH, "8 + name"),
        ByteField(4, 3, "Reserved"),
        ByteField(7, 1, "ACPI Device Number", attribute="device_number"),
        ByteField(8, 0, "ACPI Object Name", "NUL-terminated"),
    )

    device_number: int
    object_name: str

    def _variable_part(self) -> bytes:
        return self.object_name.encode("ascii") + b"\0"

    @classmethod
    def _variable_attributes(cls, tail: bytes) -> dict[str, Any]:
        return {"object_name": tail.partition(b"\0")[0].decode("ascii")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Satc(_ScopedStructure):
    """Integrated devices that have an address translation cache (section 8.8).

    Attributes:
        segment: PCI segment.
        flags: `ATC_REQUIRED`, or 0.
        scopes: The devices.
    """

    ATC_REQUIRED: ClassVar[int] = 1

    NAME: ClassVar[str] = "SATC"
    LAYOUT: ClassVar[tuple[ByteField, ...]] = (
        ByteField(0, 2, "Type", "5", constant=5),
        ByteField(2, 2, LENGTH, "8 + device scopes"),
        ByteField(4, 1, "Flags", "bit0 ATC_REQUIRED", "flags"),
        ByteField(5, 1, "Reserved"),
        ByteField(6, 2, "Segment Number", attribute="segment"),
        ByteField(8, 0, "Device Scope[]"),
    )

    segment: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidp(_ScopedStructure):
    """Integrated devices with properties, told by the flags of their scopes (section 8.9).

    Attributes:
        segment: PCI segment.
        scopes: The devices.
    """

    NAME: ClassVar[str] = "SIDP"
    LAYOUT: ClassVar[tuple[ByteField, ...]] = (
        ByteField(0, 2, "Type", "6", constant=6),
        ByteField(2, 2, LENGTH, "8 + device scopes"),
        ByteField(4, 2, "Reserved"),
        ByteField(6, 2, "Segment Number", attribute="segment"),
        ByteField(8, 0, "Device Scope[]"),
    )

    segment: int = 0


@dataclass(frozen=True, slots=True)
class UnknownStructure:
    """A remapping structure of a type that is not described here.

    Attributes:
        raw: All of its bytes, type and length too.
    """

    raw: bytes

    def to_bytes(self) -> bytes:
        """The structure as it stands in a table."""
        return self.raw
