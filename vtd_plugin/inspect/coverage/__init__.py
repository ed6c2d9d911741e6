"""Functional coverage: what a run exercised of the units of a platform.

`Coverage` counts while it observes, and is saved, loaded and merged. Reports are in `report`, the
files they go to in `files`.
"""

from vtd_plugin.inspect.coverage.coverage import Coverage

__all__ = ["Coverage"]
