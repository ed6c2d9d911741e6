"""The bug that the project began with, to see that the demo would notice it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin import VtdUnit
from vtd_plugin.bus import ALL_ADDRESSES

if TYPE_CHECKING:
    from vtd_plugin import RequesterPort, ResetKind, VtdConfig
    from vtd_plugin.bus import UnitHost

NO_REFRESH_ON_RESET: Final = "no-refresh-on-reset"
"""What the bug is called."""


class NoRefreshOnReset(VtdUnit):
    """A unit whose reset forgets the address spaces of its requesters.

    Everything else about it is as it should be: registers, caches and queue are reset, and the
    mappings of the old tables are taken back. But no requester is given an address space afresh,
    and so each keeps the remapped one, in which nothing is mapped any more.
    """

    def __init__(self, config: VtdConfig | None = None) -> None:
        super().__init__(config)
        self._ports: list[RequesterPort] = []

    def attach(self, host: UnitHost) -> None:
        """Take the platform's side (`Unit.attach`)."""
        self._ports = host.ports
        super().attach(host)

    def reset(self, kind: ResetKind) -> None:
        """Reset the unit, and leave its requesters as they are."""
        ports = self._ports.copy()
        # A unit that knows of no requester refreshes none.
        self._ports.clear()
        super().reset(kind)
        self._ports.extend(ports)
        for port in ports:
            port.update(0, ALL_ADDRESSES, ())
