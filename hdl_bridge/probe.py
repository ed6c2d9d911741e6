"""What a requester port does, shown in the waveforms beside the RTL.

`show` writes into an instance of ``bus_probe`` (``hdl_bridge/rtl/bus_probe.sv``) whenever the bus
tells of something that concerns the port. The signals mean what that file says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vtd_plugin.bus import (
    AddressSpaceSwitched,
    InterruptDelivered,
    Mapped,
    RequestBlocked,
    TransferEnded,
    Unmapped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from hdl_bridge.burst_port import BurstPort
    from vtd_plugin.bus import Event, Platform, Transfer

SOURCE: Final = Path(__file__).parent / "rtl" / "bus_probe.sv"
"""The file to build a testbench with."""


def show(probe: Any, platform: Platform, bridge: BurstPort) -> Callable[[], None]:
    """Show what the port behind a bridge does.

    Args:
        probe: The handle of the ``bus_probe`` instance.
        platform: The platform of the port.
        bridge: What `hdl_bridge.axi.attach` returned, or an `AxiMemory`.

    Returns:
        What to call to stop.
    """
    shown = _Shown(probe, bridge)
    bridge.listeners.append(shown.began)
    stop_observing = platform.add_observer(shown.observe)

    def stop() -> None:
        bridge.listeners.remove(shown.began)
        stop_observing()

    return stop


class _Shown:
    def __init__(self, probe: Any, bridge: BurstPort) -> None:
        self._probe = probe
        self._port = bridge.requester.port
        self._counts = {"switches": 0, "faults": 0, "interrupts": 0}
        self._mappings = len(self._port.mappings)
        probe.remapped.value = int(self._port.space.remapped)
        probe.mappings.value = self._mappings

    def began(self, transfer: Transfer) -> None:
        probe = self._probe
        probe.request_iova.value = transfer.iova
        probe.request_bytes.value = transfer.size
        probe.request_is_write.value = int(transfer.is_write)
        probe.request_blocked.value = int(not transfer.ok)
        if transfer.translations:
            _, _, translation = transfer.translations[0]
            probe.request_address.value = translation.address(transfer.iova)
        self._show_in_flight()

    def observe(self, event: Event) -> None:
        source_id = self._port.source_id
        if isinstance(event, TransferEnded) and event.source_id == source_id:
            self._show_in_flight()
        elif isinstance(event, AddressSpaceSwitched) and event.source_id == source_id:
            self._probe.remapped.value = int(event.after.remapped)
            self._count("switches")
        elif isinstance(event, Mapped | Unmapped) and event.source_id == source_id:
            self._mappings += 1 if isinstance(event, Mapped) else -1
            self._probe.mappings.value = self._mappings
        elif isinstance(event, RequestBlocked) and event.fault.source_id == source_id:
            self._probe.fault_iova.value = event.fault.address
            self._probe.fault_code.value = event.fault.code
            self._count("faults")
        elif isinstance(event, InterruptDelivered) and event.message.source_id == source_id:
            self._probe.interrupt_data.value = event.message.data
            self._count("interrupts")

    def _show_in_flight(self) -> None:
        # The event of an end comes before the port forgets the transfer.
        in_flight = sum(not transfer.ended for transfer in self._port.in_flight)
        self._probe.in_flight.value = in_flight

    def _count(self, name: str) -> None:
        self._counts[name] += 1
        getattr(self._probe, name).value = self._counts[name]
