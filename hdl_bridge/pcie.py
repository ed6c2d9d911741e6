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
from cocotb.triggers import Event, Timer
from cocotbext.pcie.core.tlp import TlpAttr

from hdl_bridge import pcie_tlp
from hdl_bridge._pcie_msi import route_msi
from hdl_bridge._pcie_structure import require, require_platform, require_root_complex
from hdl_bridge.pcie_tlp import KINDS, Kind
from vtd_plugin.bus import (
    AddressType,
    Answer,
    Platform,
    RequestKind,
    RequestOptions,
    Transfer,
)
from vtd_plugin.bus.atomics import outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import TypeAlias

    from cocotbext.pcie.core import RootComplex

    from vtd_plugin.bus import Resolution

    PassOn: TypeAlias = Callable[[Any], Awaitable[None]]

__all__ = ["PcieBridge", "RequestListener", "attach", "route_msi"]

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
        self._last_write: dict[int, _Request] = {}
        self._add_switch_port: Callable[[Any], None] = root_complex.add_switch_port
        for switch_port in root_complex.switch_ports:
            self._guard(switch_port)
        root_complex.add_switch_port = self._guard_and_add

    def accept(self, tlp: Any, pass_on: PassOn) -> None:
        """Take a memory request: it begins now, and a task of its own serves it.

        Args:
            tlp: The request.
            pass_on: Where it goes, with its new address, if the platform has nothing there.
        """
        if (complaint := pcie_tlp.complaint(tlp)) is not None:
            self._root_complex.log.warning("request dropped, %s: %r", complaint, tlp)
            tlp.release_fc()
        elif AddressType(tlp.at) is AddressType.TRANSLATION:
            cocotb.start_soon(self._answer_translation(tlp, self._translate(tlp)))
        else:
            request = _Request(tlp, self._begin(tlp), pass_on)
            for listener in self.listeners:
                listener(tlp, request.transfer)
            self._queue(request)

    def _guard_and_add(self, switch_port: Any) -> None:
        self._guard(switch_port)
        self._add_switch_port(switch_port)

    def _guard(self, switch_port: Any) -> None:
        """Stand where requests come in: at the link of a root port, else at the endpoint itself."""
        require(switch_port, "upstream", "bridge.upstream_tx_handler")
        if switch_port.upstream:
            return
        place, name = switch_port.bridge, "upstream_tx_handler"
        if hasattr(place, "downstream_port"):
            place, name = place.downstream_port, "rx_handler"
            require(place, name)
        setattr(place, name, _Guard(self, getattr(place, name)).receive)

    def _begin(self, tlp: Any) -> Transfer:
        port = self.platform.requester(int(tlp.requester_id))
        options = RequestOptions(
            address_type=AddressType(tlp.at),
            no_snoop=bool(tlp.attr & TlpAttr.NS),
            pasid=self._pasid(tlp),
        )
        kind = KINDS[tlp.fmt_type]
        if kind is Kind.ATOMIC:
            return port.begin_atomic(tlp.address, pcie_tlp.atomic(tlp).size, **options)
        span = pcie_tlp.span(tlp)
        return port.begin(span.address, span.size, kind is Kind.WRITE, **options)

    def _translate(self, tlp: Any) -> Resolution:
        return self.platform.requester(int(tlp.requester_id)).request_translation(
            tlp.address, pasid=self._pasid(tlp), no_write=bool(tlp.ph & _NO_WRITE)
        )

    def _pasid(self, tlp: Any) -> int | None:
        return None if self._pasid_of is None else self._pasid_of(tlp)

    def _queue(self, request: _Request) -> None:
        """Keep PCIe's order within a requester (PCIe §2.4.1).

        Nothing passes a write that came before it; a write passes all that is no write, and what
        is no write passes each other. Relaxed ordering permits more, and is not made use of.
        """
        requester = request.transfer.port.source_id
        before = self._last_write.get(requester)
        if before is not None and before.transfer.aborted:
            before = None  # it may be waiting for its turn still, and nobody for it
        if request.transfer.is_write:
            self._last_write[requester] = request
        delay = self._delay(request.tlp)

        async def take_turn() -> None:
            await _wait(delay)
            if before is not None:
                await before.done.wait()
            await self._serve(request)
            request.done.set()
            if self._last_write.get(requester) is request:
                del self._last_write[requester]

        cocotb.start_soon(take_turn())

    def _delay(self, tlp: Any) -> int:
        return 0 if self._latency is None else self._latency(tlp)

    async def _serve(self, request: _Request) -> None:
        """Do a request whose turn has come, unless a reset has aborted it."""
        transfer = request.transfer
        elsewhere = _elsewhere(transfer)
        if elsewhere is not None:
            await request.pass_on(pcie_tlp.redirected(request.tlp, elsewhere))
        elif not transfer.aborted:
            await self._complete(transfer, self._carry_out(request.tlp, transfer))
        transfer.end()
        request.tlp.release_fc()

    def _carry_out(self, tlp: Any, transfer: Transfer) -> Iterable[Any]:
        """Move the bytes; what completes the request."""
        kind = KINDS[tlp.fmt_type]
        if kind is Kind.WRITE:
            for offset, data in pcie_tlp.written(tlp):
                transfer.write(offset, data)
            return ()
        if not transfer.ok:
            return (pcie_tlp.refusal(tlp, transfer.answer),)
        if kind is Kind.ATOMIC:
            return (pcie_tlp.data_completion(tlp, _modify(tlp, transfer)),)
        return self._read_completions(tlp, transfer)

    def _read_completions(self, tlp: Any, transfer: Transfer) -> Iterable[Any]:
        data = bytearray(transfer.size)
        for offset, size in pcie_tlp.span(tlp).runs:
            data[offset : offset + size] = transfer.read(offset, size)
        root_complex = self._root_complex
        return pcie_tlp.read_completions(
            tlp,
            bytes(data),
            payload=_SMALLEST_PAYLOAD << root_complex.max_payload_size,
            boundary=128 if root_complex.read_completion_boundary else 64,
            every_boundary=root_complex.split_on_all_rcb,
        )

    async def _complete(self, transfer: Transfer, completions: Iterable[Any]) -> None:
        for completion in completions:
            # A function that was reset has forgotten the tag, and may have given it out again.
            if not transfer.aborted:
                await self._root_complex.send(completion)

    async def _answer_translation(self, tlp: Any, resolution: Resolution) -> None:
        await _wait(self._delay(tlp))
        await self._root_complex.send(pcie_tlp.translation_completion(tlp, resolution))
        tlp.release_fc()


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
    completion.

    Args:
        root_complex: A `RootComplex` of cocotbext-pcie.
        platform: The platform.
        latency: For each TLP, after it was translated, the nanoseconds before it is served.
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
    done: Event = field(default_factory=Event)


class _Guard:
    """Stands before a handler of TLPs, and takes memory requests aside."""

    def __init__(self, bridge: PcieBridge, handler: PassOn) -> None:
        self._bridge = bridge
        self._handler = handler

    async def receive(self, tlp: Any) -> None:
        if tlp.fmt_type in KINDS:
            self._bridge.accept(tlp, self._handler)
        else:
            await self._handler(tlp)


def _elsewhere(transfer: Transfer) -> int | None:
    """Where a request goes that was translated to where the platform has nothing."""
    if transfer.answer is not Answer.UR or transfer.faults or not transfer.translations:
        return None
    if transfer.attributes.kind is RequestKind.ATOMIC:
        return None  # cocotbext-pcie cannot route it
    _, _, translation = transfer.translations[0]
    return translation.address(transfer.iova)


def _modify(tlp: Any, transfer: Transfer) -> bytes:
    """Do an atomic; the old value."""
    atomic = pcie_tlp.atomic(tlp)
    before = 0

    def change(old: int) -> int:
        nonlocal before
        before = old
        return outcome(old, atomic.operand, atomic.operation, atomic.compare, atomic.size)

    transfer.modify(change)
    return before.to_bytes(atomic.size, "little")


async def _wait(nanoseconds: int) -> None:
    if nanoseconds:
        await Timer(nanoseconds, "ns")
