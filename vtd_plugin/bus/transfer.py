"""A transfer: requests that have begun and may not have ended, such as an AXI burst.

All its pages are resolved when it begins, and its beats go where the pages were then, whatever a
unit does meanwhile; that is what draining waits for. A reset aborts it: no byte moves any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus.events import RequestBlocked, TransferEnded, UnclaimedAccess
from vtd_plugin.bus.requests import (
    PAGE_SIZE,
    AddressType,
    Answer,
    Fault,
    RequestKind,
    Translation,
)
from vtd_plugin.bus.result import Result
from vtd_plugin.bus.space import INTERRUPT_WINDOW_BASE, INTERRUPT_WINDOW_LAST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

    from vtd_plugin.bus.fabric import Fabric
    from vtd_plugin.bus.port import RequesterPort
    from vtd_plugin.bus.requests import Attributes, Resolution

ADDRESS_LIMIT: Final = 1 << 64
"""One more than the highest address."""

_DWORD: Final = 4


class Transfer:
    """A request of one requester, in flight until it ends or is aborted.

    Attributes:
        port: The requester's port.
        iova: First address.
        size: Bytes that it moves; none for a translation request.
        attributes: What is asked for.
        translations: Where its pages lie: (offset, length, translation), by rising offset.
            Neighbouring pages of one translation stand together; blocked ones are left out.
        answer: The first answer that is not OK, else OK; known as soon as it has begun.
        aborted: Whether a reset ended it.
    """

    __slots__ = (
        "_data",
        "_fabric",
        "_faults",
        "_messages",
        "_number",
        "_on_abort",
        "_on_end",
        "_result",
        "_routes",
        "_transferred",
        "aborted",
        "answer",
        "attributes",
        "iova",
        "port",
        "size",
        "translations",
    )

    def __init__(
        self,
        fabric: Fabric,
        port: RequesterPort,
        iova: int,
        size: int,
        attributes: Attributes,
        requests: Iterable[tuple[int, int, Resolution]],
        on_end: Callable[[Transfer], None] | None = None,
        number: int = 0,
    ) -> None:
        self.port = port
        self.iova = iova
        self.size = size
        self.attributes = attributes
        self.translations: tuple[tuple[int, int, Translation], ...] = ()
        self.answer = Answer.OK
        self.aborted = False
        self._fabric = fabric
        self._on_end = on_end
        self._on_abort: tuple[Callable[[], object], ...] = ()
        self._number = number  # in events; 0 if nobody observed its beginning
        self._faults: list[Fault] = []
        self._routes: list[tuple[int, int, int]] = []  # offset, length, host physical address
        self._messages: list[_Message] = []
        self._data: bytes | None = None  # of the result, once it is known
        self._transferred = 0
        self._result: Result | None = None
        self._settle(requests)

    @property
    def is_write(self) -> bool:
        """Whether bytes go from the requester to memory."""
        return self.attributes.kind is RequestKind.WRITE

    @property
    def ok(self) -> bool:
        """Whether nothing of it is blocked, unanswered or aborted."""
        return self.answer is Answer.OK

    @property
    def in_ram(self) -> bool:
        """Whether all its bytes that go somewhere are in RAM.

        There the pieces in which they move make no difference; elsewhere each is an access.
        """
        covers = self._fabric.memory.covers
        return all(covers(address, length) for _, length, address in self._routes)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Why pages are blocked, by rising offset."""
        return tuple(self._faults)

    @property
    def fault(self) -> Fault | None:
        """The first fault."""
        return self._faults[0] if self._faults else None

    @property
    def ended(self) -> bool:
        """Whether it is over, by `end` or by `abort`."""
        return self._result is not None

    def read(self, offset: int, size: int) -> bytes:
        """Read one beat.

        Args:
            offset: From the start of the transfer, in bytes.
            size: Bytes.

        Returns:
            The bytes as memory is now; 0xFF for those of blocked pages, and after an abort.

        Raises:
            ValueError: This is a write, it has ended, or the beat is not inside it.
        """
        self._check_beat(offset, size, write=False)
        self._data = b""
        return self._fetch(offset, size)

    def write(self, offset: int, data: Buffer) -> None:
        """Write one beat; bytes for blocked pages, and after an abort, are dropped.

        Args:
            offset: From the start of the transfer, in bytes.
            data: The bytes.

        Raises:
            ValueError: This is a read, it has ended, or the beat is not inside it.
        """
        source = memoryview(data).cast("B")
        self._check_beat(offset, len(source), write=True)
        for start, length, address in self._overlaps(offset, len(source)):
            beat = source[start - offset : start - offset + length]
            if self._fabric.dma_write(address, beat):
                self._transferred += length
        for message in self._messages:
            self._transferred += message.take(offset, source)

    def modify(self, change: Callable[[int], int]) -> None:
        """Do an atomic: the old value becomes the data of the result.

        Args:
            change: The new value for the old one.

        Raises:
            ValueError: This is a write, or it has ended.
        """
        self._check_beat(0, self.size, write=False)
        self._data = self._fetch(0, self.size)
        for _, length, address in self._routes:
            new = change(int.from_bytes(self._data, "little"))
            self._fabric.dma_write(address, new.to_bytes(length, "little"))

    def end(self) -> Result:
        """End it: interrupts leave, and the unit is told. Ending it again changes nothing.

        Returns:
            How it went. For a read of which no beat was read, `data` is what memory holds now.
        """
        if self._result is not None:
            return self._result
        data = self._data
        if data is None:
            data = b"" if self.is_write else self._fetch(0, self.size)
        for message in self._messages:
            self._send(message)
        # Whoever takes the interrupt may have reset this very master.
        return self._result or self._close(data)

    def abort(self) -> None:
        """End it as a reset does: no byte moves from now on, and the answer is ABORTED."""
        if self._result is None:
            self.aborted = True
            self.answer = Answer.ABORTED
            self._routes.clear()
            self._messages.clear()
            self._close(b"" if self.is_write else b"\xff" * self.size)
            for told in self._on_abort:
                told()

    def when_aborted(self, told: Callable[[], object]) -> None:
        """Have somebody told if a reset aborts it, once it has ended.

        Args:
            told: Called once, without arguments, or never.
        """
        self._on_abort = (*self._on_abort, told)

    def _settle(self, requests: Iterable[tuple[int, int, Resolution]]) -> None:
        """Note for each request where its bytes go, or why they go nowhere."""
        translations = []
        for offset, length, resolution in requests:
            if isinstance(resolution, Translation):
                translations.append((offset, length, resolution))
                if self.attributes.address_type is not AddressType.TRANSLATION:
                    self._route(offset, length, resolution.address(self.iova + offset))
            elif isinstance(resolution, Fault):
                self._block(resolution)
            elif self.is_write and length == _DWORD:
                self._messages.append(_Message(offset, self.iova + offset))
            else:
                self._refuse(Answer.UR)
        self.translations = tuple(translations)
        if self.iova + self.size > ADDRESS_LIMIT:
            self._refuse(Answer.UR)

    def _route(self, offset: int, length: int, address: int) -> None:
        """Decode host addresses: each page is a request of its own, that one target must take."""
        if length == 0:
            self._reach(address)
            return
        atomic = self.attributes.kind is RequestKind.ATOMIC
        claims = self._fabric.memory.covers if atomic else self._fabric.dma_claims
        if claims(address, length):
            self._routes.append((offset, length, address))
            return
        for start, size in _pages(address, length):
            if claims(start, size):
                self._routes.append((offset + start - address, size, start))
            else:
                self._refuse(Answer.UR)
                self._unclaimed(start, size)

    def _reach(self, address: int) -> None:
        """Decode a request of zero bytes; in the interrupt window it reaches nobody, and passes."""
        in_window = INTERRUPT_WINDOW_BASE <= address <= INTERRUPT_WINDOW_LAST
        if not in_window and not self._fabric.dma_claims(address, 1):
            self._refuse(Answer.UR)
            self._unclaimed(address, 0)

    def _unclaimed(self, address: int, size: int) -> None:
        if self._fabric.observed:
            source_id = self.port.source_id
            self._fabric.emit(UnclaimedAccess(source_id, address, size, self.is_write))

    def _block(self, fault: Fault) -> None:
        self._faults.append(fault)
        self._refuse(fault.answer)
        if self._fabric.observed:
            self._fabric.emit(RequestBlocked(fault))

    def _refuse(self, answer: Answer) -> None:
        if self.answer is Answer.OK:
            self.answer = answer

    def _fetch(self, offset: int, size: int) -> bytes:
        data = bytearray(b"\xff") * size
        for start, length, address in self._overlaps(offset, size):
            found = self._fabric.dma_read(address, length)
            if found is not None:
                if length == size:
                    self._transferred += size
                    return found
                data[start - offset : start - offset + length] = found
                self._transferred += length
        return bytes(data)

    def _overlaps(self, offset: int, size: int) -> Iterator[tuple[int, int, int]]:
        """The parts of a beat that go somewhere: (offset, length, host physical address)."""
        for start, length, address in self._routes:
            first = max(offset, start)
            last = min(offset + size, start + length)
            if first < last:
                yield first, last - first, address + first - start

    def _check_beat(self, offset: int, size: int, *, write: bool) -> None:
        if write is not self.is_write:
            raise ValueError(f"a {'write' if write else 'read'} beat of {self!r}")
        if offset < 0 or size < 0 or offset + size > self.size:
            raise ValueError(f"a beat of {size} bytes at offset {offset:#x} of {self!r}")
        if self._result is not None and not self.aborted:
            raise ValueError(f"a beat of {self!r}, which has ended")

    def _send(self, message: _Message) -> None:
        """An interrupt is one whole dword, written once; anything else is refused."""
        if len(message.written) == message.taken == _DWORD:
            data = int.from_bytes(message.data, "little")
            fault = self.port.send_interrupt(message.address, data)
            if fault is not None:
                self._block(fault)
        elif message.written:
            self._refuse(Answer.UR)
            address, size = message.address + min(message.written), len(message.written)
            if size == _DWORD:
                size = message.taken
            refusal = self.port.resolve(address, size, self.attributes)
            if isinstance(refusal, Fault):
                self._block(refusal)

    def _close(self, data: bytes) -> Result:
        self._result = Result(data, self.answer, self.faults, self._transferred)
        if self._fabric.observed:
            self._fabric.emit(self._ended_event())
        if self._on_end is not None:
            self._on_end(self)
        return self._result

    def _ended_event(self) -> TransferEnded:
        return TransferEnded(
            self.port.source_id,
            self.iova,
            self.size,
            self.attributes,
            self.answer,
            self._transferred,
            self._number,
        )

    def __repr__(self) -> str:
        kind = self.attributes.kind.name.lower()
        return f"Transfer({kind} of {self.size} bytes at {self.iova:#x}, {self.answer})"


class _Message:
    """The dword of an interrupt on its way; it leaves when the transfer ends.

    Attributes:
        address: Where it goes.
        offset: Where in the transfer it is.
        data: Its bytes.
        written: Which of them were written.
        taken: How many bytes were written to it; some of them may have been written again.
    """

    __slots__ = ("address", "data", "offset", "taken", "written")

    def __init__(self, offset: int, address: int) -> None:
        self.offset = offset
        self.address = address
        self.data = bytearray(_DWORD)
        self.written: set[int] = set()
        self.taken = 0

    def take(self, offset: int, beat: memoryview) -> int:
        """Take its bytes out of a beat; how many they were."""
        first = max(offset, self.offset)
        last = min(offset + len(beat), self.offset + _DWORD)
        for position in range(first, last):
            self.data[position - self.offset] = beat[position - offset]
            self.written.add(position - self.offset)
        count = max(0, last - first)
        self.taken += count
        return count


def _pages(address: int, length: int) -> Iterator[tuple[int, int]]:
    """Cut a run of addresses at page borders: (address, length)."""
    end = address + length
    while address < end:
        size = min(end - address, PAGE_SIZE - address % PAGE_SIZE)
        yield address, size
        address += size
