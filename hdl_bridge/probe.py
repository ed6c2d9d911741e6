"""What a requester port does, shown in the waveforms beside the RTL.

`show` writes into an instance of ``bus_probe`` (``hdl_bridge/rtl/bus_probe.sv``) whenever the bus
tells of something that concerns the port. The signals mean what that file says.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hdl_bridge.burst_port import BurstPort
from vtd_plugin.bus import (
    AddressSpaceSwitched,
    AddressType,
    Fault,
    InterruptDelivered,
    Mapped,
    RequestBlocked,
    RequestKind,
    RequestResolved,
    TransferBegan,
    TransferEnded,
    Translation,
    UnclaimedAccess,
    Unmapped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.bus import Event, Platform, RequesterPort

SOURCE: Final = Path(__file__).parent / "rtl" / "bus_probe.sv"
"""The file to build a testbench with."""


def show(probe: Any, platform: Platform, requester: BurstPort | int | str) -> Callable[[], None]:
    """Show what a requester port does.

    Args:
        probe: The handle of the ``bus_probe`` instance.
        platform: The platform of the port.
        requester: The bridge whose port it is: what `hdl_bridge.axi.attach` returned, an
            `AxiMemory`, a `NativeMemory`. Or the source-id of the port, such as that of an endpoint
            on PCIe once it has been enumerated.

    Returns:
        What to call to stop.

    Raises:
        TypeError: `requester` is neither.
        ValueError: It is no source-id.
    """
    if isinstance(requester, BurstPort):
        port = requester.requester.port
    else:
        port = platform.requester(requester)
    return platform.add_observer(_Shown(probe, port).observe)


class _Shown:
    def __init__(self, probe: Any, port: RequesterPort) -> None:
        self._probe = probe
        self._port = port
        self._counts = {"switches": 0, "faults": 0, "interrupts": 0}
        self._mappings = len(port.mappings)
        self._goes_somewhere = False
        # An earlier platform of the simulation may have been shown here.
        for name in (*self._counts, "request_blocked"):
            getattr(probe, name).value = 0
        probe.remapped.value = int(port.space.remapped)
        probe.mappings.value = self._mappings
        self._show_in_flight()

    def observe(self, event: Event) -> None:
        source_id = self._port.source_id
        if isinstance(event, TransferBegan) and event.source_id == source_id:
            self._began(event)
        elif isinstance(event, RequestResolved) and event.source_id == source_id:
            self._resolved(event)
        elif isinstance(event, UnclaimedAccess) and event.source_id == source_id:
            self._probe.request_blocked.value = 1
        elif isinstance(event, TransferEnded) and event.source_id == source_id:
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

    def _began(self, event: TransferBegan) -> None:
        probe = self._probe
        probe.request_iova.value = event.iova
        probe.request_bytes.value = event.size
        probe.request_is_write.value = int(event.attributes.kind is RequestKind.WRITE)
        probe.request_blocked.value = 0
        self._goes_somewhere = False
        self._show_in_flight(1)  # the event of its beginning comes before the port has it

    def _resolved(self, event: RequestResolved) -> None:
        if event.attributes.address_type is AddressType.TRANSLATION:
            return
        if isinstance(event.resolution, Fault):
            self._probe.request_blocked.value = 1
        elif isinstance(event.resolution, Translation) and not self._goes_somewhere:
            self._goes_somewhere = True
            self._probe.request_address.value = event.resolution.address(event.address)

    def _show_in_flight(self, more: int = 0) -> None:
        # The event of an end comes before the port forgets the transfer.
        in_flight = sum(not transfer.ended for transfer in self._port.in_flight)
        self._probe.in_flight.value = in_flight + more

    def _count(self, name: str) -> None:
        self._counts[name] += 1
        getattr(self._probe, name).value = self._counts[name]
