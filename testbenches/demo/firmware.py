"""Firmware that boots from the disk: it polls, it gives up after a while, it knows no IOMMU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbenches.demo.ledger import Failed
from testbenches.master import TimedOut
from testbenches.nvme import BLOCK, FATAL, NvmeHost, Register, Status

if TYPE_CHECKING:
    from testbenches.demo.machine import Machine

BOOT_BLOCKS: Final = 8
BOOT_ADDRESS: Final = 0x7C00
SIGNATURE: Final = b"\x55\xaa"
SIGNATURE_OFFSET: Final = 510
PATIENCE: Final = 10_000
"""Clock cycles that it waits for the disk."""


async def boot(machine: Machine) -> bytes:
    """Set the disk's controller up and load the boot blocks.

    Every address it gives to the disk is the address of memory.

    Args:
        machine: The machine it runs on.

    Returns:
        What it has loaded.

    Raises:
        Failed: The disk did not answer in time, or is not bootable.
    """
    disk = NvmeHost(machine.controller, machine.platform, patience=PATIENCE)
    try:
        await disk.disable()
        await disk.start()
        done = await disk.read_disk(0, BOOT_BLOCKS, BOOT_ADDRESS)
    except TimedOut as error:
        status = await machine.controller.read(Register.CSTS)
        fatal = "; the disk reports a fatal error (CSTS.CFS)" if status & FATAL else ""
        raise Failed(f"time-out: {error}{fatal}") from error
    if done.status is not Status.SUCCESS:
        raise Failed(f"the disk answered {done.status.name}")
    loaded = machine.platform.read(BOOT_ADDRESS, BOOT_BLOCKS * BLOCK)
    if loaded[SIGNATURE_OFFSET:][:2] != SIGNATURE:
        raise Failed("no boot signature")
    return loaded
