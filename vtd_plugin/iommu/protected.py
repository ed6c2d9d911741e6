"""Protected memory regions: DMA kept out of two ranges of host memory (§11.4.8).

A blocked request is answered as unsupported and leaves no fault record. The regions hold with
remapping on and off; the unit's own reads of tables and queues are exempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import Answer, Attributes, Fault, Mapping, Transfer
from vtd_plugin.encodings.registers import PHMBASE, PHMLIMIT, PLMBASE, PLMLIMIT, PMEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.iommu.drain import Drains
    from vtd_plugin.iommu.registers import RegisterFile

_ON: Final = "protected memory on"
_OFF: Final = "protected memory off"


class ProtectedMemory:
    """The two regions and their enable handshake.

    Args:
        caps: What regions the unit has.
        registers: The unit's registers.
        drains: Where the handshake waits.
        in_flight: The transfers that began before now.
        changed: Told when other addresses are protected than before.
    """

    __slots__ = ("_caps", "_changed", "_drains", "_in_flight", "_registers", "ranges")

    def __init__(
        self,
        caps: Capabilities,
        registers: RegisterFile,
        drains: Drains,
        in_flight: Callable[[], Iterable[Transfer]],
        changed: Callable[[str], None],
    ) -> None:
        self._caps = caps
        self._registers = registers
        self._drains = drains
        self._in_flight = in_flight
        self._changed = changed
        self.ranges: tuple[tuple[int, int], ...] = ()
        registers.on_write(PMEN, "EPM", self._written)

    def _written(self) -> None:
        enable = self._registers.load(PMEN).EPM
        if not enable and not self.ranges and not self._registers.load(PMEN).PRS:
            return
        self.ranges = self._regions() if enable else ()
        self._changed("protected memory regions")
        wanted, opposite = (_ON, _OFF) if enable else (_OFF, _ON)
        self._drains.cancel(opposite)
        self._drains.start(
            wanted, self._in_flight(), lambda: self._registers.update(PMEN, PRS=enable)
        )

    def _regions(self) -> tuple[tuple[int, int], ...]:
        """What the unit's regions cover; a limit below the base covers nothing (§11.4.8.2)."""
        load = self._registers.load
        found = []
        if self._caps.CAP.PLMR:
            found.append((load(PLMBASE).value, load(PLMLIMIT).value, PLMLIMIT.FIELDS["PLML"].lsb))
        if self._caps.CAP.PHMR:
            found.append((load(PHMBASE).value, load(PHMLIMIT).value, PHMLIMIT.FIELDS["PHML"].lsb))
        # The low bits that a limit has not decode as ones.
        return tuple((base, limit | (1 << lsb) - 1) for base, limit, lsb in found if base <= limit)

    def reset(self) -> None:
        """No region is protected."""
        self.ranges = ()

    def covers(self, first: int, last: int) -> bool:
        """Whether any host address of [first, last] is protected."""
        return any(first <= high and low <= last for low, high in self.ranges)

    def block(self, source_id: int, address: int, attributes: Attributes) -> Fault:
        """The answer to a request whose host address is protected."""
        return Fault(
            0,
            "PMR",
            "The host address lies in a protected memory region",
            Answer.UR,
            source_id,
            address,
            attributes,
            recorded=False,
        )

    def without(self, mappings: Iterable[Mapping]) -> Iterable[Mapping]:
        """The given mappings less what is protected, as listeners are to see them."""
        if not self.ranges:
            return mappings
        return [part for mapping in mappings for part in self._cut(mapping)]

    def _cut(self, mapping: Mapping) -> list[Mapping]:
        parts = [mapping]
        for low, high in self.ranges:
            parts = [piece for part in parts for piece in _outside(part, low, high)]
        return parts


def _outside(mapping: Mapping, low: int, high: int) -> list[Mapping]:
    """What of a mapping lies outside the host addresses [low, high]."""
    shift = mapping.iova - mapping.address
    last = mapping.address + mapping.size - 1
    if high < mapping.address or last < low:
        return [mapping]
    pieces = []
    if mapping.address < low:
        pieces.append(mapping.part(mapping.iova, low - 1 + shift))
    if high < last:
        pieces.append(mapping.part(high + 1 + shift, mapping.last))
    return pieces
