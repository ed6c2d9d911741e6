"""The API reference: what the docstrings of all public names say, as HTML pages.

Make it with ``make docs``, or ``python -m tests.docs.reference FOLDER``. Each name is on one page:
`vtd_plugin` itself, which repeats names of `vtd_plugin.bus` and `vtd_plugin.iommu`, has none.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Final

import pdoc
import pdoc.render

SHOWN: Final = (
    "vtd_plugin.bus",
    "vtd_plugin.bus.testing",
    "vtd_plugin.bus.fixtures",
    "vtd_plugin.iommu",
    "vtd_plugin.iommu.events",
    "vtd_plugin.software",
    "vtd_plugin.encodings",
    "vtd_plugin.inspect",
    "vtd_plugin.cosim",
    "hdl_bridge",
)
"""With their submodules, unless `__all__` says which names a package has."""

PARTS: Final = (
    r".*\._",
    r"vtd_plugin\.inspect\.(trace_events|vector)",
    r"hdl_bridge\.(axi|pcie|wishbone)\..*",
    r"hdl_bridge\.(axi_lite|burst_port|bursts|names)",
)
"""Patterns of modules whose names are either nobody's business or shown on another page."""


def write(folder: Path) -> None:
    """Write the pages into a folder."""
    pdoc.render.configure(docformat="google")
    with warnings.catch_warnings():
        # pdoc looks for the types of a NamedTuple's fields in a module that is not there.
        warnings.filterwarnings("ignore", r"Error parsing type annotation .* hdl_bridge\.wishbone")
        pdoc.pdoc(*SHOWN, *(f"!{pattern}" for pattern in PARTS), output_directory=folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
