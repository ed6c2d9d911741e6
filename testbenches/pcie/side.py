"""One engine of a soak, and what is expected of it.

Expectation comes from the view under which each request began, never from the unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cocotbext.pcie.core.tlp import CplStatus

from testbenches.journal import PAGE, Journal
from testbenches.pcie.dma import Register, Status
from vtd_plugin.bus import ALL_ADDRESSES, INTERRUPT_WINDOW_BASE, INTERRUPT_WINDOW_LAST

if TYPE_CHECKING:
    from hdl_bridge.reset import ResetLine
    from testbenches.journal import Burst, Request
    from testbenches.memory_image import MemoryImage
    from testbenches.pcie.dma import DmaEngine
    from testbenches.sg import Copy
    from vtd_plugin.bus import InterruptMessage, RequesterPort, Transfer

_UNSTARTED: Final = Status(busy=False, done=False, failed=False, completion=CplStatus.SC)


class Side:
    """One engine and its requests.

    Attributes:
        engine: The engine, enumerated.
        port: Its requester port.
        line: Its reset.
        journal: Its requests of the copy under way, and where addresses lead it.
        blocked: What of it was blocked since that was last looked at: (page, kind).
        messages: Data of its interrupts that were delivered in the copy under way.
    """

    def __init__(
        self, engine: DmaEngine, port: RequesterPort, line: ResetLine, image: MemoryImage
    ) -> None:
        self.engine = engine
        self.port = port
        self.line = line
        self.journal = Journal(image)
        self.blocked: set[tuple[int, str]] = set()
        self.messages: list[int] = []
        self._image = image
        self._copy: Copy | None = None
        self._message: int | None = None

    async def start(self, copy: Copy, message: int | None) -> None:
        """Start a copy, with an interrupt at its end or none."""
        self._copy, self._message = copy, message
        self.messages.clear()
        await self.engine.start(copy.source, copy.destination, copy.length, message=message)

    def begin(self, tlp: Any, transfer: Transfer) -> None:
        """A request of it has begun: it is blocked if, and only if, it leads nowhere."""
        if INTERRUPT_WINDOW_BASE <= tlp.address <= INTERRUPT_WINDOW_LAST:
            assert transfer.ok
            return
        burst = self.journal.begin(transfer)
        burst.check()
        if not burst.leads_somewhere:
            kind = "write" if transfer.is_write else "read"
            self.blocked.add((transfer.iova // PAGE * PAGE, kind))

    def interrupted(self, message: InterruptMessage) -> None:
        """An interrupt of it was delivered: all that it wrote before is there (PCIe §2.4.1)."""
        assert message.data == self._message
        assert all(write.transfer.ended for write in self.journal.writes())
        self.messages.append(message.data)

    def older(self, first: int = 0, last: int = ALL_ADDRESSES) -> list[Request]:
        """What is in flight to memory in a range of addresses: what a command has to wait for."""
        return [
            burst.transfer
            for burst in self.journal.bursts
            if not burst.transfer.ended
            and burst.leads_somewhere
            and first <= burst.transfer.iova <= last
        ]

    def finished(self, status: Status) -> None:
        """Check a copy that has ended, and expect in memory what it wrote."""
        assert self._copy is not None
        read = self._offsets(is_write=False, source=self._copy.source)
        written = self._offsets(is_write=True, source=self._copy.destination)
        failed = any(
            not burst.leads_somewhere
            for burst in self.journal.bursts
            if not burst.transfer.is_write
        )
        assert written == read
        assert (status.busy, status.done, status.failed) == (False, True, failed)
        if failed:
            assert status.completion is CplStatus.UR
        else:
            assert sum(burst.transfer.size for burst in self.journal.writes()) == self._copy.length
        assert self.messages == ([] if self._message is None else [self._message])
        self._settle()

    def abandoned(self, status: Status) -> None:
        """The same for a copy that a reset has ended."""
        assert status == _UNSTARTED
        assert self.messages in ([], [self._message])
        self._settle()

    async def status(self) -> Status:
        """Read STATUS; the answer pushes what the engine wrote before it (PCIe §2.4.1)."""
        return Status.decode(await self.engine.read(Register.STATUS))

    def _offsets(self, *, is_write: bool, source: int) -> set[int]:
        """Where in the copy there were reads with data, or writes."""
        return {
            burst.transfer.iova - source
            for burst in self.journal.bursts
            if burst.transfer.is_write is is_write and (is_write or burst.leads_somewhere)
        }

    def _settle(self) -> None:
        """Each write is whole in memory, or nothing of it is: if it was blocked, or aborted."""
        assert self._copy is not None
        reads = {
            burst.transfer.iova: burst
            for burst in self.journal.bursts
            if not burst.transfer.is_write and not burst.transfer.aborted
        }
        for write in self.journal.writes():
            if write.leads_somewhere and not write.transfer.aborted:
                offset = write.transfer.iova - self._copy.destination
                source = reads[self._copy.source + offset].address
                self._image.expect(write.address, self._bytes(source, write))
        self.journal.bursts.clear()

    def _bytes(self, source: int, write: Burst) -> bytes:
        return bytes(self._image.expected[source : source + write.transfer.size])
