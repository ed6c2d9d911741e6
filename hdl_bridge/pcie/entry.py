"""Where the TLPs of endpoints enter a root complex, and memory requests are taken aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import cocotb
from cocotb.queue import Queue
from cocotbext.pcie.core.tlp import Tlp

from hdl_bridge.pcie.request import KINDS
from hdl_bridge.pcie.structure import require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    PassOn: TypeAlias = Callable[[Any], Awaitable[None]]


class Bridge(Protocol):
    """Who takes the TLPs that come in, and is told the way that they go on."""

    def accept(self, tlp: Any, pass_on: PassOn) -> None:
        """Take a request to memory."""

    async def follow(self, completion: Any, pass_on: PassOn) -> None:
        """Let a completion go on in its turn."""


def guard(switch_port: Any, bridge: Bridge) -> None:
    """Take what comes in at a port, before the root complex looks at its address.

    Args:
        switch_port: A `SwitchPort` of a root complex. Nothing is taken at the one of its host.
        bridge: Given the memory requests and the completions.

    Raises:
        RuntimeError: This release of cocotbext-pcie lacks what is needed.
    """
    require(switch_port, "upstream", "bridge.upstream_tx_handler")
    place = switch_port.bridge
    if switch_port.upstream:
        return
    if hasattr(place, "downstream_port"):
        require(place, "downstream_port.rx_handler", "match_tlp_secondary", "downstream_send")
        link = place.downstream_port
        link.rx_handler = _RootPort(place, link.rx_handler, bridge).receive
    else:
        place.upstream_tx_handler = _Integrated(place.upstream_tx_handler, bridge).receive


class _Integrated:
    """Where an endpoint inside the root complex sends its TLPs, which it may use again."""

    def __init__(self, handler: PassOn, bridge: Bridge) -> None:
        self._handler = handler
        self._bridge = bridge

    async def receive(self, tlp: Any) -> None:
        if tlp.fmt_type in KINDS:
            self._bridge.accept(Tlp(tlp), self._handler)
        elif tlp.is_completion():
            await self._bridge.follow(Tlp(tlp), self._handler)
        else:
            await self._handler(tlp)


class _RootPort:
    """Where TLPs come up a link; what goes to a device at the same link is turned back.

    A root port of cocotbext-pcie refuses TLPs for its own side. Here a request can be for it once
    it is translated, and then its completion comes up as well.
    """

    def __init__(self, port: Any, handler: PassOn, bridge: Bridge) -> None:
        self._port = port
        self._handler = handler
        self._bridge = bridge
        self._completions: Queue[Any] = Queue()
        cocotb.start_soon(self._turn_back())

    async def receive(self, tlp: Any) -> None:
        if tlp.fmt_type in KINDS:
            self._bridge.accept(tlp, self._pass_on)
        elif tlp.is_completion():
            await self._bridge.follow(tlp, self._pass_on_completion)
        else:
            await self._handler(tlp)

    async def _pass_on(self, tlp: Any) -> None:
        if self._port.match_tlp_secondary(tlp):
            await self._port.downstream_send(tlp)
        else:
            await self._handler(tlp)

    async def _pass_on_completion(self, tlp: Any) -> None:
        if self._port.match_tlp_secondary(tlp):
            # In order, but not from here: what waits for credits must not keep them from arriving.
            self._completions.put_nowait(tlp)
        else:
            await self._handler(tlp)

    async def _turn_back(self) -> None:
        while True:
            await self._port.downstream_send(await self._completions.get())
