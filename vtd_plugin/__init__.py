"""An open, exact model of the Intel VT-d IOMMU, and the bus it sits on."""

from vtd_plugin.bus import (
    AddressType,
    Answer,
    Fault,
    InterruptMessage,
    Platform,
    RequesterPort,
    ResetKind,
    Result,
    Transfer,
    Translation,
    format_source_id,
    parse_source_id,
)
from vtd_plugin.iommu import VtdConfig, VtdUnit

__all__ = [
    "AddressType",
    "Answer",
    "Fault",
    "InterruptMessage",
    "Platform",
    "RequesterPort",
    "ResetKind",
    "Result",
    "Transfer",
    "Translation",
    "VtdConfig",
    "VtdUnit",
    "format_source_id",
    "parse_source_id",
]
