"""A lease: a translated page of RAM that a master keeps at hand until it is called back.

A master with a cache of its own, in RTL or in C, keeps the page of a request that it has made, and
then moves bytes there without asking again. Whatever would let the next request come out otherwise
calls the lease back: another address space, an invalidation that covers the page, an eviction, a
reset. While it is held it is a transfer in flight, so that draining waits for it. SystemC TLM-2.0
knows the same as its direct memory interface.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.bus.transfer import Transfer


class Lease:
    """A page of RAM as one requester reaches it, for reading or for writing.

    Attributes:
        transfer: The request that got the page; it is in flight until the lease is ended.
        memory: The page's bytes in the platform's RAM, 4096 of them.
        recalled: Whether it was called back: no new use may begin, and once the last one is over
            its holder ends it. After an abort (`transfer.aborted`) no byte may move any more.
    """

    __slots__ = ("_on_recall", "memory", "recalled", "transfer")

    def __init__(
        self,
        transfer: Transfer,
        memory: memoryview,
        on_recall: Callable[[Lease], object],
    ) -> None:
        self.transfer = transfer
        self.memory = memory
        self.recalled = False
        self._on_recall = on_recall

    def recall(self) -> None:
        """Call it back; its holder is told once, and may end it at once or later."""
        if not self.recalled:
            self.recalled = True
            self._on_recall(self)

    def tell_of_abort(self) -> None:
        """Tell its holder that a reset has ended it, whether or not it was called back before."""
        self.recalled = True
        self._on_recall(self)

    def end(self) -> None:
        """Give it back. Ending it again changes nothing."""
        if not self.transfer.ended and not self.transfer.is_write:
            self.transfer.read(0, 0)  # what was read went past the bus: none of it is the result
        self.transfer.end()

    def __repr__(self) -> str:
        return f"Lease({self.transfer!r}, {'recalled' if self.recalled else 'held'})"
