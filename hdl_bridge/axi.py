"""A requester port behind a stock AXI slave of cocotbext-axi.

`attach` makes an AxiRam or AxiSlave ask the bus: one translation for each burst, beats to and from
the platform's memory, and error responses for what is blocked. The slave keeps doing what it does
well: handshakes, back-pressure, burst types, strobes. It serves one burst at a time in each
direction, and so do we. A burst is in flight from the moment the slave takes its address from the
address channel until the master has accepted its last response.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiSlave

from hdl_bridge._axi_stock import (
    TESTED_VERSION,
    BeatReads,
    BeatWrites,
    directions,
)
from hdl_bridge.axi_memory import AxiMemory, AxiProtocolError, Latency
from hdl_bridge.burst_port import (
    AxiUser,
    BurstPort,
    FaultResponse,
    end_if_interrupt,
    is_interrupt,
)
from hdl_bridge.registers import RegisterWindow, SlaveTarget

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from cocotb.task import Task

    from hdl_bridge.bursts import Burst
    from hdl_bridge.registers import RegisterTarget
    from vtd_plugin.bus import Platform, Requester, RequestOptions, Transfer

__all__ = [
    "TESTED_VERSION",
    "AxiBridge",
    "AxiMemory",
    "AxiProtocolError",
    "AxiUser",
    "BurstPort",
    "FaultResponse",
    "Latency",
    "attach",
    "attach_registers",
]


class AxiBridge(BurstPort):
    """What `attach` has put behind a slave."""


def attach(
    slave: Any,
    requester: Requester | Platform,
    source_id: int | str | None = None,
    *,
    on_fault: FaultResponse | str = FaultResponse.DECERR,
    user: Callable[[int], RequestOptions] | None = None,
    **options: Unpack[RequestOptions],
) -> AxiBridge:
    """Put a requester port behind an AXI slave; the slave's own memory is used no more.

    Call it before the master's first burst: a burst under way is lost. Nothing answers at an
    address: DECERR. A reset of the platform or of the requester aborts a burst: SLVERR. A reset of
    the slave itself aborts the bursts it had.

    Args:
        slave: An AxiRam or AxiSlave of cocotbext-axi, or one direction of either.
        requester: Whose requests its bursts are: a requester port, an assigned device, or a
            platform together with `source_id`.
        source_id: The requester on that platform, such as ``"00:04.0"``.
        on_fault: The response to a burst that is blocked, ``"DECERR"`` or ``"SLVERR"``.
        user: What a burst's AxUSER says of its request, such as `AxiUser()`; by default nothing.
        **options: What every request carries, such as a PASID; see `RequestOptions`.

    Returns:
        The bridge.

    Raises:
        TypeError: `slave` is no AXI slave of cocotbext-axi, or there is a source-id too many or
            too few.
        ValueError: `on_fault` or `source_id` cannot be, or `user` is for signals that the bus of
            the slave does not have.
        RuntimeError: This cocotbext-axi is not built as the one we know.
    """
    bridge = AxiBridge(requester, source_id, on_fault, user, options)
    write_if, read_if = directions(slave)
    _require_user(bridge, write_if, read_if)
    if write_if is not None:
        _WriteSide(bridge, write_if)
    if read_if is not None:
        _ReadSide(bridge, read_if)
    return bridge


def attach_registers(
    bus: Any,
    clock: Any,
    target: RegisterTarget,
    reset: Any = None,
    *,
    base: int = 0,
    reset_active_level: bool = True,
) -> AxiSlave:
    """Let an AXI4 master reach registers; of AXI4-Lite, see `hdl_bridge.axi_lite`.

    Each beat is an access of its own: a read of the bytes that the beat covers and of no others, a
    write of each run of bytes that its strobes select, both cut where they are not aligned.

    Args:
        bus: The AxiBus of the master's signals.
        clock: Its clock.
        target: Who has the registers.
        reset: Its reset, if it has one.
        base: The address of offset 0.
        reset_active_level: Whether that reset is active high.

    Returns:
        The slave model. A beat outside the registers is answered with SLVERR.

    Raises:
        RuntimeError: This cocotbext-axi is not built as the one we know.
    """
    window = RegisterWindow(target, base)
    slave = AxiSlave(bus, clock, reset, SlaveTarget(window), reset_active_level)
    write_if, read_if = directions(slave)
    BeatWrites(write_if)
    BeatReads(read_if, window.read)
    return slave


class _Active:
    """A burst from its address phase on; `transfer` is None until it has begun."""

    __slots__ = ("transfer", "user")

    def __init__(self, transfer: Transfer | None, user: int) -> None:
        self.transfer = transfer
        self.user = user


class _Side:
    """What reads and writes have in common: whose turn it is, and how bursts end."""

    def __init__(self, bridge: AxiBridge, interface: Any, response_channel: Any) -> None:
        self._bridge = bridge
        self._active: _Active | None = None
        self._answered: deque[_Active] = deque()  # their last response waits to be driven
        self._leaving: dict[_Active, Task[None]] = {}  # and here to be accepted
        self._channel = response_channel
        self._edge = RisingEdge(response_channel.clock)
        self._drive: Callable[[Any], None] = response_channel.bus.drive
        self._send = response_channel.send
        self._slave_reset: Callable[[bool], None] = interface._handle_reset  # noqa: SLF001
        response_channel.bus.drive = self._driven
        response_channel.send = self._respond
        interface._handle_reset = self._reset  # noqa: SLF001
        # The slave may be waiting for its first address already, past what we have replaced.
        interface.assert_reset()

    def _begin(self, burst: Burst, user: int, *, write: bool) -> Transfer:
        return self._bridge.begin(burst.first, burst.size, write=write, user=user)

    async def _respond(self, response: Any) -> None:
        raise NotImplementedError

    def _driven(self, response: Any) -> None:
        """The response channel shows its next response."""
        self._drive(response)
        if self._is_last(response):
            active = self._answered.popleft()
            self._leaving[active] = cocotb.start_soon(self._leave(active))

    def _is_last(self, response: Any) -> bool:
        raise NotImplementedError

    async def _leave(self, active: _Active) -> None:
        """End a burst at the clock edge at which its last response is accepted."""
        await self._edge
        while not self._channel.ready.value:
            await self._edge
        del self._leaving[active]
        if active.transfer is not None:
            active.transfer.end()

    def _reset(self, asserted: bool) -> None:
        """The slave's coroutines die with a reset, and with them every burst they had."""
        self._slave_reset(asserted)
        if asserted:
            for task in self._leaving.values():
                task.cancel()
            for active in (*self._leaving, *self._answered, self._active):
                if active is not None and active.transfer is not None:
                    active.transfer.abort()
            self._leaving.clear()
            self._answered.clear()
            self._active = None


class _WriteSide(_Side):
    def __init__(self, bridge: AxiBridge, interface: Any) -> None:
        BeatWrites(interface, self._address)
        interface._write = self._beat  # noqa: SLF001
        super().__init__(bridge, interface, interface.b_channel)

    def _address(self, burst: Burst, user: int) -> None:
        # A burst that breaks the 4 KiB rule never begins: the slave stops the simulation for it.
        # Nor does one beat to the interrupt window yet: its strobes tell which dword it is.
        begins = burst.is_legal and not (burst.beats == 1 and is_interrupt(burst.address))
        transfer = self._begin(burst, user, write=True) if begins else None
        self._active = _Active(transfer, user)

    async def _beat(self, address: int, data: bytes) -> None:
        active = self._active
        assert active is not None  # noqa: S101 - a beat comes after its address
        if active.transfer is None:
            active.transfer = self._bridge.begin(address, len(data), write=True, user=active.user)
        offset = address - active.transfer.iova
        if 0 <= offset <= active.transfer.size - len(data):
            active.transfer.write(offset, data)

    async def _respond(self, response: Any) -> None:
        active, self._active = self._active, None
        assert active is not None  # noqa: S101 - a response comes after its address
        transfer = active.transfer
        end_if_interrupt(transfer)
        response.bresp = self._bridge.response(transfer)
        self._answered.append(active)
        await self._send(response)

    def _is_last(self, response: Any) -> bool:  # noqa: ARG002 - a write has one
        return True


class _ReadSide(_Side):
    def __init__(self, bridge: AxiBridge, interface: Any) -> None:
        BeatReads(interface, self._beat, self._address)
        super().__init__(bridge, interface, interface.r_channel)

    def _address(self, burst: Burst, user: int) -> None:
        transfer = self._begin(burst, user, write=False) if burst.is_legal else None
        self._active = _Active(transfer, user)

    def _beat(self, address: int, size: int) -> bytes:
        active = self._active
        assert active is not None  # noqa: S101 - a beat comes after its address
        assert active.transfer is not None  # noqa: S101 - and after the slave's 4 KiB check
        return active.transfer.read(address - active.transfer.iova, size)

    async def _respond(self, response: Any) -> None:
        active = self._active
        assert active is not None  # noqa: S101 - a response comes after its address
        response.rresp = self._bridge.response(active.transfer)
        if response.rlast:
            self._active = None
            self._answered.append(active)
        await self._send(response)

    def _is_last(self, response: Any) -> bool:
        return bool(response.rlast)


def _require_user(bridge: AxiBridge, write_if: Any, read_if: Any) -> None:
    """Refuse a layout of AxUSER where there is no such signal."""
    for interface, prefix in ((write_if, "aw"), (read_if, "ar")):
        if interface is None or not bridge.wants_user:
            continue
        if not hasattr(getattr(interface.bus, prefix), f"{prefix}user"):
            raise ValueError(f"user is given, but the bus of {interface!r} has no {prefix}user")
