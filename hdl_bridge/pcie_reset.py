"""Resets that functions of cocotbext-pcie and a platform have together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cocotbext.pcie.core.function import Function

from hdl_bridge._pcie_structure import require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from vtd_plugin.bus import ResetKind


class FunctionReset:
    """The reset of a function in Python: ``platform.add_device(FunctionReset(...))``.

    A function of cocotbext-pcie waits for a completion as long as it takes, and a request that a
    reset aborted has none. This ends the waiting: reads raise as they do when their time is over,
    and the tags are free again. Completions that are on the link then find nobody who waits, and
    are dropped (PCIe §2.3.2).

    Attributes:
        name: What reports call it.
        kinds: The resets it has had, in order.
    """

    def __init__(self, name: str, function: Function) -> None:
        """Take a function.

        Args:
            name: What reports call it; unique on its platform.
            function: A `Function` of cocotbext-pcie, such as an `Endpoint`.

        Raises:
            TypeError: `function` is no function of cocotbext-pcie.
            RuntimeError: This release of cocotbext-pcie lacks what is needed.
        """
        if not isinstance(function, Function):
            raise TypeError(f"{function!r} is no Function of cocotbext-pcie")
        require(function, "tag_active", "rx_cpl_queues", "rx_cpl_sync", "handle_tlp")
        self.name = name
        self.kinds: list[ResetKind] = []
        self._function: Any = function
        self._handle_tlp: Callable[[Any], Awaitable[None]] = function.handle_tlp
        function.handle_tlp = self._receive

    def reset(self, kind: ResetKind) -> None:
        """Let whoever waits for a completion go on without; see `Device.reset`."""
        self.kinds.append(kind)
        function = self._function
        for tag, completions in enumerate(function.rx_cpl_queues):
            while not completions.empty():
                completions.get_nowait().release_fc()
            if function.tag_active[tag]:
                function.rx_cpl_sync[tag].set()

    async def _receive(self, tlp: Any) -> None:
        if tlp.is_completion() and not self._function.tag_active[tlp.tag]:
            tlp.release_fc()
        else:
            await self._handle_tlp(tlp)
