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

from hdl_bridge import _pcie_completion, _pcie_request, _pcie_rules
from hdl_bridge._pcie_entry import guard
from hdl_bridge._pcie_msi import route_msi
from hdl_bridge._pcie_request import KINDS, Kind
from hdl_bridge._pcie_structure import require_platform, require_root_complex
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
    from collections.abc import Callable, Iterable

    from cocotb.triggers import Trigger
    from cocotbext.pcie.core import RootComplex

    from hdl_bridge._pcie_entry import PassOn

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
            guard(switch_port, self.accept)
        root_complex.add_switch_port = self._guard_and_add

    def accept(self, tlp: Any, pass_on: PassOn) -> None:
        """Take a memory request: it begins now, and a task of its own serves it.

        Args:
            tlp: The request.
            pass_on: Where it goes, with its new address, if the platform has nothing there.
        """
        log = self._root_complex.log
        if (complaint := _pcie_rules.complaint(tlp, self._boundary)) is not None:
            log.warning("request dropped, %s: %r", complaint, tlp)
            tlp.release_fc()
        elif (complaint := _pcie_rules.unsupported(tlp)) is not None:
            log.warning("request refused, %s: %r", complaint, tlp)
            cocotb.start_soon(self._refuse(tlp))
        else:
            request = _Request(tlp, self._begin(tlp), pass_on)
            for listener in self.listeners:
                listener(tlp, request.transfer)
            self._queue(request)

    @property
    def _boundary(self) -> int:
        """The read completion boundary in bytes."""
        return 128 if self._root_complex.read_completion_boundary else 64

    def _guard_and_add(self, switch_port: Any) -> None:
        guard(switch_port, self.accept)
        self._add_switch_port(switch_port)

    async def _refuse(self, tlp: Any) -> None:
        if KINDS[tlp.fmt_type] is not Kind.WRITE:
            await self._root_complex.send(_pcie_completion.refusal(tlp, Answer.UR))
        tlp.release_fc()

    def _begin(self, tlp: Any) -> Transfer:
        port = self.platform.requester(int(tlp.requester_id))
        pasid = None if self._pasid_of is None else self._pasid_of(tlp)
        address_type = AddressType(tlp.at)
        if address_type is AddressType.TRANSLATION:
            no_write = bool(tlp.ph & _NO_WRITE)
            return port.begin_translation(tlp.address, pasid=pasid, no_write=no_write)
        options = RequestOptions(
            address_type=address_type, no_snoop=bool(tlp.attr & TlpAttr.NS), pasid=pasid
        )
        kind = KINDS[tlp.fmt_type]
        if kind is Kind.ATOMIC:
            return port.begin_atomic(tlp.address, _pcie_request.atomic(tlp).size, **options)
        span = _pcie_request.span(tlp)
        return port.begin(span.address, span.size, kind is Kind.WRITE, **options)

    def _queue(self, request: _Request) -> None:
        """Keep PCIe's order within a requester (PCIe §2.4.1).

        Nothing passes a write that came before it; a write passes all that is no write, and what
        is no write passes each other. Relaxed ordering permits more, and is not made use of.
        """
        requester = request.transfer.port.source_id
        before = self._last_write.get(requester)
        if request.transfer.is_write:
            self._last_write[requester] = request
        delay = self._delay(request.tlp)

        async def take_turn() -> None:
            if delay:
                await request.unless_aborted(Timer(delay, "ns"))
            if before is not None:
                await request.unless_aborted(before.done.wait())
            await self._serve(request)
            request.done.set()
            if self._last_write.get(requester) is request:
                del self._last_write[requester]

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
        elsewhere = _elsewhere(transfer)
        if elsewhere is not None:
            await request.pass_on(_pcie_request.redirected(request.tlp, elsewhere))
        elif not transfer.aborted:
            await self._complete(transfer, self._carry_out(request.tlp, transfer))
        transfer.end()
        request.tlp.release_fc()

    def _carry_out(self, tlp: Any, transfer: Transfer) -> Iterable[Any]:
        """Move the bytes; what completes the request."""
        if transfer.attributes.address_type is AddressType.TRANSLATION:
            return (_pcie_completion.translation_completion(tlp, transfer),)
        kind = KINDS[tlp.fmt_type]
        if kind is Kind.WRITE:
            for offset, data in _pcie_request.written(tlp):
                transfer.write(offset, data)
            return ()
        if not transfer.ok:
            return (_pcie_completion.refusal(tlp, transfer.answer),)
        if kind is Kind.ATOMIC:
            return (_pcie_completion.data_completion(tlp, _modify(tlp, transfer)),)
        return self._read_completions(tlp, transfer)

    def _read_completions(self, tlp: Any, transfer: Transfer) -> Iterable[Any]:
        data = bytearray(transfer.size)
        for offset, size in _pcie_request.span(tlp).runs:
            data[offset : offset + size] = transfer.read(offset, size)
        root_complex = self._root_complex
        return _pcie_completion.read_completions(
            tlp,
            bytes(data),
            payload=_SMALLEST_PAYLOAD << root_complex.max_payload_size,
            boundary=self._boundary,
            every_boundary=root_complex.split_on_all_rcb,
        )

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
    """A request that has begun.

    Attributes:
        done: Set when nothing of it is left to do, also after an abort.
    """

    tlp: Any
    transfer: Transfer
    pass_on: PassOn
    done: Event = field(default_factory=Event)
    _aborted: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.transfer.when_aborted(self._aborted.set)

    async def unless_aborted(self, trigger: Trigger) -> None:
        """Wait for something, until a reset takes the request back."""
        if not self.transfer.aborted:
            await First(trigger, self._aborted.wait())


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
    atomic = _pcie_request.atomic(tlp)
    before = 0

    def change(old: int) -> int:
        nonlocal before
        before = old
        return outcome(old, atomic.operand, atomic.operation, atomic.compare, atomic.size)

    transfer.modify(change)
    return before.to_bytes(atomic.size, "little")
