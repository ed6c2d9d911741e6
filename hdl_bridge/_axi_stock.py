"""What the bridge knows of the insides of the AXI slaves of cocotbext-axi, and changes in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hdl_bridge._signals import known
from hdl_bridge._structure import require
from hdl_bridge.bursts import Burst, BurstType

if TYPE_CHECKING:
    from collections.abc import Callable

TESTED_VERSION: Final = "0.1.28"
"""The release of cocotbext-axi whose insides this module knows."""

_ATTRIBUTES: Final = {
    "write": ("aw_channel.recv", "w_channel.recv", "b_channel.send", "b_channel.bus.drive",
              "b_channel.ready", "b_channel.clock", "_write", "_process_write_cr",
              "_handle_reset", "assert_reset"),
    "read": ("ar_channel.recv", "r_channel.send", "r_channel.bus.drive", "r_channel.ready",
             "r_channel.clock", "_read", "_process_read_cr", "_handle_reset", "assert_reset"),
}  # fmt: skip


def directions(slave: Any) -> tuple[Any, Any]:
    """The write and the read interface of a slave, each None if it has not that direction.

    Raises:
        TypeError: It is no AXI slave of cocotbext-axi.
        RuntimeError: This cocotbext-axi is not built as the one we know.
    """
    write_if = getattr(slave, "write_if", slave if hasattr(slave, "aw_channel") else None)
    read_if = getattr(slave, "read_if", slave if hasattr(slave, "ar_channel") else None)
    if write_if is None and read_if is None:
        raise TypeError(f"{slave!r} is no AxiRam or AxiSlave of cocotbext-axi")
    for interface, direction in ((write_if, "write"), (read_if, "read")):
        if interface is not None:
            require("cocotbext-axi", TESTED_VERSION, interface, *_ATTRIBUTES[direction])
    return write_if, read_if


def burst_of(address: Any, prefix: str, bus_bytes: int) -> tuple[Burst, int]:
    """An address phase and its AxUSER; signals that a bus lacks have AXI's default values."""
    fields = vars(address)

    def field(name: str, default: int) -> int:
        return int(fields.get(f"{prefix}{name}", default))

    size = field("size", (bus_bytes - 1).bit_length())
    kind = BurstType(field("burst", BurstType.INCR))
    burst = Burst(field("addr", 0), field("len", 0) + 1, 1 << size, kind)
    return burst, field("user", 0)


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


class _Beats:
    """Knows of each address phase what its beats cover."""

    def __init__(
        self, interface: Any, prefix: str, begin: Callable[[Burst, int], object] | None
    ) -> None:
        channel = getattr(interface, f"{prefix}_channel")
        self._receive = channel.recv
        self._prefix = prefix
        self._begin = begin
        self._bus_bytes: int = interface.byte_lanes
        channel.recv = self._address

    async def _address(self) -> Any:
        address = await self._receive()
        burst, user = burst_of(address, self._prefix, self._bus_bytes)
        self._spans = burst.spans()
        if self._begin is not None:
            self._begin(burst, user)
        return address


class BeatWrites(_Beats):
    """Has a slave write only the bytes that each beat covers, whatever its strobes say."""

    def __init__(self, write_if: Any, begin: Callable[[Burst, int], object] | None = None) -> None:
        """Look after an interface, from its next reset on.

        Args:
            write_if: The write interface.
            begin: Told of each address phase: (burst, AxUSER).
        """
        take_unknown_data(write_if)
        super().__init__(write_if, "aw", begin)
        self._receive_data = write_if.w_channel.recv
        write_if.w_channel.recv = self._data

    async def _data(self) -> Any:
        beat = await self._receive_data()
        first, stop = next(self._spans)
        covered = (1 << stop - first) - 1 << first % self._bus_bytes
        beat.wstrb = int(getattr(beat, "wstrb", covered)) & covered
        return beat


class BeatReads(_Beats):
    """Has a slave read the bytes of each beat, where by itself it reads whole bus words."""

    def __init__(
        self,
        read_if: Any,
        read: Callable[[int, int], bytes],
        begin: Callable[[Burst, int], object] | None = None,
    ) -> None:
        """Read for an interface, from its next reset on.

        Args:
            read_if: The read interface.
            read: Reads the bytes of a beat: (address, size).
            begin: Told of each address phase: (burst, AxUSER).
        """
        super().__init__(read_if, "ar", begin)
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
