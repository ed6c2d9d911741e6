"""A requester port, or registers, behind a Wishbone master.

Classic cycles of Wishbone B4: the master holds its request until ACK or ERR, one access at a time.
Masters that announce bursts (CTI, BTE) are served one access at a time as well; pipelined mode is
not here. An access is one request of the bus, in flight from the clock edge at which it is seen to
the one at which the master takes its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import RisingEdge

from hdl_bridge._lanes import runs_of_ones
from hdl_bridge._reset_input import ResetInput
from hdl_bridge._signals import Output, known, sampler
from hdl_bridge.burst_port import end_if_interrupt, requester_of
from hdl_bridge.registers import RegisterWindow

if TYPE_CHECKING:
    from typing import Unpack

    from cocotb.task import Task

    from hdl_bridge.registers import RegisterTarget
    from vtd_plugin.bus import Platform, Requester, RequestOptions, Transfer


@dataclass(frozen=True, slots=True)
class WishboneBus:
    """The signals of a Wishbone master; what it does not have is None.

    Attributes:
        cyc: A bus cycle is under way.
        stb: It has a request.
        we: It writes.
        adr: Its address.
        dat_w: What it writes.
        dat_r: What it reads.
        ack: It is answered.
        sel: Which bytes of the data it means; without it, all of them.
        err: It is answered with an error; without it, errors are answered as if all was well.
    """

    cyc: Any
    stb: Any
    we: Any
    adr: Any
    dat_w: Any
    dat_r: Any
    ack: Any
    sel: Any = None
    err: Any = None

    @classmethod
    def from_prefix(cls, dut: Any, prefix: str) -> WishboneBus:
        """Find the signals of a master that has the names of the standard, such as ``wb_cyc_o``.

        Args:
            dut: The module that has them.
            prefix: What stands before ``_cyc_o``.

        Raises:
            AttributeError: One that every master has is not there.
        """
        outputs = {name: getattr(dut, f"{prefix}_{name}_o") for name in ("cyc", "stb", "we", "adr")}
        return cls(
            **outputs,
            dat_w=getattr(dut, f"{prefix}_dat_o"),
            dat_r=getattr(dut, f"{prefix}_dat_i"),
            ack=getattr(dut, f"{prefix}_ack_i"),
            sel=getattr(dut, f"{prefix}_sel_o", None),
            err=getattr(dut, f"{prefix}_err_i", None),
        )


@dataclass(frozen=True, slots=True)
class _Access:
    """What a master asks for.

    Attributes:
        address: The byte address of the bus word.
        size: Its bytes.
        select: SEL, bit 0 for the byte at `address`.
        data: DAT of a write, None for a read.
    """

    address: int
    size: int
    select: int
    data: bytes | None


class _Subordinate:
    """Who answers a master; what an access comes to is up to those who inherit."""

    def __init__(
        self,
        bus: WishboneBus,
        clock: Any,
        reset: Any,
        reset_active_level: bool,
        address_unit: int,
        latency: int,
    ) -> None:
        self._edge = RisingEdge(clock)
        self._requested = RisingEdge(bus.stb)
        self._inputs = {
            name: sampler(getattr(bus, name)) for name in ("cyc", "stb", "we", "adr", "dat_w")
        }
        self._size = len(bus.dat_w) // 8
        every = "1" * self._size
        self._select = sampler(bus.sel) if bus.sel is not None else lambda: every
        self._data = Output(bus.dat_r)
        self._ack = Output(bus.ack)
        self._err = Output(bus.err)
        self._has_err = bus.err is not None
        self._address_unit = address_unit
        self._latency = latency
        self._task: Task[None] | None = None
        ResetInput(reset, reset_active_level, self._stop, self._start)

    def _start(self) -> None:
        self._task = cocotb.start_soon(self._serve())

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._drop()
        self._answer(None)

    async def _serve(self) -> None:
        while True:
            if self._inputs["stb"]() != "1":
                await self._requested
            await self._edge
            if self._is_requested():
                self._begin(self._sample())
                if await self._is_still_requested():
                    self._answer(self._perform())
                    await self._edge
                    self._answer(None)
                    self._end()
                else:
                    self._drop()

    async def _is_still_requested(self) -> bool:
        """Let the latency pass; a master may give up meanwhile, by negating CYC or STB."""
        for _ in range(self._latency):
            await self._edge
            if not self._is_requested():
                return False
        return True

    def _is_requested(self) -> bool:
        return self._inputs["cyc"]() == "1" == self._inputs["stb"]()

    def _sample(self) -> _Access:
        inputs = self._inputs
        writes = inputs["we"]() == "1"
        address = int(inputs["adr"](), 2) * self._address_unit
        return _Access(
            address - address % self._size,
            self._size,
            int(self._select(), 2),
            known(inputs["dat_w"]()).to_bytes(self._size, "little") if writes else None,
        )

    def _answer(self, answer: tuple[bytes, bool] | None) -> None:
        """Drive an answer, (data, whether all is well), or none."""
        if answer is None:
            self._ack.drive(0)
            self._err.drive(0)
            return
        data, is_well = answer
        self._data.drive(int.from_bytes(data, "little"))
        if is_well or not self._has_err:
            self._ack.drive(1)
        else:
            self._err.drive(1)

    def _begin(self, access: _Access) -> None:
        """An access is seen."""
        raise NotImplementedError

    def _perform(self) -> tuple[bytes, bool]:
        """Do it: (the bus word that is read, whether all is well)."""
        raise NotImplementedError

    def _end(self) -> None:
        """The master has its answer."""

    def _drop(self) -> None:
        """The access under way, if there is one, gets no answer any more."""


class WishboneMemory(_Subordinate):
    """The memory that a Wishbone master sees through a requester port.

    What is blocked, or answered by nothing, ends with ERR, and no byte of memory is touched. A
    reset of the platform ends an access with ERR; the reset input, and a master that gives up,
    abort it.

    Attributes:
        requester: Whose requests the accesses are.
    """

    def __init__(
        self,
        bus: WishboneBus,
        clock: Any,
        reset: Any,
        requester: Requester | Platform,
        source_id: int | str | None = None,
        *,
        reset_active_level: bool = True,
        address_unit: int = 1,
        latency: int = 0,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Answer on a bus from now on.

        Args:
            bus: The signals of the master.
            clock: Its clock.
            reset: Its reset, or None.
            requester: Whose requests the accesses are: a requester port, an assigned device, or a
                platform together with `source_id`.
            source_id: The requester on that platform, such as ``"00:04.0"``.
            reset_active_level: Whether the reset is active high.
            address_unit: Bytes by which addresses count: 1, or the bytes of the bus where ADR
                lacks its lowest bits.
            latency: Clock cycles between an access and its answer beyond the fewest.
            **options: What every request carries, such as a PASID; see `RequestOptions`.

        Raises:
            TypeError: There is a source-id too many or too few.
            ValueError: `source_id` cannot be.
        """
        self.requester = requester_of(requester, source_id)
        self._options = options
        self._access: _Access | None = None
        self._transfer: Transfer | None = None
        super().__init__(bus, clock, reset, reset_active_level, address_unit, latency)

    def _begin(self, access: _Access) -> None:
        self._access, self._transfer = access, None
        if access.select:
            first = (access.select & -access.select).bit_length() - 1
            self._transfer = self.requester.begin(
                access.address + first,
                access.select.bit_length() - first,
                access.data is not None,
                **self._options,
            )

    def _perform(self) -> tuple[bytes, bool]:
        access, transfer = self._access, self._transfer
        assert access is not None  # noqa: S101 - it has begun
        if transfer is None:
            return bytes(access.size), True
        first = transfer.iova - access.address
        if access.data is None:
            data = transfer.read(0, transfer.size)
            return bytes(first) + data + bytes(access.size - first - len(data)), transfer.ok
        if transfer.ok:
            for position, length in runs_of_ones(access.select):
                transfer.write(position - first, access.data[position : position + length])
            end_if_interrupt(transfer)
        return bytes(access.size), transfer.ok

    def _end(self) -> None:
        if self._transfer is not None:
            self._transfer.end()
            self._transfer = None

    def _drop(self) -> None:
        if self._transfer is not None:
            self._transfer.abort()
            self._transfer = None


class WishboneRegisters(_Subordinate):
    """Registers that a Wishbone master reaches; what is outside of them ends with ERR.

    Each run of bytes that SEL selects is one access, cut where it is not aligned.
    """

    def __init__(
        self,
        bus: WishboneBus,
        clock: Any,
        reset: Any,
        target: RegisterTarget,
        *,
        base: int = 0,
        reset_active_level: bool = True,
        address_unit: int = 1,
        latency: int = 0,
    ) -> None:
        """Answer on a bus from now on.

        Args:
            bus: The signals of the master.
            clock: Its clock.
            reset: Its reset, or None.
            target: Who has the registers.
            base: The byte address of offset 0.
            reset_active_level: Whether the reset is active high.
            address_unit: Bytes by which addresses count: 1, or the bytes of the bus where ADR
                lacks its lowest bits.
            latency: Clock cycles between an access and its answer beyond the fewest.
        """
        self._window = RegisterWindow(target, base)
        self._access: _Access | None = None
        super().__init__(bus, clock, reset, reset_active_level, address_unit, latency)

    def _begin(self, access: _Access) -> None:
        self._access = access

    def _perform(self) -> tuple[bytes, bool]:
        access, window = self._access, self._window
        assert access is not None  # noqa: S101 - it has begun
        word = bytearray(access.size)
        runs = list(runs_of_ones(access.select))
        if not all(window.covers(access.address + position, length) for position, length in runs):
            return bytes(word), False
        for position, length in runs:
            part = slice(position, position + length)
            if access.data is None:
                word[part] = window.read(access.address + position, length)
            else:
                window.write(access.address + position, access.data[part])
        return bytes(word), True
