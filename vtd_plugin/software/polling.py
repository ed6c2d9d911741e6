"""Waiting for hardware: commands that finish later, and polls that are bounded.

Hardware owns a command from the write that starts it until its status changes (section 6.9). How
time passes meanwhile is not for software to know: whoever runs it gives a callable that is called
once per poll, and that lets simulated clock cycles pass or does nothing at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_POLL_LIMIT: Final = 100_000
"""Polls after which hardware is taken for dead."""
_STOOD_STILL: Final = (
    "; no time passed between them, as the driver was given no `wait` "
    "(in a cocotb test: hdl_bridge.waiting.until)"
)


def nothing() -> None:
    """Let no time pass: right where a unit finishes within the access that starts a command."""


class Timeout(TimeoutError):  # noqa: N818 - the name says what happened
    """A poll that never saw what it waited for.

    Args:
        place: What was polled.
        value: The last value read there.
        wanted: What it should have become.
        poller: How it was polled.

    Attributes:
        place: What was polled: a register and its field, or a location in memory.
        value: The last value read there.
        wanted: What it should have become, in words.
    """

    def __init__(self, place: str, value: int, wanted: str, poller: Poller) -> None:
        words = f"{place} is {value:#x} after {poller.limit} polls, wanted {wanted}"
        super().__init__(words if poller.lets_time_pass else words + _STOOD_STILL)
        self.place = place
        self.value = value
        self.wanted = wanted


class Poller:
    """Polls a bounded number of times and lets time pass in between.

    Args:
        wait: Called once per poll.
        limit: Polls before a `Timeout`, at least 1.

    Raises:
        ValueError: `limit` is less than 1.
    """

    __slots__ = ("_wait", "limit")

    def __init__(self, wait: Callable[[], None] = nothing, limit: int = DEFAULT_POLL_LIMIT) -> None:
        if limit < 1:
            raise ValueError(f"a poll limit is at least 1, not {limit:#x}")
        self._wait = wait
        self.limit = limit

    @property
    def lets_time_pass(self) -> bool:
        """Whether it was told how to let time pass."""
        return self._wait is not nothing

    def until(self, done: Callable[[], bool]) -> bool:
        """Poll until something is done.

        Args:
            done: Says whether it is.

        Returns:
            False if it was not within the limit.
        """
        for _ in range(self.limit):
            if done():
                return True
            self._wait()
        return done()


class Pending:
    """Something that the unit was told to do and may not have finished.

    Args:
        poller: How to poll.
        done: Whether it is finished now.
        timeout: Makes the error to raise when it never finishes.
    """

    __slots__ = ("_afterwards", "_done", "_poller", "_timeout")

    def __init__(
        self, poller: Poller, done: Callable[[], bool], timeout: Callable[[], Timeout]
    ) -> None:
        self._poller = poller
        self._done = done
        self._timeout = timeout
        self._afterwards: list[Callable[[], object]] = []

    def then(self, action: Callable[[], object]) -> Self:
        """Add what `finish` does after the waiting.

        Args:
            action: Called once.
        """
        self._afterwards.append(action)
        return self

    @property
    def done(self) -> bool:
        """Whether it is finished; reads the unit or memory, and lets no time pass."""
        return self._done()

    def finish(self) -> None:
        """Wait until it is finished, and do what belongs after it.

        Raises:
            Timeout: It is not after as many polls as the limit allows.
        """
        if not self._poller.until(self._done):
            raise self._timeout()
        while self._afterwards:
            self._afterwards.pop(0)()
