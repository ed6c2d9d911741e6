"""DMA masters in RTL, the cocotb tests that drive them, and the pytest entry that runs those."""
