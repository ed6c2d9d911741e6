"""A testbench of a DMA engine, before and after an IOMMU was put behind it."""
