"""The page request queue, from the side that reads it (sections 7.4 to 7.6 and 11.4.11).

Devices that may use pages which are not present ask for them here. Hardware writes requests and
moves the tail, software reads them and follows with the head; answers go through the invalidation
queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus.source_id import parse_source_id
from vtd_plugin.encodings.codes import ResponseCode
from vtd_plugin.encodings.registers import PQA, PQH, PQT, PRS
from vtd_plugin.encodings.structures import InvalidationWait, PageRequest
from vtd_plugin.software import descriptors
from vtd_plugin.software.frames import FRAME_BYTES
from vtd_plugin.software.polling import Timeout

if TYPE_CHECKING:
    from vtd_plugin.software.channel import UnitChannel
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator

_ENTRY_BYTES: Final = PageRequest.BITS // 8
_MAX_ORDER: Final = 7


class PageRequestQueue:
    """The page request queue of one unit.

    Args:
        cpu: The processor to read requests with.
        frames: Where the ring comes from.
        channel: The unit.

    Attributes:
        address: Physical address of the ring; None until it is enabled for the first time.
        overflows: How often `take` found that requests had been lost.
    """

    def __init__(self, cpu: Cpu, frames: FrameAllocator, channel: UnitChannel) -> None:
        self._cpu = cpu
        self._frames = frames
        self._channel = channel
        self._order = 0
        self.address: int | None = None
        self.overflows = 0

    def enable(self, order: int = 0) -> None:
        """Give the unit an empty ring. Devices use it whose context entries have PRE=1.

        Args:
            order: The ring has 2^order frames of 4 KiB (PQA.PQS), 0 to 7.

        Raises:
            ValueError: The unit has no page requests or no invalidation queue in use, or `order`
                is out of range.
            MemoryError: No frames are left.
        """
        if not self._channel.unit.capabilities.ECAP.PRS or self._channel.queue is None:
            raise ValueError("page requests need ECAP.PRS and the invalidation queue")
        if not 0 <= order <= _MAX_ORDER:
            raise ValueError(f"queue size order {order:#x} is not within 0 to {_MAX_ORDER}")
        old, old_order = self.address, self._order
        self.address, self._order = self._frames.allocate(1 << order), order
        self.recover()
        if old is not None:
            self._frames.free(old, 1 << old_order)

    def recover(self) -> None:
        """Give the unit the ring again after a reset, if it had one."""
        if self.address is None:
            return
        registers = self._channel.registers
        registers.write(PQH, 0)
        registers.write(PQT, 0)
        registers.write(PQA, PQA.pack(PQA_address=self.address, PQS=self._order))
        registers.write(PRS, PRS.pack(PPR=1, PRO=1))

    def take(self) -> list[PageRequest]:
        """Take all requests out of the ring, the oldest first.

        Where requests had been lost, because the ring was full, the unit has answered those that
        waited for an answer, and their devices ask again.

        Raises:
            ValueError: The queue was never enabled.
        """
        if self.address is None:
            raise ValueError("there is no page request queue yet: call enable() first")
        registers = self._channel.registers
        # Cleared before the tail is read: what comes later raises the event again (section 7.5).
        registers.write(PRS, PRS.pack(PPR=1))
        head, tail = registers.read(PQH).PQH_address, registers.read(PQT).PQT_address
        size = FRAME_BYTES << self._order
        count = (tail - head) % size // _ENTRY_BYTES
        offsets = [(head + n * _ENTRY_BYTES) % size for n in range(count)]
        requests = [self._read(self.address + offset) for offset in offsets]
        registers.write(PQH, PQH.pack(PQH_address=tail))
        # While it is set nothing is queued: cleared last, it finds the ring empty (section 7.4.1).
        if registers.read(PRS).PRO:
            self.overflows += 1
            registers.write(PRS, PRS.pack(PRO=1))
        return requests

    def answer(self, request: PageRequest, code: ResponseCode = ResponseCode.SUCCESS) -> None:
        """Answer the group of a request, and wait until the unit has sent the answer.

        Args:
            request: The last request of its group (LPIG=1).
            code: What became of the group.

        Raises:
            ValueError: The device waits for no answer: the request is not the last of its group.
            QueueStopped: An error stopped the queue.
            Timeout: The unit does not finish.
        """
        if not request.LPIG:
            raise ValueError(f"only the last request of a group is answered: {request!r}")
        self._channel.invalidate(descriptors.page_response(request, code))

    def drain(self, source_id: int | str, pasid: int | None = None) -> list[PageRequest]:
        """Take all requests out of the ring, until none of a device is under way (section 7.9).

        Done after a device was stopped from asking and before what it used is given to somebody
        else, so that no late request is taken for the new user's.

        Args:
            source_id: The device; it may keep translations (DTE=1).
            pasid: The PASID; None for requests without.

        Raises:
            ValueError: The queue was never enabled, or the unit cannot drain it (ECAP.PDS=0).
            QueueStopped: An error stopped the invalidation queue, such as a silent device.
            Timeout: The unit does not finish, or the ring overflows again and again.
        """
        queue, registers = self._channel.queue, self._channel.registers
        if queue is None or not self._channel.unit.capabilities.ECAP.PDS:
            raise ValueError("draining page requests needs ECAP.PDS and the invalidation queue")
        fence = InvalidationWait(InvalidationWait.pack(FN=1))
        ask_device = descriptors.device_tlb(parse_source_id(source_id), pasid)
        requests: list[PageRequest] = []
        for _ in range(registers.poller.limit):
            overflows = self.overflows
            queue.start(fence, ask_device, drain_page_requests=True).finish()
            requests += self.take()
            if self.overflows == overflows:
                return requests
        raise Timeout(PRS.NAME, registers.read(PRS).value, "PRO=0x0", registers.poller)

    def _read(self, address: int) -> PageRequest:
        return PageRequest.from_bytes(self._cpu.read(address, _ENTRY_BYTES))
