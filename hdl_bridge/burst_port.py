"""The requests that AXI bursts make, and what the bus's answers are called in AXI.

A `BurstPort` begins one request for each burst and knows its xRESP; handshakes and data are the
business of what is built on it. `AxiUser` says where the AxUSER signals carry what AXI has no
signals of its own for, such as a PASID.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from hdl_bridge.bursts import Burst, Response
from vtd_plugin.bus import (
    INTERRUPT_WINDOW_BASE,
    INTERRUPT_WINDOW_LAST,
    AddressType,
    Platform,
    Requester,
    RequestKind,
    RequestOptions,
    Transfer,
    attributes_of,
)
from vtd_plugin.bus.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PASID_BITS: Final = 20


class FaultResponse(Word):
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

    def __post_init__(self) -> None:
        bits = [bit for bit in self._single_bits if bit is not None]
        bits += range(self.pasid, self.pasid + _PASID_BITS)
        if min(bits) < 0:
            raise ValueError(f"{self}: the number of a bit is not negative")
        if len(set(bits)) < len(bits):
            raise ValueError(f"{self}: a bit has two meanings")

    @property
    def width(self) -> int:
        """Bits that AxUSER has at least."""
        return 1 + max(self.pasid + _PASID_BITS - 1, *(bit or 0 for bit in self._single_bits))

    @property
    def _single_bits(self) -> tuple[int | None, ...]:
        return self.pasid_valid, self.privileged, self.execute, self.translated

    def __call__(self, value: int) -> RequestOptions:
        """What a request with this AxUSER carries."""
        options: RequestOptions = {}
        if _bit(value, self.pasid_valid):
            options["pasid"] = value >> self.pasid & (1 << _PASID_BITS) - 1
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
        if user is not None and (isinstance(user, type) or not callable(user)):
            raise TypeError(f"user={user!r} is no function of AxUSER, such as AxiUser()")
        self._user = user
        self._options = checked_options(options)

    @property
    def wants_user(self) -> bool:
        """Whether the AxUSER of a burst makes a difference."""
        return self._user is not None

    def require_user(self, name: str, width: int) -> None:
        """Refuse a layout of AxUSER that a bus cannot carry.

        Args:
            name: The signal.
            width: Its bits, 0 if there is none.

        Raises:
            ValueError: There is no such signal, or the layout has more bits.
        """
        if self._user is not None and not width:
            raise ValueError(f"user is given, but the bus has no {name}")
        if isinstance(self._user, AxiUser) and width < self._user.width:
            raise ValueError(f"{self._user} needs {self._user.width} bits; {name} has {width}")

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

    def begins_with_data(self, burst: Burst, user: int) -> bool:
        """Whether the request of a write begins when its data is here.

        That of one beat to the interrupt window does: its strobes tell which dword it is. Where a
        request with a PASID is remapped, the window is like other memory.
        """
        if burst.beats > 1 or not is_interrupt(burst.address):
            return False
        return self.options(user).get("pasid") is None or not self.requester.space.remapped

    def write_beat(self, stores: Sequence[tuple[int, bytes]], user: int) -> Transfer | None:
        """Carry out a write that begins with its data; all of it is one request.

        Args:
            stores: The runs of bytes that its strobes select, by rising address.
            user: AxUSER.

        Returns:
            The transfer; None if nothing is selected.
        """
        if not stores:
            return None
        first, (last, data) = stores[0][0], stores[-1]
        transfer = self.begin(first, last + len(data) - first, write=True, user=user)
        for address, data in stores:
            transfer.write(address - first, data)
        end_if_interrupt(transfer)
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
        TypeError: It is neither, or there is a source-id too many or too few.
        ValueError: The source-id cannot be.
    """
    if isinstance(requester, Platform):
        if source_id is None:
            raise TypeError("a platform needs a source_id as well")
        return requester.requester(source_id)
    if not isinstance(requester, Requester):
        raise TypeError(f"{requester!r} is neither a requester nor a platform")
    if source_id is not None:
        raise TypeError(f"{requester!r} has a source-id; {source_id!r} is one too many")
    return requester


def checked_options(options: RequestOptions) -> RequestOptions:
    """The options of all requests of a master, looked at before there is any.

    Raises:
        TypeError: There is no such option.
        ValueError: An option is out of its range.
    """
    attributes_of(RequestKind.READ, options)
    return options


def is_interrupt(address: int) -> bool:
    """Whether a write there may be an interrupt message."""
    return INTERRUPT_WINDOW_BASE <= address <= INTERRUPT_WINDOW_LAST


def end_if_interrupt(transfer: Transfer | None) -> None:
    """End a write that is an interrupt: whether it is taken is known when it is sent, its end."""
    if transfer is not None and transfer.ok and not transfer.translations:
        transfer.end()


def _bit(value: int, number: int | None) -> bool:
    return number is not None and bool(value >> number & 1)
