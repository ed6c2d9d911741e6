"""What the bridge knows of the insides of the AXI slaves of cocotbext-axi, and changes in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from cocotbext.axi import AxiSlaveRead, AxiSlaveWrite

from hdl_bridge._signals import known
from hdl_bridge._structure import require
from hdl_bridge.bursts import Burst, legal_burst, unknown, wrong_last

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TESTED_VERSION: Final = "0.1.28"
"""The release of cocotbext-axi whose insides this module knows."""

_ATTRIBUTES: Final = {
    "write": ("aw_channel.recv", "aw_channel.queue.put_nowait", "w_channel.recv",
              "b_channel.send", "b_channel.bus.drive", "b_channel.ready", "b_channel.clock",
              "_write", "_process_write_cr", "_handle_reset", "assert_reset", "wstrb_present"),
    "read": ("ar_channel.recv", "ar_channel.queue.put_nowait", "r_channel.send",
             "r_channel.bus.drive", "r_channel.ready", "r_channel.clock", "_read",
             "_process_read_cr", "_handle_reset", "assert_reset"),
}  # fmt: skip


def directions(slave: Any) -> tuple[Any, Any]:
    """The write and the read interface of a slave, each None if it has not that direction.

    Raises:
        TypeError: It is no AXI slave of cocotbext-axi.
        ValueError: Something is attached to it already.
        RuntimeError: This cocotbext-axi is not built as the one we know.
    """
    write_if, read_if = getattr(slave, "write_if", slave), getattr(slave, "read_if", slave)
    if not isinstance(write_if, AxiSlaveWrite):
        write_if = None
    if not isinstance(read_if, AxiSlaveRead):
        read_if = None
    if write_if is None and read_if is None:
        raise TypeError(f"{slave!r} is no AxiRam or AxiSlave of cocotbext-axi")
    for interface, direction in ((write_if, "write"), (read_if, "read")):
        if interface is not None:
            require("cocotbext-axi", TESTED_VERSION, interface, *_ATTRIBUTES[direction])
            channel = interface.aw_channel if direction == "write" else interface.ar_channel
            if isinstance(getattr(channel.recv, "__self__", None), _Beats):
                raise ValueError(f"something is attached to {slave!r} already")
    return write_if, read_if


def take_unknown_data(write_if: Any) -> None:
    """Let bits of write data that are neither 0 nor 1 be 0; a slave by itself breaks on them.

    Masters in RTL leave the lanes unknown that they do not write.
    """
    receive = write_if.w_channel.recv

    async def recv() -> Any:
        beat = await receive()
        beat.wdata = known(str(beat.wdata))
        return beat

    write_if.w_channel.recv = recv


class EscapingErrors:
    """Has an error that a beat raises end the test, where a slave by itself answers SLVERR."""

    def __init__(
        self, interface: Any, beat: str, *after: Any, answered: tuple[type[Exception], ...] = ()
    ) -> None:
        """Look after an interface, from its next reset on.

        Args:
            interface: The write or the read interface.
            beat: Its method that moves a beat, ``"_write"`` or ``"_read"``.
            *after: Its channels that it turns to next, for the next beat or to respond.
            answered: Errors that shall be a SLVERR.
        """
        self._error: Exception | None = None
        self._answered = answered
        self._move = getattr(interface, beat)
        setattr(interface, beat, self._beat)
        for channel in after:
            name = "send" if hasattr(channel, "send") else "recv"
            setattr(channel, name, self._checked(getattr(channel, name)))

    async def _beat(self, *arguments: Any) -> Any:
        try:
            return await self._move(*arguments)
        except self._answered:
            raise
        except Exception as error:
            self._error = error
            raise

    def _checked(self, turn: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def checked(*arguments: Any) -> Any:
            if self._error is not None:
                raise self._error
            return await turn(*arguments)

        return checked


def let_errors_escape(slave: Any, *answered: type[Exception]) -> None:
    """Have errors in both directions of a slave end the test, but for those that are answered."""
    write_if, read_if = slave.write_if, slave.read_if
    EscapingErrors(write_if, "_write", write_if.w_channel, write_if.b_channel, answered=answered)
    EscapingErrors(read_if, "_read", read_if.r_channel, answered=answered)


class BurstFollower(Protocol):
    """Who follows the bursts of one direction."""

    def accepted(self, burst: Burst, user: Any) -> None:
        """An address phase has been accepted, with that AxUSER as it was sampled."""

    def taken(self) -> None:
        """The slave has taken the oldest of those, and its beats come next."""


class _Beats:
    """Knows of each address phase what its beats cover."""

    def __init__(self, interface: Any, prefix: str, follower: BurstFollower | None) -> None:
        channel = getattr(interface, f"{prefix}_channel")
        self._put: Callable[[Any], None] = channel.queue.put_nowait
        self._receive: Callable[[], Awaitable[Any]] = channel.recv
        self._prefix = prefix
        self._follower = follower
        self._bus_bytes: int = interface.byte_lanes
        channel.queue.put_nowait = self._accept
        channel.recv = self._take

    def _accept(self, address: Any) -> None:
        """The channel has accepted an address phase at this clock edge."""
        address.burst = self._burst(vars(address))
        if self._follower is not None:
            self._follower.accepted(address.burst, getattr(address, f"{self._prefix}user"))
        self._put(address)

    async def _take(self) -> Any:
        address = await self._receive()
        self._burst_taken: Burst = address.burst
        self._spans = address.burst.spans()
        if self._follower is not None:
            self._follower.taken()
        return address

    def _burst(self, fields: dict[str, Any]) -> Burst:
        _, address, length, size, kind = (
            number_of(fields[self._prefix + name], self._prefix, self._prefix + name)
            for name in ("id", "addr", "len", "size", "burst")
        )
        channel = self._prefix.upper()
        return legal_burst(channel, self._bus_bytes, address, length + 1, 1 << size, kind)


class BeatWrites(_Beats):
    """Has a slave write only the bytes that each beat covers, whatever its strobes say."""

    def __init__(self, write_if: Any, follower: BurstFollower | None = None) -> None:
        """Look after an interface, from its next reset on.

        Args:
            write_if: The write interface.
            follower: Told of bursts.
        """
        take_unknown_data(write_if)
        super().__init__(write_if, "aw", follower)
        self._beat = 0
        self._receive_data = write_if.w_channel.recv
        write_if.w_channel.recv = self._data
        self._has_strobes: bool = write_if.wstrb_present
        write_if.wstrb_present = True  # where the master drives none, those from here count

    async def _take(self) -> Any:
        self._beat = 0
        return await super()._take()

    async def _data(self) -> Any:
        beat = await self._receive_data()
        self._beat += 1
        burst = self._burst_taken
        if number_of(beat.wlast, "w", "wlast") != (self._beat == burst.beats):
            raise wrong_last(burst, self._beat, beat.wlast)
        first, stop = next(self._spans)
        covered = (1 << stop - first) - 1 << first % self._bus_bytes
        if self._has_strobes:
            covered &= number_of(beat.wstrb, "w", "wstrb")
        beat.wstrb = covered
        return beat


class BeatReads(_Beats):
    """Has a slave read the bytes of each beat, where by itself it reads whole bus words."""

    def __init__(
        self,
        read_if: Any,
        read: Callable[[int, int], bytes],
        follower: BurstFollower | None = None,
    ) -> None:
        """Read for an interface, from its next reset on.

        Args:
            read_if: The read interface.
            read: Reads the bytes of a beat: (address, size).
            follower: Told of bursts.
        """
        super().__init__(read_if, "ar", follower)
        self._read = read
        read_if._read = self._beat  # noqa: SLF001

    async def _beat(self, address: int, length: int) -> bytes:
        """The bus word at an address, with the bytes in it that the beat asks for."""
        first, stop = next(self._spans)
        return (
            bytes(first - address)
            + self._read(first, stop - first)
            + bytes(address + length - stop)
        )


def number_of(sampled: Any, channel: str, name: str) -> int:
    """The number that a signal of a channel had.

    Raises:
        AxiProtocolError: Some of its bits were neither 0 nor 1.
    """
    try:
        return int(sampled)
    except ValueError:
        raise unknown(channel, name, sampled) from None
