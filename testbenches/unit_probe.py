"""The state of a VT-d unit, shown in the waveforms beside the RTL.

`UnitProbe` writes into an instance of ``vtd_probe`` (``rtl/vtd_probe.sv``) whenever the platform
tells of something. What one requester sees of the unit is the matter of `hdl_bridge.probe`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cocotb

from vtd_plugin.encodings.registers import FSTS, GSTS
from vtd_plugin.software import Registers

if TYPE_CHECKING:
    from cocotb.task import Task

    from vtd_plugin import Platform
    from vtd_plugin.bus import Event

NOTE_BYTES: Final = 16
"""How long a note may be."""


class UnitProbe:
    """Shows the unit of a platform, from its construction on.

    Args:
        probe: The handle of the ``vtd_probe`` instance.
        platform: The platform, with one unit at the usual address.
    """

    def __init__(self, probe: Any, platform: Platform) -> None:
        self._probe = probe
        self._registers = Registers(platform)
        self._task: Task[None] = cocotb.start_soon(self._show())
        platform.add_observer(self._observe)

    def note(self, text: str) -> None:
        """Show a text, which viewers display when told that the signal is ASCII.

        Raises:
            ValueError: It is longer than `NOTE_BYTES`.
        """
        if len(text) > NOTE_BYTES:
            raise ValueError(f"{text!r} is longer than {NOTE_BYTES} characters")
        self._probe.note.value = int.from_bytes(text.encode("ascii"), "big")

    def _observe(self, event: Event) -> None:  # noqa: ARG002 - every event may be a change
        # Some events come before what they tell of is done: look once the caller has finished.
        if self._task.done():
            self._task = cocotb.start_soon(self._show())

    async def _show(self) -> None:
        probe = self._probe
        status = self._registers.read(GSTS)
        probe.translation.value = status.TES
        probe.root_table.value = status.RTPS
        probe.queue.value = status.QIES
        probe.fault_pending.value = self._registers.read(FSTS).PPF
