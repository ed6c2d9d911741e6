"""What a host does with nvme_lite: registers, queues, commands and PRPs.

Every buffer has two addresses: where the CPU finds it, and what the device is told. They are the
same without an IOMMU; the callable `iova` says what they are with one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol

from testbenches.master import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from testbenches.master import Master

BLOCK: Final = 512
PAGE: Final = 4096
COMMAND_BYTES: Final = 64
COMPLETION_BYTES: Final = 16


class Register(IntEnum):
    """Offsets of the registers used here."""

    CAP = 0x00
    VS = 0x08
    INTMS = 0x0C
    INTMC = 0x10
    CC = 0x14
    CSTS = 0x1C
    AQA = 0x24
    ASQ = 0x28
    ACQ = 0x30
    MSI_ADDRESS = 0xF00
    MSI_DATA = 0xF08
    MSI_CONTROL = 0xF0C
    DOORBELLS = 0x1000


READY: Final = 1 << 0
FATAL: Final = 1 << 1


class Status(IntEnum):
    """Status of a completion: status code type in bits 10:8, status code in bits 7:0."""

    SUCCESS = 0x000
    INVALID_OPCODE = 0x001
    INVALID_FIELD = 0x002
    DATA_TRANSFER_ERROR = 0x004
    INVALID_NAMESPACE = 0x00B
    PRP_OFFSET_INVALID = 0x013
    LBA_OUT_OF_RANGE = 0x080
    INVALID_CQ = 0x100
    INVALID_QUEUE = 0x101
    INVALID_QUEUE_SIZE = 0x102
    INVALID_DELETION = 0x10C


class HostMemory(Protocol):
    """Memory as the CPU sees it: an AxiRam, or a platform."""

    def read(self, address: int, size: int, /) -> bytes:
        """Read bytes."""

    def write(self, address: int, data: bytes, /) -> object:
        """Write bytes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the host keeps its queues, by CPU address."""

    admin_sq: int = 0x1000
    admin_cq: int = 0x2000
    io_sq: int = 0x3000
    io_cq: int = 0x4000
    prp_lists: int = 0x5000
    entries: int = 8


@dataclass(frozen=True, slots=True)
class Completion:
    """One entry of a completion queue."""

    queue: int
    head: int
    command: int
    status: Status


class QueuePair:
    """The host's side of one submission queue and its completion queue."""

    def __init__(self, number: int, sq: int, cq: int, entries: int) -> None:
        self.number = number
        self.sq = sq
        self.cq = cq
        self.entries = entries
        self.reset()

    def reset(self) -> None:
        """Start over, as the controller does when it is enabled."""
        self.tail = 0
        self.head = 0
        self.phase = 1


class NvmeHost:
    """A driver of nvme_lite, as far as the testbenches need one.

    Attributes:
        master: The controller.
        memory: Memory as the CPU sees it.
        layout: Where the queues are.
    """

    def __init__(
        self,
        master: Master,
        memory: HostMemory,
        layout: Layout | None = None,
        iova: Callable[[int], int] = lambda address: address,
        patience: int = PATIENCE,
    ) -> None:
        """Take a controller.

        Args:
            master: The controller.
            memory: Memory as the CPU sees it.
            layout: Where to keep the queues.
            iova: What the device is told for a CPU address, page by page.
            patience: Clock cycles to wait for the controller at most, each time.
        """
        self.master = master
        self.memory = memory
        self.layout = layout or Layout()
        self.iova = iova
        self._patience = patience
        entries = self.layout.entries
        self.admin = QueuePair(0, self.layout.admin_sq, self.layout.admin_cq, entries)
        self.io = QueuePair(1, self.layout.io_sq, self.layout.io_cq, entries)
        self._next_command = 0

    async def enable(self) -> None:
        """Clear the queues, enable the controller and wait until it is ready."""
        layout = self.layout
        for pair in (self.admin, self.io):
            pair.reset()
            self.memory.write(pair.cq, bytes(COMPLETION_BYTES * pair.entries))
        last = layout.entries - 1
        await self.master.write(Register.AQA, last << 16 | last)
        await self.master.write_address(Register.ASQ, self.iova(layout.admin_sq))
        await self.master.write_address(Register.ACQ, self.iova(layout.admin_cq))
        await self.master.write(Register.CC, 1)
        await self.wait_status(READY, READY)

    async def disable(self) -> None:
        """Disable the controller and wait until it is not ready."""
        await self.master.write(Register.CC, 0)
        await self.wait_status(READY, 0)

    async def wait_status(self, mask: int, value: int) -> None:
        """Wait until CSTS shows a value."""

        async def shows() -> bool:
            return await self.master.read(Register.CSTS) & mask == value

        await self.master.until(shows, f"CSTS & {mask:#x} == {value:#x}", self._patience)

    async def use_messages(self, address: int, data: int) -> None:
        """Have interrupts written as messages."""
        await self.master.write_address(Register.MSI_ADDRESS, address)
        await self.master.write(Register.MSI_DATA, data)
        await self.master.write(Register.MSI_CONTROL, 1)

    async def create_io_queues(self, vector: int = 1) -> None:
        """Create the I/O queue pair, its completions with interrupts."""
        size = (self.layout.entries - 1) << 16 | 1
        queues = (
            (0x05, self.layout.io_cq, vector << 16 | 3),
            (0x01, self.layout.io_sq, 1 << 16 | 1),
        )
        for opcode, address, cdw11 in queues:
            done = await self.admin_command(
                opcode, prps=(self.iova(address), 0), cdw10=size, cdw11=cdw11
            )
            assert done.status is Status.SUCCESS, done

    async def start(self, vector: int = 1) -> None:
        """Enable the controller and create the I/O queues."""
        await self.enable()
        await self.create_io_queues(vector)

    async def admin_command(
        self,
        opcode: int,
        *,
        nsid: int = 0,
        prps: tuple[int, int] = (0, 0),
        cdw10: int = 0,
        cdw11: int = 0,
    ) -> Completion:
        """Do one admin command."""
        dwords = (cdw10, cdw11, 0, 0, 0, 0)
        await self.submit(self.admin, opcode, nsid, prps, dwords)
        return await self.wait_completion(self.admin)

    async def identify(self, cns: int, prps: tuple[int, int], nsid: int = 1) -> Completion:
        """Identify into the page or pages that PRPs name."""
        return await self.admin_command(0x06, nsid=nsid, prps=prps, cdw10=cns)

    async def transfer(
        self, opcode: int, lba: int, blocks: int, prps: tuple[int, int], nsid: int = 1
    ) -> Completion:
        """Do one I/O command: 1 writes the disk, 2 reads it."""
        await self.begin_transfer(opcode, lba, blocks, prps, nsid)
        return await self.wait_completion(self.io)

    async def begin_transfer(
        self, opcode: int, lba: int, blocks: int, prps: tuple[int, int], nsid: int = 1
    ) -> None:
        """Submit one I/O command and ring the doorbell."""
        dwords = (lba & 0xFFFF_FFFF, lba >> 32, blocks - 1, 0, 0, 0)
        await self.submit(self.io, opcode, nsid, prps, dwords)

    async def write_disk(self, lba: int, blocks: int, address: int) -> Completion:
        """Write blocks from a buffer at a CPU address."""
        return await self.transfer(1, lba, blocks, self.prps(address, blocks * BLOCK))

    async def read_disk(self, lba: int, blocks: int, address: int) -> Completion:
        """Read blocks into a buffer at a CPU address."""
        return await self.transfer(2, lba, blocks, self.prps(address, blocks * BLOCK))

    def prps(self, address: int, size: int) -> tuple[int, int]:
        """PRP1 and PRP2 for a buffer that is contiguous for the CPU; may write PRP lists."""
        first = PAGE - address % PAGE
        pages = [self.iova(page) for page in range(address + first, address + size, PAGE)]
        if len(pages) <= 1:
            return self.iova(address), pages[0] if pages else 0
        return self.iova(address), self.iova(self.write_prp_lists(pages))

    def write_prp_lists(self, pages: Sequence[int], at: int | None = None) -> int:
        """Write PRP lists for some pages, chained where a page of lists is full.

        Args:
            pages: What the device is told, page by page.
            at: CPU address of the first entry; a list may begin inside a page.

        Returns:
            The CPU address of the first entry.
        """
        first = position = self.layout.prp_lists if at is None else at
        for number, page in enumerate(pages):
            if position % PAGE == PAGE - 8 and number < len(pages) - 1:
                self.memory.write(position, self.iova(position + 8).to_bytes(8, "little"))
                position += 8
            self.memory.write(position, page.to_bytes(8, "little"))
            position += 8
        return first

    async def submit(
        self,
        pair: QueuePair,
        opcode: int,
        nsid: int,
        prps: tuple[int, int],
        dwords: Sequence[int],
    ) -> int:
        """Put a command into a queue and ring its doorbell.

        Returns:
            Its command identifier.
        """
        self._next_command = (self._next_command + 1) & 0xFFFF
        first = self._next_command << 16 | opcode
        command = struct.pack("<IIQQQQ6I", first, nsid, 0, 0, *prps, *dwords)
        self.memory.write(pair.sq + pair.tail * COMMAND_BYTES, command)
        pair.tail = (pair.tail + 1) % pair.entries
        await self.master.write(Register.DOORBELLS + 8 * pair.number, pair.tail)
        return self._next_command

    async def wait_completion(self, pair: QueuePair) -> Completion:
        """Wait for the next completion of a queue and hand its entry back.

        Raises:
            TimedOut: None came.
        """

        async def there() -> bool:
            return self.peek(pair) is not None

        await self.master.until(there, f"completion in queue {pair.number}", self._patience)
        completion = self.peek(pair)
        assert completion is not None
        pair.head = (pair.head + 1) % pair.entries
        pair.phase ^= pair.head == 0
        await self.master.write(Register.DOORBELLS + 8 * pair.number + 4, pair.head)
        return completion

    def peek(self, pair: QueuePair) -> Completion | None:
        """The next completion of a queue, if it is there."""
        raw = self.memory.read(pair.cq + pair.head * COMPLETION_BYTES, COMPLETION_BYTES)
        _, _, head, queue, command, status = struct.unpack("<IIHHHH", bytes(raw))
        if status & 1 != pair.phase:
            return None
        return Completion(queue, head, command, Status(status >> 1))
