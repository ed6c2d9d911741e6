"""What a host does with sg_dma: registers and descriptors."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbenches.master import Master
    from testbenches.nvme import HostMemory

DESCRIPTOR_BYTES: Final = 32
USER_SHIFT: Final = 8
"""Where AxUSER begins in the flags of a descriptor."""


class Register(IntEnum):
    """Offsets of the registers."""

    ID = 0x00
    CONTROL = 0x04
    STATUS = 0x08
    HEAD = 0x10
    DONE_COUNT = 0x18
    ERROR_COUNT = 0x1C
    ERROR_ADDRESS = 0x20


class Status(IntFlag):
    """Bits of STATUS."""

    BUSY = 1 << 0
    DONE = 1 << 1
    ERROR = 1 << 2
    BAD = 1 << 3
    NOTICE = 1 << 4


class Flags(IntFlag):
    """Flags of a descriptor."""

    NONE = 0
    LAST = 1 << 0
    INTERRUPT = 1 << 1


RUN: Final = 1 << 0
IRQ_ENABLE: Final = 1 << 1


@dataclass(frozen=True, slots=True)
class Copy:
    """One descriptor: what to copy, by the addresses the device is told.

    Attributes:
        source: Where from.
        destination: Where to.
        length: Bytes.
        flags: What else.
        user: AxUSER of its bursts, 24 bits.
    """

    source: int
    destination: int
    length: int
    flags: Flags = Flags.NONE
    user: int = 0


class SgHost:
    """A driver of sg_dma."""

    def __init__(self, master: Master, memory: HostMemory) -> None:
        self.master = master
        self.memory = memory

    def write_chain(self, copies: Sequence[Copy], places: Sequence[int]) -> None:
        """Write descriptors to CPU addresses that the device is told as they are."""
        for number, (copy, place) in enumerate(zip(copies, places, strict=True)):
            is_last = number == len(copies) - 1
            flags = copy.flags | (Flags.LAST if is_last else Flags.NONE)
            following = 0 if is_last else places[number + 1]
            self.memory.write(
                place,
                struct.pack(
                    "<QQQII",
                    copy.source,
                    copy.destination,
                    following,
                    copy.length,
                    flags | copy.user << USER_SHIFT,
                ),
            )

    async def start(self, head: int, *, interrupts: bool = False) -> None:
        """Start at a descriptor."""
        await self.master.write_address(Register.HEAD, head)
        await self.master.write(Register.CONTROL, RUN | (IRQ_ENABLE if interrupts else 0))

    async def stop(self) -> None:
        """Stop, and wait until nothing is in flight."""
        await self.master.write(Register.CONTROL, 0)
        await self.wait_idle()

    async def wait_idle(self, cycles: int = 100_000) -> Status:
        """Wait until the engine is idle; its STATUS."""

        async def idle() -> bool:
            return not await self.master.read(Register.STATUS) & Status.BUSY

        await self.master.until(idle, "end of the chain", cycles)
        return Status(await self.master.read(Register.STATUS) & 0xFF)

    async def error_address(self) -> int:
        """The address of the first burst that failed."""
        low = await self.master.read(Register.ERROR_ADDRESS)
        return low | await self.master.read(Register.ERROR_ADDRESS + 4) << 32
