"""The bus simulator: memory, requester ports, interrupt messages, resets, events and hooks.

It knows nothing of VT-d. An IOMMU is a `Unit` that hands an `AddressSpace` to each port.
"""

from vtd_plugin.bus.atomics import AtomicOperation
from vtd_plugin.bus.contract import (
    AddressSpace,
    Device,
    LeasingUnit,
    Listener,
    MmioTarget,
    ResetKind,
    ResetOrder,
    Unit,
)
from vtd_plugin.bus.events import (
    AddressSpaceSwitched,
    Event,
    InterruptDelivered,
    Mapped,
    RequestBlocked,
    RequestResolved,
    ResetDone,
    TransferBegan,
    TransferEnded,
    UnclaimedAccess,
    Unmapped,
)
from vtd_plugin.bus.hooks import hookimpl, hookspec
from vtd_plugin.bus.interrupts import InterruptMessage
from vtd_plugin.bus.lease import Lease
from vtd_plugin.bus.listeners import AssignedDevice, Shadow
from vtd_plugin.bus.mappings import Mapping
from vtd_plugin.bus.memory import Memory, Region
from vtd_plugin.bus.platform import Platform
from vtd_plugin.bus.port import RequesterPort
from vtd_plugin.bus.registry import Option, Registry
from vtd_plugin.bus.requester import Requester, RequestOptions, TranslationOptions, attributes_of
from vtd_plugin.bus.requests import (
    ALL_ADDRESSES,
    ATOMIC,
    IDENTITY,
    INTERRUPT,
    PAGE_SIZE,
    READ,
    WRITE,
    AddressType,
    Answer,
    Attributes,
    Fault,
    InterruptRequest,
    RequestKind,
    Resolution,
    Translation,
)
from vtd_plugin.bus.result import Result
from vtd_plugin.bus.source_id import format_source_id, parse_source_id
from vtd_plugin.bus.space import (
    DIRECT,
    INTERRUPT_WINDOW_BASE,
    INTERRUPT_WINDOW_LAST,
    INTERRUPT_WINDOW_SIZE,
    DirectSpace,
)
from vtd_plugin.bus.transfer import Transfer
from vtd_plugin.bus.unit_host import UnitHost

__all__ = [
    "ALL_ADDRESSES",
    "ATOMIC",
    "DIRECT",
    "IDENTITY",
    "INTERRUPT",
    "INTERRUPT_WINDOW_BASE",
    "INTERRUPT_WINDOW_LAST",
    "INTERRUPT_WINDOW_SIZE",
    "PAGE_SIZE",
    "READ",
    "WRITE",
    "AddressSpace",
    "AddressSpaceSwitched",
    "AddressType",
    "Answer",
    "AssignedDevice",
    "AtomicOperation",
    "Attributes",
    "Device",
    "DirectSpace",
    "Event",
    "Fault",
    "InterruptDelivered",
    "InterruptMessage",
    "InterruptRequest",
    "Lease",
    "LeasingUnit",
    "Listener",
    "Mapped",
    "Mapping",
    "Memory",
    "MmioTarget",
    "Option",
    "Platform",
    "Region",
    "Registry",
    "RequestBlocked",
    "RequestKind",
    "RequestOptions",
    "RequestResolved",
    "Requester",
    "RequesterPort",
    "ResetDone",
    "ResetKind",
    "ResetOrder",
    "Resolution",
    "Result",
    "Shadow",
    "Transfer",
    "TransferBegan",
    "TransferEnded",
    "Translation",
    "TranslationOptions",
    "UnclaimedAccess",
    "Unit",
    "UnitHost",
    "Unmapped",
    "attributes_of",
    "format_source_id",
    "hookimpl",
    "hookspec",
    "parse_source_id",
]
