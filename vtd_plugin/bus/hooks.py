"""The hooks through which plug-ins take part in a platform.

Marker, entry-point group and hook prefix carry one name, ``vtd_plugin``. Hooks are called while a
platform is put together, never for a DMA: a hook call costs a microsecond, a method 24 ns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.bus.contract import Unit
    from vtd_plugin.bus.events import Event
    from vtd_plugin.bus.platform import Platform
    from vtd_plugin.bus.registry import Registry

PROJECT: Final = "vtd_plugin"
"""Name of the entry-point group, and prefix of every hook."""

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plug-in as the implementation of the hook of the same name."""


class HookSpecs:
    """What a plug-in may implement; every hook is optional."""

    @hookspec
    def vtd_plugin_register(self, registry: Registry) -> None:
        """Offer kinds of units and devices by name, with the options each of them takes.

        Called once, while the platform is constructed.
        """

    @hookspec
    def vtd_plugin_observe(self, platform: Platform) -> Callable[[Event], object] | None:
        """Observe the platform: return what is to be called with each event, or None.

        Called once, at the end of the platform's construction.
        """

    @hookspec(historic=True)
    def vtd_plugin_unit_added(self, platform: Platform, unit: Unit) -> None:
        """A unit was added; a plug-in that registers later hears of it then."""

    @hookspec(firstresult=True)
    def vtd_plugin_claim(self, platform: Platform, source_id: int) -> Unit | None:
        """Say which unit of the platform takes a new requester, or None to leave it to others.

        Asked for a requester that no unit names in its scope: when it is first used, and when a
        unit is added while nobody has taken it.
        """
