"""The five phases, as a cocotb test.

What a phase comes to, good or bad, goes into the report; only what breaks the demo itself fails the
test. The environment says where the report goes and whether the unit has the bug.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from hdl_bridge.reset import reset_platform
from hdl_bridge.simulation import WAVES_FILE
from testbenches.demo import report
from testbenches.demo.bug import NO_REFRESH_ON_RESET
from testbenches.demo.firmware import BOOT_BLOCKS, SIGNATURE, SIGNATURE_OFFSET, boot
from testbenches.demo.launch import BUG, REPORT
from testbenches.demo.ledger import Failed, Ledger
from testbenches.demo.machine import Machine
from testbenches.demo.operating_system import BUFFER, OperatingSystem
from testbenches.nvme import BLOCK
from vtd_plugin.cosim import record, timeline_beside

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WORK_BLOCKS: Final = 20
DISK_BLOCKS: Final = 128
UNTOUCHED: Final = b"\xa5"
QUIET_CYCLES: Final = 200


@cocotb.test
async def a_machine_is_reset_with_remapping_on(dut: Any) -> None:
    """Run the phases until one fails."""
    bug = os.environ.get(BUG)
    machine = await Machine.power_up(dut, refresh_on_reset=bug != NO_REFRESH_ON_RESET)
    scenario = Scenario(machine, random.Random(random.getrandbits(32)))
    # There is no other test: the timeline is named like the waveforms.
    record(machine.platform, timeline=timeline_beside(Path(os.environ[WAVES_FILE])))
    for number, (title, note, act) in enumerate(scenario.phases, 1):
        machine.unit_probe.note(f"{number} {note}")
        if not await scenario.run(title, act):
            break


class Scenario:
    """A machine, and what has been on its disk so far."""

    def __init__(self, machine: Machine, rng: random.Random) -> None:
        self._machine = machine
        self._rng = rng
        self._ledger = Ledger(machine.platform, machine.disk_port)
        rest = BOOT_BLOCKS * BLOCK - SIGNATURE_OFFSET - len(SIGNATURE)
        self._boot_blocks = rng.randbytes(SIGNATURE_OFFSET) + SIGNATURE + rng.randbytes(rest)
        machine.write_medium(0, self._boot_blocks)
        self._system = OperatingSystem(machine, rng)
        self._written: dict[int, bytes] = {}

    @property
    def phases(self) -> list[tuple[str, str, Callable[[], Awaitable[str]]]]:
        """Title, note for the waveforms, and what to do; that returns its outcome in words."""
        return [
            ("Firmware boots from the disk", "firmware", self._boot),
            ("OS turns remapping on", "os", self._work),
            ("Reset in mid-transfer", "reset", self._reset),
            ("Firmware boots again", "firmware", self._boot),
            ("OS turns remapping on again", "os", self._work),
        ]

    async def run(self, title: str, act: Callable[[], Awaitable[str]]) -> bool:
        """Run a phase and report it; whether it passed."""
        self._ledger.open(title)
        passed = True
        try:
            outcome = await act()
        except Failed as failure:
            passed = False
            outcome = str(failure)
        report.append(Path(os.environ[REPORT]), self._ledger.close(outcome, passed=passed))
        return passed

    async def _boot(self) -> str:
        loaded = await boot(self._machine)
        self._ledger.verify(loaded, self._boot_blocks, "boot blocks")
        return f"{BOOT_BLOCKS} boot blocks read"

    async def _work(self) -> str:
        """Start a system, read what earlier ones wrote, and write more."""
        self._system = OperatingSystem(self._machine, self._rng)
        await self._system.start()
        for lba, data in self._written.items():
            self._ledger.verify(await self._system.read(lba, len(data)), data, "written before")
        lba = self._free_blocks()
        data = self._rng.randbytes(WORK_BLOCKS * BLOCK)
        await self._system.write(lba, data)
        self._ledger.verify(self._machine.read_medium(lba, len(data)), data, "blocks written")
        self._ledger.verify(await self._system.read(lba, len(data)), data, "blocks read back")
        old = WORK_BLOCKS * len(self._written)
        self._written[lba] = data
        return f"{WORK_BLOCKS} new{f' and {old} old' if old else ''} blocks read back"

    async def _reset(self) -> str:
        """Reset the machine while a read is under way: not one byte may move after that."""
        lba, data = next(iter(self._written.items()))
        self._machine.platform.write(BUFFER, UNTOUCHED * len(data))
        await self._system.begin_read(lba, len(data))
        await self._reset_in_flight()
        landed = self._machine.platform.read(BUFFER, len(data))
        await ClockCycles(self._machine.dut.clk, QUIET_CYCLES)
        moved = _common_prefix(landed, data)
        wanted = data[:moved] + UNTOUCHED * (len(data) - moved)
        self._ledger.verify(self._machine.platform.read(BUFFER, len(data)), wanted, "after reset")
        return f"read stopped at byte {moved} of {len(data)}"

    async def _reset_in_flight(self) -> None:
        machine = self._machine
        await ClockCycles(machine.dut.clk, self._rng.randrange(500, 1500))
        while not machine.disk_port.port.in_flight:
            await RisingEdge(machine.dut.clk)
        await reset_platform(machine.platform, machine.dut.clk, gap=self._rng.randrange(1, 40))
        await machine.disk_reset.released()

    def _free_blocks(self) -> int:
        """Where blocks can be written that nobody has written before."""
        places = range(BOOT_BLOCKS, DISK_BLOCKS - WORK_BLOCKS)
        used = self._written
        free = [lba for lba in places if all(abs(lba - each) >= WORK_BLOCKS for each in used)]
        return self._rng.choice(free)


def _common_prefix(one: bytes, other: bytes) -> int:
    differing = (at for at, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1])
    return next(differing, len(one))
