"""Where the TLPs of endpoints enter a root complex, and memory requests are taken aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.queue import Queue
from cocotbext.pcie.core.tlp import Tlp

from hdl_bridge._pcie_request import KINDS
from hdl_bridge._pcie_structure import require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

    PassOn: TypeAlias = Callable[[Any], Awaitable[None]]
    Accept: TypeAlias = Callable[[Any, PassOn], None]


def guard(switch_port: Any, accept: Accept) -> None:
    """Take the memory requests that come in at a port, before it looks at their addresses.

    Args:
        switch_port: A `SwitchPort` of a root complex. Nothing is taken at the one of its host.
        accept: Given each request, and the way that it goes on if it is not done here.

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
        link.rx_handler = _RootPort(place, link.rx_handler, accept).receive
    else:
        place.upstream_tx_handler = _Integrated(place.upstream_tx_handler, accept).receive


class _Integrated:
    """Takes the requests of an endpoint inside the root complex, which keeps its TLPs."""

    def __init__(self, handler: PassOn, accept: Accept) -> None:
        self._handler = handler
        self._accept = accept

    async def receive(self, tlp: Any) -> None:
        if tlp.fmt_type in KINDS:
            self._accept(Tlp(tlp), self._handler)
        else:
            await self._handler(tlp)


class _RootPort:
    """Takes the requests that come up a link, and turns back what goes to one of its own devices.

    A root port of cocotbext-pcie refuses TLPs for its own side. Here a request can be for it once
    it is translated, and then its completion comes up as well.
    """

    def __init__(self, bridge: Any, handler: PassOn, accept: Accept) -> None:
        self._bridge = bridge
        self._handler = handler
        self._accept = accept
        self._turned: Queue[Any] = Queue()
        cocotb.start_soon(self._turn_back())

    async def receive(self, tlp: Any) -> None:
        if tlp.fmt_type in KINDS:
            self._accept(tlp, self._pass_on)
        elif tlp.is_completion() and self._bridge.match_tlp_secondary(tlp):
            # In order, but not from here: what waits for credits must not keep them from arriving.
            self._turned.put_nowait(tlp)
        else:
            await self._handler(tlp)

    async def _pass_on(self, tlp: Any) -> None:
        if self._bridge.match_tlp_secondary(tlp):
            await self._bridge.downstream_send(tlp)
        else:
            await self._handler(tlp)

    async def _turn_back(self) -> None:
        while True:
            await self._bridge.downstream_send(await self._turned.get())
