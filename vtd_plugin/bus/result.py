"""What a requester gets back from the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.bus.requests import Answer

if TYPE_CHECKING:
    from vtd_plugin.bus.requests import Fault


class Result:
    """How a read, a write or an atomic went; one may be many requests, one for each page.

    Attributes:
        data: The bytes read; those of blocked pages are 0xFF. Empty for a write. Of an atomic,
            the old value.
        answer: The first answer that was not OK, else OK.
        faults: Why pages were blocked, by rising address. A page that was translated to where
            nothing answers has no fault, only its answer.
        transferred: How many bytes moved.
    """

    __slots__ = ("answer", "data", "faults", "transferred")

    def __init__(
        self,
        data: bytes,
        answer: Answer = Answer.OK,
        faults: tuple[Fault, ...] = (),
        transferred: int = 0,
    ) -> None:
        self.data = data
        self.answer = answer
        self.faults = faults
        self.transferred = transferred

    @property
    def ok(self) -> bool:
        """Whether everything was done."""
        return self.answer is Answer.OK

    @property
    def fault(self) -> Fault | None:
        """The first fault."""
        return self.faults[0] if self.faults else None

    def __repr__(self) -> str:
        why = f", {self.fault}" if self.faults else ""
        return f"Result({self.answer}, {self.transferred} bytes moved{why})"
