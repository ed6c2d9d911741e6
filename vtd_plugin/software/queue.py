"""The invalidation queue, from the side that writes it (sections 6.5.2 and 11.4.9).

A ring of descriptors in memory: software writes them and moves the tail, hardware follows with the
head. That descriptors are done is told by a wait descriptor, which writes a number to memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtd_plugin.bus.source_id import format_source_id
from vtd_plugin.encodings.codes import QueueError
from vtd_plugin.encodings.registers import FSTS, IQA, IQERCD, IQH, IQT
from vtd_plugin.encodings.structures import InvalidationWait
from vtd_plugin.software.commands import Command, GlobalCommand
from vtd_plugin.software.frames import FRAME_BYTES
from vtd_plugin.software.polling import Pending, Timeout

if TYPE_CHECKING:
    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator
    from vtd_plugin.software.mmio import Registers

NARROW_BYTES: Final = 16
WIDE_BYTES: Final = 32
_MAX_ORDER: Final = 7
_STATUS_BYTES: Final = 4
_NUMBERS: Final = 1 << 32
_ERRORS: Final = {error.value: error for error in QueueError}
_NEEDS_RESTART: Final = frozenset(
    {QueueError.BAD_TAIL, QueueError.BAD_WIDTH, QueueError.TAIL_MISALIGNED, QueueError.BAD_TTM}
)
"""Errors of the queue as a whole: no descriptor is at fault."""


@dataclass(frozen=True, slots=True)
class QueueStop:
    """Why the queue does not go on.

    Attributes:
        error: What is wrong with the queue or its next descriptor; None if only a device failed.
        descriptor: The bits of the descriptor that the head is at.
        offset: Offset of that descriptor in the queue, in bytes.
        timed_out_device: Source-id of the device that did not answer a device-TLB invalidation.
    """

    error: QueueError | None
    descriptor: int
    offset: int
    timed_out_device: int | None

    def __str__(self) -> str:
        causes = []
        if self.error is not None:
            causes.append(f"{self.error.name} ({self.error.meaning})")
        if self.timed_out_device is not None:
            causes.append(f"{format_source_id(self.timed_out_device)} did not answer in time")
        where = f"descriptor {self.descriptor:#x} at {self.offset:#x}"
        return f"the invalidation queue stopped, {where}: {', '.join(causes)}"


class QueueStopped(Exception):  # noqa: N818 - the name says what happened
    """The queue stopped before a wait was over.

    Attributes:
        stop: Why, see `InvalidationQueue.recover`.
    """

    def __init__(self, stop: QueueStop) -> None:
        super().__init__(str(stop))
        self.stop = stop


class InvalidationQueue:
    """The invalidation queue of one unit.

    Args:
        registers: The registers of the unit.
        cpu: The processor to write descriptors with.
        frames: Where the ring and the number that waits write come from.
        wide: Whether descriptors have 256 bits (IQA.DW=1) rather than 128.
        order: The ring has 2^order frames of 4 KiB (IQA.QS), 0 to 7.

    Attributes:
        address: Physical address of the ring.
        capacity: Descriptors in the ring; one less can be under way.
        entry_bytes: Bytes of a descriptor, 16 or 32.
        tail: Offset in bytes where the next descriptor goes.

    Raises:
        ValueError: `order` is out of range.
        MemoryError: No frames are left.
    """

    __slots__ = (
        "_commands",
        "_cpu",
        "_number",
        "_order",
        "_registers",
        "_status",
        "address",
        "capacity",
        "entry_bytes",
        "tail",
    )

    def __init__(
        self,
        registers: Registers,
        cpu: Cpu,
        frames: FrameAllocator,
        *,
        wide: bool,
        order: int = 0,
    ) -> None:
        if not 0 <= order <= _MAX_ORDER:
            raise ValueError(f"queue size order {order:#x} is not within 0 to {_MAX_ORDER}")
        self._registers = registers
        self._commands = GlobalCommand(registers)
        self._cpu = cpu
        self._order = order
        self.address = frames.allocate(1 << order)
        self._status = frames.allocate()
        self._number = 0
        self.entry_bytes = WIDE_BYTES if wide else NARROW_BYTES
        self.capacity = (FRAME_BYTES << order) // self.entry_bytes
        self.tail = 0

    @property
    def enabled(self) -> bool:
        """Whether the unit has the queue enabled."""
        return self._commands.is_on(Command.QUEUE)

    @property
    def is_current(self) -> bool:
        """Whether the queue that the unit has enabled is this one."""
        return self.enabled and self._registers.read(IQA).IQA_address == self.address

    @property
    def head(self) -> int:
        """Offset in bytes of the descriptor that the unit reads next."""
        return self._registers.read(IQH).QH * NARROW_BYTES

    def enable(self) -> None:
        """Start with an empty ring (section 6.5.2).

        Errors that a reset left behind are cleared, since they would keep the queue stopped.

        Raises:
            Timeout: The unit does not enable it.
        """
        self.tail = 0
        self._cpu.write(self._status, self._number.to_bytes(_STATUS_BYTES, "little"))
        self._clear_errors()
        self._registers.write(IQT, 0)
        wide = int(self.entry_bytes == WIDE_BYTES)
        self._registers.write(IQA, IQA.pack(IQA_address=self.address, DW=wide, QS=self._order))
        self._commands.run(Command.QUEUE)

    def disable(self) -> None:
        """Empty the ring with a last wait, then turn the queue off.

        Raises:
            QueueStopped: An error keeps the ring from running empty.
            Timeout: The unit does not finish.
        """
        self.run()
        self.turn_off()

    def turn_off(self) -> None:
        """Turn the queue off whatever is in it, as after an error.

        Raises:
            Timeout: The unit does not disable it.
        """
        self._commands.run(Command.QUEUE, on=False)

    def submit(self, *descriptors: Layout | int) -> None:
        """Give descriptors to the unit without a wait behind them.

        Args:
            *descriptors: Views or bare bits, legal or not. Narrow ones are padded with zeros.

        Raises:
            ValueError: A descriptor is wider than the ring allows.
            QueueStopped: The ring is full and an error keeps it so.
            Timeout: The ring stays full.
        """
        for descriptor in descriptors:
            self._put(descriptor if isinstance(descriptor, int) else descriptor.value)
        self._registers.write(IQT, IQT.pack(QT=self.tail // NARROW_BYTES))

    def start(self, *descriptors: Layout | int, drain_page_requests: bool = False) -> Pending:
        """Give descriptors to the unit, and a wait behind them.

        Args:
            *descriptors: Views or bare bits.
            drain_page_requests: Whether the wait is over only when page requests received before
                are in their queue (PD=1, section 7.10); needs ECAP.PDS.

        Returns:
            What to wait for. Asking it raises `QueueStopped` when an error has stopped the queue.

        Raises:
            ValueError: A descriptor is wider than the ring allows.
            QueueStopped: The ring is full and an error keeps it so.
            Timeout: The ring stays full.
        """
        self._number = number = (self._number + 1) % _NUMBERS
        wait = InvalidationWait.pack(
            SW=1, PD=int(drain_page_requests), STDATA=number, STADDR_address=self._status
        )
        self.submit(*descriptors, wait)
        poller = self._registers.poller
        return Pending(
            poller,
            lambda: self._has_reached(number),
            lambda: Timeout(
                f"invalidation wait status at {self._status:#x}",
                self._status_number(),
                f"{number:#x}",
                poller,
            ),
        )

    def run(self, *descriptors: Layout | int) -> None:
        """Give descriptors to the unit and wait until all of them are done.

        Args:
            *descriptors: Views or bare bits.

        Raises:
            ValueError: A descriptor is wider than the ring allows.
            QueueStopped: An error stopped the queue first.
            Timeout: The unit does not finish.
        """
        self.start(*descriptors).finish()

    def stop_reason(self) -> QueueStop | None:
        """Why the queue has stopped; None while nothing stops it."""
        status = self._registers.read(FSTS)
        if not (status.IQE or status.ITE):
            return None
        record = self._registers.read(IQERCD)
        offset = self.head
        raw = self._cpu.read(self.address + offset, self.entry_bytes)
        return QueueStop(
            error=_ERRORS.get(record.IQEI, QueueError.NO_INFO) if status.IQE else None,
            descriptor=int.from_bytes(raw, "little"),
            offset=offset,
            timed_out_device=record.ITESID if status.ITE else None,
        )

    def recover(self) -> QueueStop | None:
        """Make a stopped queue go on, without what stopped it.

        A bad descriptor is overwritten by a wait that does nothing; those behind it are carried
        out. An error of the queue as a whole restarts it empty. Waits that a device time-out
        aborted never end: start what they waited for again (section 6.5.2.11).

        Returns:
            Why it had stopped; None if it had not.

        Raises:
            Timeout: The unit does not finish.
        """
        stop = self.stop_reason()
        if stop is None:
            return None
        if stop.error in _NEEDS_RESTART:
            self.turn_off()
            self.enable()
            return stop
        if stop.error is not None:
            harmless = InvalidationWait.pack().to_bytes(self.entry_bytes, "little")
            self._cpu.write(self.address + stop.offset, harmless)
        self._clear_errors()
        return stop

    def _put(self, descriptor: int) -> None:
        if descriptor >> (self.entry_bytes * 8):
            raise ValueError(f"{descriptor:#x} does not fit {self.entry_bytes * 8} bits")
        after = (self.tail + self.entry_bytes) % (self.capacity * self.entry_bytes)
        if after == self.head:
            self._make_room(after)
        self._cpu.write(self.address + self.tail, descriptor.to_bytes(self.entry_bytes, "little"))
        self.tail = after

    def _make_room(self, after: int) -> None:
        """Let the unit work off what is in the full ring."""
        poller = self._registers.poller

        def has_room() -> bool:
            self._raise_if_stopped()
            return self.head != after

        self._registers.write(IQT, IQT.pack(QT=self.tail // NARROW_BYTES))
        if not poller.until(has_room):
            raise Timeout(IQH.NAME, self.head, "room for a descriptor", poller)

    def _has_reached(self, number: int) -> bool:
        """Whether the last wait that ended is this one or a later one."""
        if (self._status_number() - number) % _NUMBERS < _NUMBERS // 2:
            return True
        self._raise_if_stopped()
        return False

    def _raise_if_stopped(self) -> None:
        stop = self.stop_reason()
        if stop is not None:
            raise QueueStopped(stop)

    def _status_number(self) -> int:
        return int.from_bytes(self._cpu.read(self._status, _STATUS_BYTES), "little")

    def _clear_errors(self) -> None:
        self._registers.write(FSTS, FSTS.pack(IQE=1, ICE=1, ITE=1))
