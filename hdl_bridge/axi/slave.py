"""A requester port behind a stock AXI slave of cocotbext-axi.

`attach` makes an AxiRam or AxiSlave ask the bus: one translation for each burst, beats to and from
the platform's memory, and error responses for what is blocked. The slave keeps doing what it does
well: handshakes, back-pressure, burst types, strobes. It accepts a few addresses ahead, and serves
one burst at a time in each direction. A burst is in flight from the clock edge at which its address
is accepted until the master has accepted its last response.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiSlave

from hdl_bridge._claims import claim
from hdl_bridge.axi.bus import ready_signals, require_user
from hdl_bridge.axi.ram import share
from hdl_bridge.axi.stock import (
    BeatReads,
    BeatWrites,
    EscapingErrors,
    directions,
    let_errors_escape,
    number_of,
)
from hdl_bridge.burst_port import BurstPort, FaultResponse, end_if_interrupt
from hdl_bridge.registers import OutsideRegistersError, RegisterWindow, SlaveTarget

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Unpack

    from cocotb.task import Task

    from hdl_bridge.bursts import Burst
    from hdl_bridge.registers import RegisterTarget
    from vtd_plugin.bus import Platform, Requester, RequestOptions, Transfer


def attach(
    slave: Any,
    requester: Requester | Platform,
    source_id: int | str | None = None,
    *,
    on_fault: FaultResponse | str = FaultResponse.DECERR,
    user: Callable[[int], RequestOptions] | None = None,
    **options: Unpack[RequestOptions],
) -> BurstPort:
    """Put a requester port behind an AXI slave, and the platform's RAM in the place of its own.

    What an AxiRam reads and writes by its own methods is the platform's RAM from now on, and what
    was written to it before moves there. Those methods take physical addresses; where there is no
    RAM they are a ValueError. An AxiRam over a buffer needs it to be RAM of the platform, and an
    AxiSlave with a target a `MemoryRegion` or `SparseMemoryRegion` for which the same holds.

    Call it before the master's first burst: a burst under way is lost. Nothing answers at an
    address: DECERR. A reset of the platform or of the requester aborts a burst: SLVERR. A reset of
    the slave itself aborts the bursts it had. A burst that breaks a rule of AXI ends the test with
    an `AxiProtocolError`, and so does whatever a listener or a target on the bus raises.

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
        TypeError: `slave` is no AXI slave of cocotbext-axi, `requester` no requester, there is a
            source-id too many or too few, or no such option.
        ValueError: `on_fault`, `source_id` or an option cannot be, `user` is for signals that the
            bus of the slave does not have, something is attached or answers on the bus already, or
            the slave has bytes that would be lost, or a target that would be asked no more.
        RuntimeError: This cocotbext-axi is not built as the one we know.
    """
    bridge = BurstPort(requester, source_id, on_fault, user, options)
    write_if, read_if = directions(slave)
    buses = [getattr(each, "bus", None) for each in (write_if, read_if)]
    require_user(bridge, *buses)
    share(bridge.requester.memory, write_if, read_if)
    claim(type(slave).__name__, *ready_signals(*buses))
    for side, interface in ((_WriteSide, write_if), (_ReadSide, read_if)):
        if interface is not None:
            side(bridge, interface)
            # The slave may be waiting for its first address already, past what was replaced.
            interface.assert_reset()
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
        The slave model. A beat outside the registers is answered with SLVERR; whatever else the
        target raises ends the test.

    Raises:
        TypeError: `target` has no registers.
        ValueError: `base` is negative, or somebody answers on the bus already.
        RuntimeError: This cocotbext-axi is not built as the one we know.
    """
    window = RegisterWindow(target, base)
    claim("AxiSlave", *ready_signals(bus.write, bus.read))
    slave = AxiSlave(bus, clock, reset, SlaveTarget(window), reset_active_level)
    write_if, read_if = directions(slave)
    BeatWrites(write_if)
    BeatReads(read_if, window.read)
    let_errors_escape(slave, OutsideRegistersError)
    return slave


class _Active:
    """A burst from its address phase on; without a transfer it begins with its data, `stores`."""

    __slots__ = ("stores", "transfer", "user")

    def __init__(self, transfer: Transfer | None, user: int) -> None:
        self.transfer = transfer
        self.user = user
        self.stores: list[tuple[int, bytes]] = []


class _Side:
    """What reads and writes have in common: whose turn it is, and how bursts end."""

    def __init__(self, bridge: BurstPort, interface: Any, response_channel: Any) -> None:
        self._bridge = bridge
        self._accepted: deque[_Active] = deque()  # the slave has not come to them yet
        self._active: _Active | None = None
        self._answered: deque[_Active] = deque()  # of each response that waits to be driven
        self._leaving: dict[_Active, Task[None]] = {}  # their last one waits to be accepted
        self._channel = response_channel
        self._edge = RisingEdge(response_channel.clock)
        self._drive: Callable[[Any], None] = response_channel.bus.drive
        self._send: Callable[[Any], Awaitable[None]] = response_channel.send
        self._slave_reset: Callable[[bool], None] = interface._handle_reset  # noqa: SLF001
        response_channel.bus.drive = self._driven
        response_channel.send = self._respond
        interface._handle_reset = self._reset  # noqa: SLF001

    def taken(self) -> None:
        """See `BurstFollower.taken`."""
        self._active = self._accepted.popleft()

    def _user(self, sampled: Any, channel: str) -> int:
        """AxUSER, if it makes a difference; else it may be unknown."""
        return number_of(sampled, channel, f"{channel}user") if self._bridge.wants_user else 0

    async def _respond(self, response: Any) -> None:
        """The slave has a response, which waits until the channel can show it."""
        active = self._active
        assert active is not None  # noqa: S101 - a response comes after its address
        if self._is_last(response):
            self._active = None
        self._answered.append(active)
        await self._send(response)

    def _driven(self, response: Any) -> None:
        """The response channel shows its next response."""
        active = self._answered.popleft()
        self._settle(response, active)
        self._drive(response)
        if self._is_last(response):
            self._leaving[active] = cocotb.start_soon(self._leave(active))

    def _settle(self, response: Any, active: _Active) -> None:
        """Give a response what is to be told of its burst now."""
        raise NotImplementedError

    def _is_last(self, response: Any) -> bool:
        raise NotImplementedError

    async def _leave(self, active: _Active) -> None:
        """End a burst at the clock edge at which its last response is accepted."""
        await self._edge
        while str(self._channel.ready.value) != "1":
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
            for active in (*self._leaving, *self._answered, self._active, *self._accepted):
                if active is not None and active.transfer is not None:
                    active.transfer.abort()
            self._leaving.clear()
            self._answered.clear()
            self._active = None
            self._accepted.clear()


class _WriteSide(_Side):
    def __init__(self, bridge: BurstPort, interface: Any) -> None:
        BeatWrites(interface, self)
        interface._write = self._beat  # noqa: SLF001
        super().__init__(bridge, interface, interface.b_channel)
        EscapingErrors(interface, "_write", interface.w_channel, interface.b_channel)

    def accepted(self, burst: Burst, awuser: Any) -> None:
        """See `BurstFollower.accepted`."""
        user, transfer = self._user(awuser, "aw"), None
        if not self._bridge.begins_with_data(burst, user):
            transfer = self._bridge.begin(burst.first, burst.size, write=True, user=user)
        self._accepted.append(_Active(transfer, user))

    async def _beat(self, address: int, data: bytes) -> None:
        active = self._active
        assert active is not None  # noqa: S101 - a beat comes after its address
        if active.transfer is None:
            active.stores.append((address, data))
        else:
            active.transfer.write(address - active.transfer.iova, data)

    async def _respond(self, response: Any) -> None:
        active = self._active
        assert active is not None  # noqa: S101 - a response comes after its address
        if active.transfer is None:
            active.transfer = self._bridge.write_beat(active.stores, active.user)
        else:
            end_if_interrupt(active.transfer)
        await super()._respond(response)

    def _settle(self, response: Any, active: _Active) -> None:
        response.bresp = self._bridge.response(active.transfer)

    def _is_last(self, response: Any) -> bool:  # noqa: ARG002 - a write has one
        return True


class _ReadSide(_Side):
    def __init__(self, bridge: BurstPort, interface: Any) -> None:
        BeatReads(interface, self._beat, self)
        self._no_data = (1 << 8 * interface.byte_lanes) - 1
        super().__init__(bridge, interface, interface.r_channel)
        EscapingErrors(interface, "_read", interface.r_channel)

    def accepted(self, burst: Burst, aruser: Any) -> None:
        """See `BurstFollower.accepted`."""
        user = self._user(aruser, "ar")
        transfer = self._bridge.begin(burst.first, burst.size, write=False, user=user)
        self._accepted.append(_Active(transfer, user))

    def _beat(self, address: int, size: int) -> bytes:
        active = self._active
        assert active is not None  # noqa: S101 - a beat comes after its address
        assert active.transfer is not None  # noqa: S101 - with which a read begins
        return active.transfer.read(address - active.transfer.iova, size)

    def _settle(self, response: Any, active: _Active) -> None:
        response.rresp = self._bridge.response(active.transfer)
        if active.transfer is not None and active.transfer.aborted:
            response.rdata = self._no_data

    def _is_last(self, response: Any) -> bool:
        return bool(response.rlast)
