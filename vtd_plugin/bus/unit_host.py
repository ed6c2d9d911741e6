"""The platform as a unit sees it, and a unit as the platform's CPUs see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.bus.contract import Unit
    from vtd_plugin.bus.events import Event
    from vtd_plugin.bus.fabric import Fabric
    from vtd_plugin.bus.interrupts import InterruptMessage
    from vtd_plugin.bus.memory import Memory
    from vtd_plugin.bus.port import RequesterPort
    from vtd_plugin.bus.requests import Translation


class UnitHost:
    """What a unit may use of the platform: memory, its ports, the interrupt side, observers.

    Attributes:
        memory: Physical memory.
        ports: The ports in the unit's scope, in the order they came; the list is live.
    """

    __slots__ = ("_fabric", "memory", "ports")

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self.memory: Memory = fabric.memory
        self.ports: list[RequesterPort] = []

    @property
    def observed(self) -> bool:
        """Whether anybody observes; build no event for nobody."""
        return self._fabric.observed

    def deliver(self, message: InterruptMessage) -> None:
        """Hand an interrupt message to the processors."""
        self._fabric.deliver(message)

    def recall(self, covered: Callable[[Translation], bool]) -> None:
        """Call back the leases whose translation the unit forgets.

        To be called before asking what is in flight: a lease that is not in use ends at once.
        """
        for port in self.ports:
            port.recall(covered)

    def emit(self, event: Event) -> None:
        """Tell every observer."""
        self._fabric.emit(event)


class UnitRegisters:
    """A unit's registers as an MMIO target."""

    __slots__ = ("read", "write")

    def __init__(self, unit: Unit) -> None:
        self.read = unit.read_register
        self.write = unit.write_register
