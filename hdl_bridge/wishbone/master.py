"""A Wishbone master of a testbench, which drives the registers of a core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hdl_bridge._arguments import require_count
from hdl_bridge._reset_input import ResetInput
from hdl_bridge.wishbone.bus import bytes_of, require_bus
from hdl_bridge.wishbone.initiator import Cycle, Initiator, WishboneResponse
from hdl_bridge.wishbone.side import Request, WishboneError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from hdl_bridge.wishbone.bus import WishboneBus


class WishboneRead(NamedTuple):
    """What a read came to.

    Attributes:
        address: Its first address.
        data: The bytes, as they were on the bus.
        resp: The first answer that is not ACK, else ACK.
    """

    address: int
    data: bytes
    resp: WishboneResponse


class WishboneWrite(NamedTuple):
    """What a write came to.

    Attributes:
        address: Its first address.
        length: Bytes.
        resp: The first answer that is not ACK, else ACK.
    """

    address: int
    length: int
    resp: WishboneResponse


class WishboneMaster:
    """A master with the names of an AxiLiteMaster of cocotbext-axi.

    Each bus word is a bus cycle of its own, whatever the others are answered. Tasks may call it at
    any time and are served in the order of their calls. A core that does not answer in time, or
    reads as X, ends a call with a `WishboneError`.

    A reset ends the calls that are under way or wait with `WishboneResponse.ABORTED`; those that
    come during a reset wait for its end.
    """

    def __init__(
        self,
        bus: WishboneBus,
        clock: Any,
        reset: Any = None,
        *,
        reset_active_level: bool = True,
        address_unit: int = 1,
        timeout: int = 1000,
    ) -> None:
        """Drive a bus from now on.

        Args:
            bus: The signals of the core, such as ``WishboneBus.from_slave_prefix(dut, "wb")``.
            clock: Its clock.
            reset: Its reset, or None.
            reset_active_level: Whether the reset is active high.
            address_unit: Bytes by which addresses count: 1, or the bytes of the bus where ADR
                lacks its lowest bits.
            timeout: Clock cycles without an answer after which it gives up.

        Raises:
            TypeError: An argument is something else.
            ValueError: `address_unit` or `timeout` cannot be.
        """
        require_bus(bus, clock, reset, reset_active_level)
        require_count("timeout", timeout, 1)
        self._size = bytes_of(bus, address_unit)
        self._limit = address_unit << len(bus.adr)
        self._has_select = bus.sel is not None
        self._initiator = Initiator(bus, clock, address_unit, timeout)
        ResetInput(reset, reset_active_level, self._initiator.stop, self._initiator.start)

    async def read(self, address: int, length: int) -> WishboneRead:
        """Read bytes.

        Args:
            address: The first of them.
            length: How many.

        Raises:
            ValueError: They are not within the addresses of the bus.
            WishboneError: The core does not answer, or what it reads is X.
        """
        cycles = await self._run(self._requests(address, length))
        return WishboneRead(address, b"".join(each.data for each in cycles), _response(cycles))

    async def write(self, address: int, data: Buffer) -> WishboneWrite:
        """Write bytes.

        Args:
            address: Where the first goes.
            data: Them.

        Raises:
            ValueError: They are not within the addresses of the bus, or not whole words of a bus
                without SEL.
            WishboneError: The core does not answer.
        """
        source = bytes(memoryview(data))
        cycles = await self._run(self._requests(address, len(source), source))
        return WishboneWrite(address, len(source), _response(cycles))

    async def read_byte(self, address: int) -> int:
        """Read 8 bits; what is not acknowledged is a `WishboneError`."""
        return await self._read_number(address, 1)

    async def read_word(self, address: int) -> int:
        """Read 16 bits; what is not acknowledged is a `WishboneError`."""
        return await self._read_number(address, 2)

    async def read_dword(self, address: int) -> int:
        """Read 32 bits; what is not acknowledged is a `WishboneError`."""
        return await self._read_number(address, 4)

    async def read_qword(self, address: int) -> int:
        """Read 64 bits; what is not acknowledged is a `WishboneError`."""
        return await self._read_number(address, 8)

    async def write_byte(self, address: int, value: int) -> None:
        """Write 8 bits; what is not acknowledged is a `WishboneError`."""
        await self._write_number(address, value, 1)

    async def write_word(self, address: int, value: int) -> None:
        """Write 16 bits; what is not acknowledged is a `WishboneError`."""
        await self._write_number(address, value, 2)

    async def write_dword(self, address: int, value: int) -> None:
        """Write 32 bits; what is not acknowledged is a `WishboneError`."""
        await self._write_number(address, value, 4)

    async def write_qword(self, address: int, value: int) -> None:
        """Write 64 bits; what is not acknowledged is a `WishboneError`."""
        await self._write_number(address, value, 8)

    async def _read_number(self, address: int, size: int) -> int:
        read = await self.read(address, size)
        _require_ack(read.resp, f"read of {size} bytes at {address:#x}")
        return int.from_bytes(read.data, "little")

    async def _write_number(self, address: int, value: int, size: int) -> None:
        if not 0 <= value < 1 << 8 * size:
            raise ValueError(f"{value:#x} is not within {size} bytes")
        write = await self.write(address, value.to_bytes(size, "little"))
        _require_ack(write.resp, f"write of {size} bytes at {address:#x}")

    def _requests(self, address: int, length: int, data: bytes | None = None) -> list[Request]:
        """The bus words that an access touches."""
        if length < 1 or address < 0 or address + length > self._limit:
            raise ValueError(
                f"{length} bytes at {address:#x} are not within the {self._limit:#x} of the bus"
            )
        size = self._size
        if data is not None and not self._has_select and (address % size or length % size):
            raise ValueError(
                f"{length} bytes at {address:#x}: a bus without SEL takes whole words of {size}"
            )
        return list(_words(address, length, size, data))

    async def _run(self, requests: list[Request]) -> list[Cycle]:
        """Ask for bus cycles and wait for their answers."""
        cycles = [Cycle(request) for request in requests]
        for cycle in cycles:
            self._initiator.ask(cycle)
        try:
            for cycle in cycles:
                await cycle.done()
        finally:  # one of them failed, or the caller waits no more
            self._initiator.withdraw(cycles)
        return cycles


def _words(address: int, length: int, size: int, data: bytes | None) -> Iterator[Request]:
    """The bus words of an access, and what it selects of each."""
    stop = address + length
    for word in range(address - address % size, stop, size):
        first, last = max(address, word), min(stop, word + size)
        select = (1 << last - word) - (1 << first - word)
        if data is None:
            yield Request(word, size, select, None)
        else:
            part = bytes(first - word) + data[first - address : last - address]
            yield Request(word, size, select, part.ljust(size, b"\0"))


def _response(cycles: list[Cycle]) -> WishboneResponse:
    """The first that is not ACK, else ACK."""
    failures = (each.response for each in cycles if each.response is not WishboneResponse.ACK)
    return next(failures, WishboneResponse.ACK)


def _require_ack(response: WishboneResponse, what: str) -> None:
    if response is not WishboneResponse.ACK:
        raise WishboneError(f"{what}: {response}")
