"""The VT-d unit as a plug-in of the bus simulator: it registers the way any third party does."""

from __future__ import annotations

from typing import Final

from vtd_plugin.bus import Option, Registry, hookimpl
from vtd_plugin.iommu.config import VtdConfig
from vtd_plugin.iommu.unit import VtdUnit

_SMALL: Final = VtdConfig().capabilities

_OPTIONS: Final = (
    Option("version", int, _SMALL.version, "version register: major in bits 7:4, minor in 3:0"),
    Option("cap", int, _SMALL.cap, "capability register"),
    Option("ecap", int, _SMALL.ecap, "extended capability register"),
    Option("host_address_width", int, _SMALL.haw, "physical address bits of the platform"),
    Option("name", str, "vtd", "what events and reports call the unit"),
)


def _build(version: int, cap: int, ecap: int, host_address_width: int, name: str) -> VtdUnit:
    config = VtdConfig.from_registers(version, cap, ecap, host_address_width=host_address_width)
    return VtdUnit(config, name=name)


@hookimpl
def vtd_plugin_register(registry: Registry) -> None:
    """Offer the unit under the name ``vtd``, described by its register values."""
    registry.add_unit("vtd", _build, _OPTIONS, "Intel VT-d DMA-remapping unit")
