"""The rules of AXI4 that a master must keep, checked at every clock edge.

Only those that the models of cocotbext-axi do not assert themselves: valid never X, payloads that
stay as they are until they are taken, and bursts inside 4 KiB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.simtime import get_sim_time
from cocotb.triggers import RisingEdge

if TYPE_CHECKING:
    from collections.abc import Sequence

PAYLOADS: Final = {
    "aw": ("awid", "awaddr", "awlen", "awsize", "awburst"),
    "w": ("wdata", "wstrb", "wlast"),
    "ar": ("arid", "araddr", "arlen", "arsize", "arburst"),
}


class AxiChecker:
    """Watches the master side of one AXI4 interface from its construction on.

    Attributes:
        bursts: (channel, address, bytes) of every burst asked for.
        broken: Rules that were broken, in words; `require_clean` asserts there are none.
    """

    def __init__(self, dut: Any, prefix: str = "m_axi") -> None:
        self.bursts: list[tuple[str, int, int]] = []
        self.broken: list[str] = []
        self._dut = dut
        self._prefix = prefix
        for channel in PAYLOADS:
            cocotb.start_soon(self._watch(channel))

    def require_clean(self) -> None:
        """Assert that no rule was broken."""
        assert not self.broken, "\n".join(self.broken)

    def _signal(self, name: str) -> Any:
        return getattr(self._dut, f"{self._prefix}_{name}")

    def _has(self, name: str) -> bool:
        return hasattr(self._dut, f"{self._prefix}_{name}")

    async def _watch(self, channel: str) -> None:
        valid, ready = self._signal(f"{channel}valid"), self._signal(f"{channel}ready")
        names = [*PAYLOADS[channel], f"{channel}user"]
        payload = [self._signal(name) for name in names if self._has(name)]
        waiting: Sequence[Any] | None = None
        while True:
            # What stands just before an edge is what the edge samples.
            await RisingEdge(self._dut.clk)
            in_reset = bool(self._dut.rst.value)
            if not valid.value.is_resolvable:
                self._break(channel, "valid is X")
            elif not valid.value:
                if waiting is not None and not in_reset:
                    self._break(channel, "valid fell before ready")
                waiting = None
            else:
                values = [signal.value for signal in payload]
                if waiting is not None and values != waiting:
                    self._break(channel, f"payload changed from {waiting} to {values}")
                waiting = None if ready.value or in_reset else values
                if ready.value and not in_reset and channel != "w":
                    self._burst(channel, values)

    def _burst(self, channel: str, values: Sequence[Any]) -> None:
        _, address, length, size, *_ = map(int, values)
        count = (length + 1) << size
        self.bursts.append((channel, address, count))
        if address // 4096 != (address + count - 1) // 4096:
            self._break(channel, f"{count} bytes at {address:#x} cross 4 KiB")

    def _break(self, channel: str, what: str) -> None:
        self.broken.append(f"{channel}: {what} at {get_sim_time('ns')} ns")
