"""A testbench of a PCIe endpoint, before and after an IOMMU was put into its root complex."""
