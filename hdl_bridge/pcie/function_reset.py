"""Resets that functions of cocotbext-pcie and a platform have together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import Timer
from cocotbext.pcie.core.function import Function

from hdl_bridge._arguments import require_count
from hdl_bridge.pcie.completion import is_last
from hdl_bridge.pcie.structure import require

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from vtd_plugin.bus import ResetKind


class FunctionReset:
    """The reset of a function in Python: ``platform.add_device(FunctionReset(...))``.

    A function of cocotbext-pcie waits for a completion as long as it takes, and a request that a
    reset aborted has none. This ends the waiting: reads raise as they do when their time is over.

    Their tags are held back for a while. What was on the link at the reset may still come: a
    completion, or the request, which the root complex then completes. That belongs to nobody any
    more and is dropped (PCIe §2.3.2), and must not be taken for another request's.

    Attributes:
        name: What reports call it.
        kinds: The resets it has had, in order.
    """

    def __init__(self, name: str, function: Function, *, hold: int = 50_000) -> None:
        """Take a function.

        Args:
            name: What reports call it; unique on its platform.
            function: A `Function` of cocotbext-pcie, such as an `Endpoint`.
            hold: Nanoseconds for which the tag of a request that a reset took back is not given out
                again, unless its completion comes before. At least as long as a completion may
                take; the default is the shortest time after which PCIe lets functions give up
                (PCIe §7.5.3.16).

        Raises:
            TypeError: `function` is no function of cocotbext-pcie, or `hold` no int.
            ValueError: It has a `FunctionReset` already, or `hold` is less than 0.
            RuntimeError: This release of cocotbext-pcie lacks what is needed.
        """
        if not isinstance(function, Function):
            raise TypeError(f"{function!r} is no Function of cocotbext-pcie")
        require_count("hold", hold, 0)
        require(
            function,
            *("tag_active", "rx_cpl_queues", "rx_cpl_sync"),
            *("handle_tlp", "recv_cpl", "release_tag"),
        )
        if isinstance(getattr(function.handle_tlp, "__self__", None), FunctionReset):
            raise ValueError(f"{function!r} has a FunctionReset already")  # noqa: TRY004
        self.name = name
        self.kinds: list[ResetKind] = []
        self._function: Any = function
        self._hold = hold
        self._waited_for: set[int] = set()
        self._held: dict[int, int] = {}  # tag to the number of the reset that took it back
        self._handle_tlp: Callable[[Any], Awaitable[None]] = function.handle_tlp
        self._recv_cpl: Callable[..., Awaitable[Any]] = function.recv_cpl
        self._release_tag: Callable[[int], None] = function.release_tag
        function.handle_tlp = self._receive
        function.recv_cpl = self._wait_for_completion
        function.release_tag = self._give_tag_back

    def reset(self, kind: ResetKind) -> None:
        """Let whoever waits for a completion go on without; see `Device.reset`."""
        self.kinds.append(kind)
        number, tags = len(self.kinds), tuple(self._waited_for)
        for tag in tags:
            self._held[tag] = number
            completions = self._function.rx_cpl_queues[tag]
            while not completions.empty():
                completions.get_nowait().release_fc()
            self._function.rx_cpl_sync[tag].set()
        if tags:
            cocotb.start_soon(self._let_go_later(tags, number))

    async def _wait_for_completion(self, tag: int, *timeout: Any, **options: Any) -> Any:
        self._waited_for.add(tag)
        try:
            return await self._recv_cpl(tag, *timeout, **options)
        finally:
            self._waited_for.discard(tag)

    def _give_tag_back(self, tag: int) -> None:
        if tag not in self._held:
            self._release_tag(tag)

    async def _receive(self, tlp: Any) -> None:
        if not tlp.is_completion() or tlp.tag not in self._held:
            await self._handle_tlp(tlp)
            return
        tlp.release_fc()
        if is_last(tlp) and tlp.tag not in self._waited_for:
            self._let_go(tlp.tag)

    async def _let_go_later(self, tags: Iterable[int], number: int) -> None:
        await Timer(max(self._hold, 1), "ns")
        for tag in tags:
            if self._held.get(tag) == number:
                self._let_go(tag)

    def _let_go(self, tag: int) -> None:
        """Let a tag be used again: nothing of the request that had it can come any more."""
        del self._held[tag]
        if self._function.tag_active[tag]:  # else whoever sent the request chose its tag himself
            self._release_tag(tag)
