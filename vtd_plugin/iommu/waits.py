"""Invalidation waits: what software learns of the progress of the queue (§6.5.2.9, §6.5.2.12).

A wait completes when the requests that its predecessors must drain have ended. With its fence bit
set it holds back all later descriptors until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.registers import ICS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vtd_plugin.bus import Transfer
    from vtd_plugin.encodings.structures import InvalidationWait
    from vtd_plugin.iommu.drain import Drains
    from vtd_plugin.iommu.event_message import EventMessage
    from vtd_plugin.iommu.registers import RegisterFile
    from vtd_plugin.iommu.state import TranslationState


OPERATION: Final = "invalidation wait"
"""What each wait is called; its number follows."""


class InvalidationWaits:
    """The waits of one queue, and what they wait for.

    Args:
        state: What the unit translates with.
        registers: The unit's registers.
        drains: Where waits wait.
        event: The message of a wait with its interrupt flag set.
        began: Told of each wait, with the number of transfers that it waits for.

    Attributes:
        resume: Called when a fence no longer holds descriptors back.
    """

    __slots__ = (
        "_began",
        "_drains",
        "_event",
        "_fence",
        "_host_addresses",
        "_memory",
        "_number",
        "_registers",
        "_to_drain",
        "resume",
    )

    resume: Callable[[], None]

    def __init__(
        self,
        state: TranslationState,
        registers: RegisterFile,
        drains: Drains,
        event: EventMessage,
        began: Callable[[InvalidationWait, int], None],
    ) -> None:
        self._memory = state.memory
        self._host_addresses = (1 << state.caps.haw) - 1
        self._registers = registers
        self._drains = drains
        self._event = event
        self._began = began
        self._number = 0
        self._fence = 0  # the number of the wait that holds later descriptors, 0 for none
        self._to_drain: set[Transfer] = set()
        registers.on_write(ICS, "IWC", self._completion_served)

    @property
    def hold_back(self) -> bool:
        """Whether a fence holds back what comes after it."""
        return bool(self._fence)

    def drain(self, transfers: Iterable[Transfer]) -> None:
        """The next wait is for these as well."""
        self._to_drain.update(transfers)

    def begin(self, descriptor: InvalidationWait) -> None:
        """Complete a wait once nothing is left to drain."""
        self._number += 1
        self._to_drain = {transfer for transfer in self._to_drain if not transfer.ended}
        number = self._number
        self._fence = number if descriptor.FN else 0
        self._began(descriptor, len(self._to_drain))
        self._drains.start(
            f"{OPERATION} {number}",
            self._to_drain,
            lambda: self._complete(descriptor, number),
        )

    def lift_fence(self) -> None:
        """Hold nothing back: the queue is turned off."""
        self._fence = 0

    def reset(self) -> None:
        """Wait for nothing."""
        self._fence = 0
        self._to_drain.clear()

    def _complete(self, descriptor: InvalidationWait, number: int) -> None:
        if descriptor.SW:
            address = descriptor.STADDR_address & self._host_addresses
            self._memory.write_u32(address, descriptor.STDATA)
        if descriptor.IF and not self._registers.load(ICS).IWC:
            self._registers.update(ICS, IWC=1)
            self._event.raise_()
        # Software may have turned the queue off over a fence, and on again with another one.
        if self._fence == number:
            self._fence = 0
            self.resume()

    def _completion_served(self) -> None:
        if not self._registers.load(ICS).IWC:
            self._event.withdraw()
