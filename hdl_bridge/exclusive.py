"""Exclusive accesses of AXI: who has read a location exclusively, and whether it still stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    from hdl_bridge.burst_port import BurstPort

    Owner: TypeAlias = tuple[BurstPort, int]
    """A port and an identifier on it (AxID)."""


class ExclusiveMonitor:
    """Reservations of memory, by host physical address.

    All memories that share one see each other's writes, under whatever addresses their masters
    know the bytes. It does not see writes that take another way: those of processors, or of
    masters on other ports. A reset of the requester, or of the platform's masters, takes the
    reservations of its port.
    """

    def __init__(self) -> None:
        """Start without reservations."""
        # First address, size, and how often the requester had been reset.
        self._reserved: dict[Owner, tuple[int, int, int]] = {}

    def reserve(self, owner: Owner, address: int, size: int) -> None:
        """An exclusive read: the owner's earlier reservation goes, and this one stands."""
        self._reserved[owner] = (address, size, _resets(owner))

    def claim(self, owner: Owner, address: int, size: int) -> bool:
        """An exclusive write: whether just these bytes are reserved still; they are no more."""
        return self._reserved.pop(owner, None) == (address, size, _resets(owner))

    def forget(self, port: BurstPort) -> None:
        """A reset of what the port is built into: all reservations go that are the port's."""
        for owner in [owner for owner in self._reserved if owner[0] is port]:
            del self._reserved[owner]

    def written(self, address: int, size: int) -> None:
        """A write: reservations of any of its bytes go."""
        gone = [
            owner
            for owner, (first, length, _) in self._reserved.items()
            if address < first + length and first < address + size
        ]
        for owner in gone:
            del self._reserved[owner]


def _resets(owner: Owner) -> int:
    port, _ = owner
    return port.requester.port.resets
