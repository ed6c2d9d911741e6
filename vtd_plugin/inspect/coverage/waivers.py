"""Waivers: bins that need not be covered, each with the reason.

A waiver file is TOML with one table. Its keys are patterns for the lines in which reports name
bins, with ``*``, ``?`` and ``[...]`` as in a shell; its values are reasons::

    [waivers]
    "requests.tables: nested" = "no guest of ours has an IOMMU of its own"
    "requests.cross: atomic, *, fault" = "the disk has no atomic requests that fail"

A pattern for a value of an axis waives all crosses with it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from vtd_plugin.inspect.coverage.bins import COVERGROUPS
from vtd_plugin.inspect.coverage.model import CROSS

if TYPE_CHECKING:
    from pathlib import Path

    from vtd_plugin.inspect.coverage.model import Bin, Covergroup

_TABLE: Final = "waivers"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Bins that need not be covered.

    Attributes:
        pattern: Which, as reports name them.
        reason: Why not.
    """

    pattern: str
    reason: str

    def crosses(self, group: Covergroup) -> list[Bin]:
        """The crosses of a group that it waives."""
        named = [
            {value for value in axis.bins if self._matches(group, axis.name, value)}
            for axis in group.axes
        ]
        return [
            cross
            for cross in group.bins
            if any(value in values for value, values in zip(cross, named, strict=True))
            or self._matches(group, CROSS, ", ".join(cross))
        ]

    def _matches(self, group: Covergroup, point: str, values: str) -> bool:
        return fnmatchcase(f"{group.name}.{point}: {values}", self.pattern)


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """Read a waiver file.

    Raises:
        ValueError: The file is no waiver file, a reason is missing, or there is no bin that a
            pattern matches.
        OSError: The file cannot be read.
    """
    try:
        document = tomllib.loads(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: no TOML: {error}") from error
    table = document.pop(_TABLE, None)
    if document or not isinstance(table, dict):
        raise ValueError(f"{path}: a waiver file has one table, [{_TABLE}]")
    for pattern, reason in table.items():
        if not isinstance(reason, str) or not reason.strip():
            raise ValueError(f"{path}: {pattern!r} has no reason, but {reason!r}")
    waivers = tuple(Waiver(pattern, reason) for pattern, reason in table.items())
    unknown = [each.pattern for each in waivers if not any(map(each.crosses, COVERGROUPS))]
    if unknown:
        raise ValueError(f"{path}: no bin matches {', '.join(map(repr, unknown))}")
    return waivers
