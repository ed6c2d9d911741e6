"""An IOMMU in the root complex of cocotbext-pcie.

`attach` takes the memory requests of endpoints where they enter the root complex, before it looks
at their addresses: its ports send all of them upstream, as access control services make hardware
do (PCIe §6.12). Each request becomes a transfer of its requester: it is translated, moves bytes of
the platform's memory, and is answered. What the host does is not touched, nor what a switch below
a root port routes by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import cocotb
from cocotb.triggers import Event, First, Timer
from cocotbext.pcie.core.tlp import TlpAttr

from hdl_bridge.pcie.completion import Cut, refusal
from hdl_bridge.pcie.entry import guard
from hdl_bridge.pcie.order import Line
from hdl_bridge.pcie.request import KINDS, Kind, atomic, kind_of, redirected, span
from hdl_bridge.pcie.rules import complaint, unsupported
from hdl_bridge.pcie.service import carry_out, elsewhere
from hdl_bridge.pcie.structure import require_platform, require_root_complex
from vtd_plugin.bus import AddressType, Answer, Platform, RequestOptions, Transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cocotb.triggers import Trigger
    from cocotbext.pcie.core import RootComplex

    from hdl_bridge.pcie.entry import PassOn

_NO_WRITE: Final = 1
"""The NW flag of a translation request lies where other requests have processing hints (ATS)."""

_SMALLEST_PAYLOAD: Final = 128
"""Bytes of the maximum payload size that is encoded as 0 (PCIe §7.5.3.4)."""

_ATTRIBUTES: Final = (
    "switch_ports", "add_switch_port", "send", "log", "max_payload_size",
    "read_completion_boundary", "split_on_all_rcb", "rx_tlp_handler", "handle_mem_read_tlp",
    "handle_mem_write_tlp",
)  # fmt: skip


class RequestListener(Protocol):
    """Who is told of each request that has begun."""

    def __call__(self, tlp: Any, transfer: Transfer, /) -> object:
        """A request has begun; it is translated, and no byte has moved."""


class PcieBridge:
    """What `attach` has put into a root complex.

    Attributes:
        platform: Whose memory and units the requests reach.
        listeners: Called with the TLP and the transfer of each request when it has begun.
    """

    def __init__(
        self,
        root_complex: RootComplex,
        platform: Platform,
        latency: Callable[[Any], int] | None,
        pasid_of: Callable[[Any], int | None] | None,
    ) -> None:
        self.platform = platform
        self.listeners: list[RequestListener] = []
        self._root_complex = root_complex
        self._latency = latency
        self._pasid_of = pasid_of
        self._writes = Line()
        self._completions = Line()
        self._add_switch_port: Callable[[Any], None] = root_complex.add_switch_port
        for switch_port in root_complex.switch_ports:
            guard(switch_port, self)
        root_complex.add_switch_port = self._guard_and_add

    def accept(self, tlp: Any, pass_on: PassOn) -> None:
        """Take a memory request: it begins now, and a task of its own serves it.

        Args:
            tlp: The request.
            pass_on: Where it goes, with its new address, if the platform has nothing there.
        """
        log = self._root_complex.log
        if (wrong := complaint(tlp, self._cut.boundary)) is not None:
            log.warning("request dropped, %s: %r", wrong, tlp)
            tlp.release_fc()
        elif (wrong := unsupported(tlp)) is not None:
            log.warning("request refused, %s: %r", wrong, tlp)
            cocotb.start_soon(self._refuse(tlp))
        else:
            request = _Request(tlp, self._begin(tlp), pass_on)
            try:
                for listener in self.listeners:
                    listener(tlp, request.transfer)
                delay = self._delay(tlp)
            except BaseException:
                request.transfer.abort()
                raise
            self._queue(request, delay)

    async def follow(self, completion: Any, pass_on: PassOn) -> None:
        """Let a completion of a function go on, behind the writes that came before it.

        A host that reads a register of a device finds in memory what the device wrote before it
        answered.

        Args:
            completion: The completion.
            pass_on: Where it goes.
        """
        function = int(completion.completer_id)
        earlier = [self._writes.last(function), self._completions.last(function)]
        if earlier == [None, None]:
            await pass_on(completion)
            return
        place = self._completions.join(function)

        async def take_turn() -> None:
            for done in filter(None, earlier):
                await done.wait()
            await pass_on(completion)
            self._completions.leave(function, place)

        cocotb.start_soon(take_turn())

    @property
    def _cut(self) -> Cut:
        """How the root complex cuts its completions."""
        root_complex = self._root_complex
        return Cut(
            payload=_SMALLEST_PAYLOAD << root_complex.max_payload_size,
            boundary=128 if root_complex.read_completion_boundary else 64,
            every_boundary=root_complex.split_on_all_rcb,
        )

    def _guard_and_add(self, switch_port: Any) -> None:
        guard(switch_port, self)
        self._add_switch_port(switch_port)

    async def _refuse(self, tlp: Any) -> None:
        if KINDS[tlp.fmt_type] is not Kind.WRITE:
            await self._root_complex.send(refusal(tlp, Answer.UR))
        tlp.release_fc()

    def _begin(self, tlp: Any) -> Transfer:
        port = self.platform.requester(int(tlp.requester_id))
        pasid = None if self._pasid_of is None else self._pasid_of(tlp)
        kind = kind_of(tlp)
        if kind is Kind.TRANSLATION:
            no_write = bool(tlp.ph & _NO_WRITE)
            return port.begin_translation(tlp.address, pasid=pasid, no_write=no_write)
        options = RequestOptions(
            address_type=AddressType(tlp.at), no_snoop=bool(tlp.attr & TlpAttr.NS), pasid=pasid
        )
        if kind is Kind.ATOMIC:
            return port.begin_atomic(tlp.address, atomic(tlp).size, **options)
        wanted = span(tlp)
        return port.begin(wanted.address, wanted.size, kind is Kind.WRITE, **options)

    def _queue(self, request: _Request, delay: int) -> None:
        """Keep PCIe's order within a requester (PCIe §2.4.1).

        Nothing passes a write that came before it; a write passes all that is no write, and what
        is no write passes each other. Relaxed ordering permits more, and is not made use of.
        """
        requester = request.transfer.port.source_id
        before = self._writes.last(requester)
        place = self._writes.join(requester) if request.transfer.is_write else None

        async def take_turn() -> None:
            if delay:
                await request.unless_aborted(Timer(delay, "ns"))
            if before is not None:
                await request.unless_aborted(before.wait())
            await self._serve(request)
            if place is not None:
                if before is not None:
                    await before.wait()  # of an aborted one: it may be on its way to a peer
                self._writes.leave(requester, place)

        cocotb.start_soon(take_turn())

    def _delay(self, tlp: Any) -> int:
        if self._latency is None:
            return 0
        delay = self._latency(tlp)
        if isinstance(delay, bool) or not isinstance(delay, int):
            raise TypeError(f"a latency of {delay!r} for {tlp!r} is no int (nanoseconds)")
        if delay < 0:
            raise ValueError(f"a latency of {delay} ns for {tlp!r} is less than 0")
        return delay

    async def _serve(self, request: _Request) -> None:
        """Do a request whose turn has come, unless a reset has aborted it."""
        transfer = request.transfer
        address = elsewhere(transfer)
        if address is not None:
            await request.pass_on(redirected(request.tlp, address))
        elif not transfer.aborted:
            await self._complete(transfer, carry_out(request.tlp, transfer, self._cut))
        transfer.end()
        request.tlp.release_fc()

    async def _complete(self, transfer: Transfer, completions: Iterable[Any]) -> None:
        for completion in completions:
            # A function that was reset has forgotten the tag, and may have given it out again.
            if not transfer.aborted:
                await self._root_complex.send(completion)


def attach(
    root_complex: RootComplex,
    platform: Platform,
    *,
    latency: Callable[[Any], int] | None = None,
    pasid_of: Callable[[Any], int | None] | None = None,
) -> PcieBridge:
    """Put a platform's memory and IOMMUs behind the ports of a root complex.

    From now on memory requests and atomics of every endpoint, also of ports made later, are
    transfers of the platform's requester with their requester id. A blocked request is completed
    with the status that the unit's answer names (UR or CA), a blocked write is dropped. A dword
    write to 0xFEEx_xxxx is an interrupt. A request that is translated to where the platform has
    nothing goes on with its new address, to BARs, to the memory of the root complex and to the
    handlers that were registered with it; a warning is logged if there are any.

    Requests of one requester keep PCIe's order, and different requesters do not wait for each
    other. A request is in flight from here until the root complex has taken its last completion.
    The credit that it took is given back then. A reset of its requester aborts it without a
    completion. Translation requests are in flight and aborted like all others.

    Args:
        root_complex: A `RootComplex` of cocotbext-pcie.
        platform: The platform.
        latency: For each TLP, after it was translated, the nanoseconds before it is served, an int.
            By default there are none.
        pasid_of: The PASID of each TLP, or None for one without. There are no TLP prefixes in
            cocotbext-pcie; by default no request has a PASID.

    Returns:
        The bridge.

    Raises:
        TypeError: `root_complex` is no root complex of cocotbext-pcie, `platform` no platform, or
            `latency` or `pasid_of` no function.
        ValueError: It has a bridge already.
        RuntimeError: This release of cocotbext-pcie lacks what the bridge needs.
    """
    require_root_complex(root_complex, *_ATTRIBUTES)
    require_platform(platform)
    for name, function in (("latency", latency), ("pasid_of", pasid_of)):
        if function is not None and not callable(function):
            raise TypeError(f"{name}={function!r} is no function of a TLP")
    if isinstance(getattr(root_complex.add_switch_port, "__self__", None), PcieBridge):
        raise ValueError(f"{root_complex!r} has a bridge already")  # noqa: TRY004
    _warn_of_handlers(root_complex)
    return PcieBridge(root_complex, platform, latency, pasid_of)


def _warn_of_handlers(root_complex: Any) -> None:
    """Say so if a testbench has handlers of its own, which the bridge stands before."""
    stock = (root_complex.handle_mem_read_tlp, root_complex.handle_mem_write_tlp)
    registered = root_complex.rx_tlp_handler
    own = [kind.name for kind in KINDS if registered.get(kind, stock[0]) not in stock]
    if own:
        root_complex.log.warning(
            "handlers of %s are only called for what the platform has nothing for", ", ".join(own)
        )


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that has begun."""

    tlp: Any
    transfer: Transfer
    pass_on: PassOn
    _aborted: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.transfer.when_aborted(self._aborted.set)

    async def unless_aborted(self, trigger: Trigger) -> None:
        """Wait for something, until a reset takes the request back."""
        if not self.transfer.aborted:
            await First(trigger, self._aborted.wait())
