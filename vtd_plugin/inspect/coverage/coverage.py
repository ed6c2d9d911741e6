"""What runs exercised: counted while they run, saved, loaded and merged."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from vtd_plugin.inspect.coverage.bins import COVERGROUPS, RESETS
from vtd_plugin.inspect.coverage.collector import Collector
from vtd_plugin.inspect.coverage.files import read_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from vtd_plugin.bus import Platform
    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.inspect.coverage.model import Bin, Covergroup


class Coverage:
    """What was exercised, by covergroup and bin.

    Args:
        platform: What is observed from now on; without one, only what is merged is counted.
    """

    __slots__ = ("_collector", "_counts", "_units")

    def __init__(self, platform: Platform | None = None) -> None:
        self._counts: dict[str, Counter[Bin]] = {group.name: Counter() for group in COVERGROUPS}
        self._units: frozenset[Capabilities] = frozenset()
        self._collector = None if platform is None else Collector(platform, self._count)

    def _count(self, group: Covergroup, *values: str) -> None:
        self._counts[group.name][tuple(map(str, values))] += 1

    def stop(self) -> None:
        """Observe no longer; what was counted stays."""
        if self._collector is not None:
            self._collector.stop()

    @property
    def hits(self) -> dict[str, Counter[Bin]]:
        """How often each bin was hit, by name of its covergroup; a copy."""
        counts = {name: Counter(counter) for name, counter in self._counts.items()}
        if self._collector is not None and self._collector.lone_reset is not None:
            counts[RESETS.name][self._collector.lone_reset] += 1
        return counts

    @property
    def units(self) -> frozenset[Capabilities]:
        """The capabilities of the units that were observed, those of equal units once."""
        return self._units if self._collector is None else self._units | self._collector.units

    def merge(self, *others: Coverage) -> None:
        """Add what other runs counted."""
        for other in others:
            self._units |= other.units
            for name, counter in other.hits.items():
                self._counts[name].update(counter)

    def save(self, path: Path) -> None:
        """Write a JSON file that `load` reads."""
        write_json(self, path)

    @classmethod
    def load(cls, path: Path) -> Coverage:
        """Read what was saved.

        Raises:
            ValueError: The file is no saved coverage, or has bins that this version does not.
            OSError: The file cannot be read.
        """
        coverage = cls()
        hits, coverage._units = read_json(path)
        for name, counter in hits.items():
            coverage._counts[name].update(counter)
        return coverage
