"""A VT-d unit, shown in the waveforms beside the RTL.

`UnitProbe` writes into an instance of ``vtd_probe`` (``rtl/vtd_probe.sv``); the signals mean what
that file says. What one requester sees of the unit is the matter of `hdl_bridge.probe`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cocotb

from vtd_plugin.bus import AddressSpaceSwitched, RequestBlocked
from vtd_plugin.encodings.registers import FSTS, GSTS, Register
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.events import DrainBegan, Invalidated, TablesWalked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from cocotb.task import Task

    from vtd_plugin.bus import Event, Platform
    from vtd_plugin.iommu import VtdUnit

    RegisterT = TypeVar("RegisterT", bound=Register)

NOTE_BYTES: Final = 16
"""How long a note may be."""

_TEXT_BYTES: Final = 32
_COUNTERS: Final = ("walks", "invalidations", "drains_began", "switches", "faults")


class UnitProbe:
    """Shows a unit, from its construction on.

    Args:
        probe: The handle of the ``vtd_probe`` instance.
        platform: The platform of the unit.
        unit: The unit.

    Attributes:
        stop: What to call to stop.

    Raises:
        ValueError: The unit is not on that platform.
    """

    def __init__(self, probe: Any, platform: Platform, unit: VtdUnit) -> None:
        if unit not in platform.units:
            raise ValueError(f"unit {unit.name!r} is not among the units of the platform")
        self._probe = probe
        self._platform = platform
        self._unit = unit
        self._shown: dict[str, int] = {}
        self._counts = dict.fromkeys(_COUNTERS, 0)
        self._counts["drains_began"] = len(unit.waiting)
        self._handlers: Mapping[type[Event], Callable[[Any], None]] = {
            TablesWalked: self._walked,
            Invalidated: self._invalidated,
            DrainBegan: self._drain_began,
            AddressSpaceSwitched: self._switched,
            RequestBlocked: self._blocked,
        }
        # An earlier platform of the simulation may have been shown here.
        self._show(**self._counts)
        self._task: Task[None] = cocotb.start_soon(self._show_state())
        self.stop = platform.add_observer(self._observe)

    def note(self, text: str) -> None:
        """Show a text, which viewers display when told that the signal is ASCII.

        Raises:
            ValueError: It is longer than `NOTE_BYTES`.
        """
        if len(text) > NOTE_BYTES:
            raise ValueError(f"{text!r} is longer than {NOTE_BYTES} characters")
        self._show(note=_ascii(text))

    def _observe(self, event: Event) -> None:
        if getattr(event, "unit", self._unit.name) != self._unit.name:
            return
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)
        # Some events come before what they tell of is done: look once the caller has finished.
        if self._task.done():
            self._task = cocotb.start_soon(self._show_state())

    async def _show_state(self) -> None:
        status, cached = self._read(GSTS), self._unit.cached
        draining = len(self._unit.waiting)
        self._show(
            translation=status.TES,
            root_table=status.RTPS,
            interrupt_remapping=status.IRES,
            queue=status.QIES,
            fault_pending=self._read(FSTS).PPF,
            draining=draining,
            drains_ended=self._counts["drains_began"] - draining,
            context_entries=cached.context,
            pasid_entries=cached.pasid,
            structure_entries=cached.paging_structure,
            iotlb_entries=cached.iotlb,
            interrupt_entries=cached.interrupt_entry,
        )

    # --- events

    def _walked(self, event: TablesWalked) -> None:
        self._count(
            "walks",
            walk_source_id=event.source_id,
            walk_iova=event.address,
            walk_found=isinstance(event.found, IotlbEntry),
        )

    def _invalidated(self, event: Invalidated) -> None:
        self._count("invalidations", invalidation=_ascii(f"{event.cache} {event.granularity}"))

    def _drain_began(self, event: DrainBegan) -> None:
        self._count("drains_began", drain=_ascii(event.operation))

    def _switched(self, event: AddressSpaceSwitched) -> None:
        if self._serves(event.source_id):
            self._count("switches", switch_source_id=event.source_id)

    def _blocked(self, event: RequestBlocked) -> None:
        fault = event.fault
        if self._serves(fault.source_id):
            self._count(
                "faults",
                fault_source_id=fault.source_id,
                fault_iova=fault.address,
                fault_code=fault.code,
            )

    # --- signals

    def _serves(self, source_id: int) -> bool:
        ports = self._platform.ports
        return any(port.source_id == source_id and port.unit is self._unit for port in ports)

    def _read(self, register: type[RegisterT]) -> RegisterT:
        offset = register.offset_in(self._unit.config.capabilities)
        return register(self._unit.read_register(offset, register.BITS // 8))

    def _count(self, name: str, **last: int) -> None:
        self._counts[name] += 1
        self._show(**{name: self._counts[name]}, **last)

    def _show(self, **signals: int) -> None:
        for name, value in signals.items():
            if self._shown.get(name) != value:
                self._shown[name] = value
                getattr(self._probe, name).value = value


def _ascii(text: str) -> int:
    return int.from_bytes(text.encode("ascii")[:_TEXT_BYTES], "big")
