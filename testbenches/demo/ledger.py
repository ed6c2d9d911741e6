"""Keeping count of what happens in a phase, from what the platform tells its observers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cocotb.simtime import get_sim_time

from testbenches.demo.report import BlockedRequest, Phase
from vtd_plugin.bus import AddressSpaceSwitched, RequestBlocked
from vtd_plugin.encodings.registers import GSTS
from vtd_plugin.software import Registers

if TYPE_CHECKING:
    from vtd_plugin import Platform
    from vtd_plugin.bus import AssignedDevice, Event


class Failed(Exception):  # noqa: N818 - a phase has failed; this is how it is told
    """A phase did not go as it must; the message says why."""


class Ledger:
    """Counts what concerns one device, phase by phase."""

    def __init__(self, platform: Platform, device: AssignedDevice) -> None:
        self._registers = Registers(platform)
        self._device = device
        self.open("")
        platform.add_observer(self._observe)

    def open(self, title: str) -> None:
        """Begin a phase."""
        self._title = title
        self._began_ns = get_sim_time("ns")
        self._switches = 0
        self._verified = 0
        self._blocked: list[BlockedRequest] = []

    def verify(self, found: bytes, wanted: bytes, what: str) -> None:
        """Compare bytes, and count them.

        Raises:
            Failed: They differ.
        """
        for offset, (one, other) in enumerate(zip(found, wanted, strict=True)):
            if one != other:
                raise Failed(f"{what}: byte {offset:#x} is {one:#04x}, not {other:#04x}")
        self._verified += len(wanted)

    def close(self, outcome: str, *, passed: bool) -> Phase:
        """End the phase."""
        shadow = self._device.shadow
        return Phase(
            title=self._title,
            began_ns=self._began_ns,
            ended_ns=get_sim_time("ns"),
            translation=bool(self._registers.read(GSTS).TES),
            remapped=shadow.remapped,
            switches=self._switches,
            mappings=len(shadow.mappings),
            blocked=tuple(self._blocked),
            verified=self._verified,
            passed=passed,
            outcome=outcome,
        )

    def _observe(self, event: Event) -> None:
        source_id = self._device.source_id
        if isinstance(event, AddressSpaceSwitched):
            self._switches += event.source_id == source_id
        elif isinstance(event, RequestBlocked) and event.fault.source_id == source_id:
            fault = event.fault
            kind = fault.attributes.kind.name.lower()
            now = get_sim_time("ns")
            self._blocked.append(BlockedRequest(now, kind, fault.address, fault.name, fault.text))
