"""Sorts state switches by what was in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import AddressSpaceSwitched, Platform
from vtd_plugin.inspect.coverage.bins.switches import STATE_SWITCHES, InFlight, Trigger
from vtd_plugin.iommu import VtdUnit

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.sorters.sorter import Count, Handlers

_TRIGGERS: Final = {trigger.value: trigger for trigger in Trigger}
_STATES: Final = (InFlight.IDLE, InFlight.ONE, InFlight.SEVERAL)


class SwitchSorter:
    """Sorts the state switches of requesters.

    Args:
        platform: Whose requesters they are.
        count: Told of each hit.
    """

    __slots__ = ("_count", "_platform", "handlers")

    def __init__(self, platform: Platform, count: Count) -> None:
        self._platform = platform
        self._count = count
        self.handlers: Handlers = {AddressSpaceSwitched: self._switched}

    def _switched(self, event: AddressSpaceSwitched) -> None:
        trigger = _TRIGGERS.get(event.reason)
        port = self._platform.requester(event.source_id)
        if trigger is None or not isinstance(port.unit, VtdUnit):
            return
        self._count(STATE_SWITCHES, trigger, _STATES[min(len(port.in_flight), 2)])
