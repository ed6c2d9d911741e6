"""A DMA engine on PCIe in RTL, behind the IOMMU of a root complex."""
