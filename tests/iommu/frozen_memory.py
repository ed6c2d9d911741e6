"""A unit that cannot write some table entries it can read, as with memory that fails on writes.

No other way leads into the conditions of failed accessed and dirty updates: RAM that was read can
be written. The memory is the platform's own; only compare-and-exchange is refused where asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin import VtdUnit
from vtd_plugin.bus import Memory

if TYPE_CHECKING:
    from vtd_plugin import VtdConfig
    from vtd_plugin.bus import UnitHost


class FrozenMemory(Memory):
    """The same RAM as another memory, with entries that refuse atomic updates.

    Attributes:
        frozen: Addresses of the entries.
    """

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.frozen: set[int] = set()
        for region in memory.regions:
            view = memory.view(region.base, region.size)
            assert view is not None
            self.add(region.base, view)

    def compare_exchange_u64(self, address: int, expected: int, new: int) -> bool | None:
        """See `Memory.compare_exchange_u64`."""
        if address in self.frozen:
            return None
        return super().compare_exchange_u64(address, expected, new)


class UnitOverFrozenMemory(VtdUnit):
    """A unit that sees the platform's memory as `FrozenMemory`.

    Attributes:
        memory: What it sees; set when it is added to a platform.
    """

    memory: FrozenMemory

    def __init__(self, config: VtdConfig) -> None:
        super().__init__(config)

    def attach(self, host: UnitHost) -> None:
        """See `Unit.attach`."""
        self.memory = FrozenMemory(host.memory)
        host.memory = self.memory
        super().attach(host)
