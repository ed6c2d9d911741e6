"""The requests that AXI bursts make, and what the bus's answers are called in AXI.

A `BurstPort` begins one request for each burst and knows its xRESP; handshakes and data are the
business of what is built on it. `AxiUser` says where the AxUSER signals carry what AXI has no
signals of its own for, such as a PASID.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from hdl_bridge.bursts import Response
from vtd_plugin.bus import (
    INTERRUPT_WINDOW_BASE,
    INTERRUPT_WINDOW_LAST,
    AddressType,
    Platform,
    Requester,
    RequestOptions,
    Transfer,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_PASID_MASK: Final = (1 << 20) - 1


class FaultResponse(StrEnum):
    """What an AXI master is told of a blocked burst."""

    DECERR = "DECERR"
    SLVERR = "SLVERR"


class BurstListener(Protocol):
    """Who is told of each burst that has begun."""

    def __call__(self, transfer: Transfer, /) -> object:
        """A burst has begun; its pages are resolved, and no byte has moved."""


@dataclass(frozen=True, slots=True)
class AxiUser:
    """A layout of AxUSER: numbers of bits; a bit that is None is never set.

    Called with the value of AxUSER, it tells what the request of that burst carries. Any function
    that does so can stand in its place.

    Attributes:
        pasid: The lowest of the 20 bits of the process address space identifier.
        pasid_valid: Whether there is one; without it, the next two count for nothing.
        privileged: Privileged-mode-requested.
        execute: Execute-requested.
        translated: The address is translated already (AT=2), by a device-TLB.
    """

    pasid: int = 0
    pasid_valid: int = 20
    privileged: int | None = 21
    execute: int | None = 22
    translated: int | None = 23

    def __call__(self, value: int) -> RequestOptions:
        """What a request with this AxUSER carries."""
        options: RequestOptions = {}
        if _bit(value, self.pasid_valid):
            options["pasid"] = value >> self.pasid & _PASID_MASK
            options["privileged"] = _bit(value, self.privileged)
            options["execute"] = _bit(value, self.execute)
        if _bit(value, self.translated):
            options["address_type"] = AddressType.TRANSLATED
        return options


class BurstPort:
    """Who asks the bus on behalf of bursts.

    Attributes:
        requester: Whose requests the bursts are.
        listeners: Called with the transfer of each burst when it has begun.
    """

    def __init__(
        self,
        requester: Requester | Platform,
        source_id: int | str | None,
        on_fault: FaultResponse | str,
        user: Callable[[int], RequestOptions] | None,
        options: RequestOptions,
    ) -> None:
        self.requester = requester_of(requester, source_id)
        self.listeners: list[BurstListener] = []
        self._fault_response = Response[FaultResponse(on_fault)]
        self._user = user
        self._options = options

    @property
    def wants_user(self) -> bool:
        """Whether the AxUSER of a burst makes a difference."""
        return self._user is not None

    def begin(self, first: int, size: int, *, write: bool, user: int = 0) -> Transfer:
        """Begin the request of a burst.

        Args:
            first: Its lowest address.
            size: How many bytes it can touch.
            write: Whether it is a write.
            user: AxUSER.
        """
        transfer = self.requester.begin(first, size, write, **self.options(user))
        for listener in self.listeners:
            listener(transfer)
        return transfer

    def options(self, user: int) -> RequestOptions:
        """What the requests of bursts with this AxUSER carry."""
        return self._options if self._user is None else {**self._options, **self._user(user)}

    def response(self, transfer: Transfer | None) -> Response:
        """What the master is told of a burst; of one that asked for nothing, that all is well."""
        if transfer is None or transfer.ok:
            return Response.OKAY
        if transfer.aborted:
            return Response.SLVERR
        return Response.DECERR if transfer.fault is None else self._fault_response


def requester_of(requester: Requester | Platform, source_id: int | str | None) -> Requester:
    """The requester that is meant: a requester, or a platform together with a source-id.

    Raises:
        TypeError: There is a source-id too many or too few.
        ValueError: The source-id cannot be.
    """
    if isinstance(requester, Platform):
        if source_id is None:
            raise TypeError("a platform needs a source_id as well")
        return requester.requester(source_id)
    if source_id is not None:
        raise TypeError(f"{requester!r} has a source-id; {source_id!r} is one too many")
    return requester


def is_interrupt(address: int) -> bool:
    """Whether a write there may be an interrupt message."""
    return INTERRUPT_WINDOW_BASE <= address <= INTERRUPT_WINDOW_LAST


def end_if_interrupt(transfer: Transfer | None) -> None:
    """End a write that is an interrupt: whether it is taken is known when it is sent, its end."""
    if transfer is not None and transfer.ok and not transfer.translations:
        transfer.end()


def _bit(value: int, number: int | None) -> bool:
    return number is not None and bool(value >> number & 1)
