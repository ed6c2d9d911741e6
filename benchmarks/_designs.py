"""The designs of the co-simulation benchmark beyond those of the testbenches."""

from __future__ import annotations

from typing import Final

from testbenches.designs import SG_DMA

ENGINE: Final = tuple(
    path for path in SG_DMA.sources if path.stem.startswith(("axil_target", "sg_dma"))
)
"""The files of sg_dma without its testbench."""
