"""Exclusive accesses of AXI: who has read a location exclusively, and whether it still stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import TypeAlias

    from vtd_plugin.bus import ResetKind

    Owner: TypeAlias = tuple[Hashable, int]
    """A port and an identifier on it (AxID)."""


class ExclusiveMonitor:
    """Reservations of memory, by host physical address.

    All memories that share one see each other's writes, under whatever addresses their masters
    know the bytes. It does not see writes that take another way: those of processors, or of
    masters on other ports. As a device of the platform, ``platform.add_device(monitor)``, it
    forgets all reservations when the platform resets its masters.

    Attributes:
        name: What reports call it.
    """

    def __init__(self, name: str = "exclusive-monitor") -> None:
        """Start without reservations.

        Args:
            name: Unique on its platform.
        """
        self.name = name
        self._reserved: dict[Owner, tuple[int, int]] = {}

    def reserve(self, owner: Owner, address: int, size: int) -> None:
        """An exclusive read: the owner's earlier reservation goes, and this one stands."""
        self._reserved[owner] = (address, size)

    def claim(self, owner: Owner, address: int, size: int) -> bool:
        """An exclusive write: whether just these bytes are reserved still; they are no more."""
        return self._reserved.pop(owner, None) == (address, size)

    def forget(self, port: Hashable) -> None:
        """A reset: all reservations go whose owner is something of that port."""
        for owner in [owner for owner in self._reserved if owner[0] is port]:
            del self._reserved[owner]

    def reset(self, kind: ResetKind) -> None:  # noqa: ARG002 - it is the same for all kinds
        """A reset of the platform: all reservations go; see `Device.reset`."""
        self._reserved.clear()

    def written(self, address: int, size: int) -> None:
        """A write: reservations of any of its bytes go."""
        gone = [
            owner
            for owner, (first, length) in self._reserved.items()
            if address < first + length and first < address + size
        ]
        for owner in gone:
            del self._reserved[owner]
