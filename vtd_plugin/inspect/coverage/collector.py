"""The observer behind functional coverage: it hands events of the bus and of units to sorters."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from vtd_plugin.inspect.coverage.sorters.faults import FaultSorter
from vtd_plugin.inspect.coverage.sorters.interrupts import InterruptSorter
from vtd_plugin.inspect.coverage.sorters.invalidations import InvalidationSorter
from vtd_plugin.inspect.coverage.sorters.page_requests import PageRequestSorter
from vtd_plugin.inspect.coverage.sorters.queue import QueueSorter
from vtd_plugin.inspect.coverage.sorters.requests import RequestSorter
from vtd_plugin.inspect.coverage.sorters.resets import ResetSorter
from vtd_plugin.inspect.coverage.sorters.switches import SwitchSorter
from vtd_plugin.iommu import VtdUnit

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.bus import Event, Platform
    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.inspect.coverage.model import Bin
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Sorter


class Collector:
    """Sorts the events of a platform into bins.

    Args:
        platform: What is observed from now on.
        count: Told of each hit.

    Attributes:
        stop: What to call to observe no longer.
    """

    __slots__ = ("_handlers", "_platform", "_resets", "stop")

    def __init__(self, platform: Platform, count: Count) -> None:
        self._platform = platform
        self._resets = ResetSorter(count)
        sorters: tuple[Sorter, ...] = (
            RequestSorter(platform, count),
            FaultSorter(count),
            InterruptSorter(count),
            PageRequestSorter(count),
            InvalidationSorter(platform, count),
            QueueSorter(count),
            SwitchSorter(platform, count),
            self._resets,
        )
        self._handlers: dict[type[Event], list[Callable[[Any], None]]] = defaultdict(list)
        for sorter in sorters:
            for kind, handler in sorter.handlers.items():
                self._handlers[kind].append(handler)
        self.stop = platform.add_observer(self._observe)

    @property
    def lone_reset(self) -> Bin | None:
        """A half of the platform that was reset and whose other half, so far, was not."""
        return self._resets.lone_half

    @property
    def units(self) -> frozenset[Capabilities]:
        """The capabilities of the platform's units, as far as they are units of ours."""
        units = (unit for unit in self._platform.units if isinstance(unit, VtdUnit))
        return frozenset(unit.config.capabilities for unit in units)

    def _observe(self, event: Event) -> None:
        for handler in self._handlers.get(type(event), ()):
            handler(event)
