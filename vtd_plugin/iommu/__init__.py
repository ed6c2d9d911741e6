"""The VT-d unit: one module per chapter of the architecture."""

from vtd_plugin.iommu.config import CacheSizes, Replacement, VtdConfig
from vtd_plugin.iommu.unit import VtdUnit

__all__ = ["CacheSizes", "Replacement", "VtdConfig", "VtdUnit"]
