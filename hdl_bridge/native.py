"""The native AXI4 memory: bursts into pages it was leased move in RTL and C, without Python.

`NativeMemory` answers for an instance of ``axi_native_memory`` (``hdl_bridge/rtl``, for Verilator).
It is asked for a burst whose page is not at hand, leases the page where that can be done, and takes
it back when the lease is recalled. What cannot be leased, such as interrupts and memory that is no
RAM, goes through the bus burst by burst and beat by beat, as behind any other bridge.
"""

from __future__ import annotations

import ctypes
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cocotb
import numpy as np

from hdl_bridge._lanes import runs_of_ones
from hdl_bridge.burst_port import BurstPort, FaultResponse, end_if_interrupt
from hdl_bridge.bursts import Burst, Response, legal_burst, wrong_last
from vtd_plugin.bus import RequesterPort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Unpack

    from cocotb.task import Task

    from vtd_plugin.bus import Lease, Platform, Requester, RequestOptions, Transfer

_RTL: Final = Path(__file__).parent / "rtl"

SOURCES: Final = tuple(
    _RTL / name
    for name in (
        "axi_native_pkg.sv",
        "axi_native_pages.sv",
        "axi_native_read.sv",
        "axi_native_write.sv",
        "axi_native_memory.sv",
        "axi_native.cpp",
    )
)
"""The files to build a testbench with, packages first."""

_WORDS: Final = 16

_SERVING: Final[dict[int, Task[None]]] = {}
"""Who answers for an instance, by the number of the instance."""


class _Request(ctypes.Structure):
    """What is to be done next (``Request`` in ``axi_native.cpp``)."""

    _fields_ = (
        ("kind", ctypes.c_int32),
        ("direction", ctypes.c_int32),
        ("address", ctypes.c_uint64),
        ("user", ctypes.c_uint64),
        ("beats", ctypes.c_uint32),
        ("beat_bytes", ctypes.c_uint32),
        ("burst", ctypes.c_uint32),
        ("handle", ctypes.c_uint32),
        ("beat", ctypes.c_uint32),
        ("wlast", ctypes.c_uint32),
        ("data", ctypes.c_uint64 * _WORDS),
        ("strobe", ctypes.c_uint8 * _WORDS),
    )


class _Kind(IntEnum):
    BURST = 1
    BEAT = 2
    RESPONSE = 3
    END = 4
    CUT = 5
    PAGE_FREE = 6
    LAST = 7
    """A beat with a WLAST that its burst does not allow."""


class _Answer(IntEnum):
    BEATS = 2


class NativeMemory(BurstPort):
    """The Python side of an ``axi_native_memory``.

    A burst that breaks a rule of AXI ends the test with an `AxiProtocolError`. A burst that began
    before this was made is lost: reset the memory.

    Only a `RequesterPort` leases pages. Behind another requester, such as an assigned device, every
    burst goes through the bus.

    Attributes:
        misses: Bursts that were asked for; all others were served without Python.
    """

    def __init__(
        self,
        instance: Any,
        requester: Requester | Platform,
        source_id: int | str | None = None,
        *,
        on_fault: FaultResponse | str = FaultResponse.DECERR,
        user: Callable[[int], RequestOptions] | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        """Answer for an instance from now on.

        Args:
            instance: Its handle.
            requester: Whose requests its bursts are: a requester port, an assigned device, or a
                platform together with `source_id`.
            source_id: The requester on that platform, such as ``"00:04.0"``.
            on_fault: The response to a burst that is blocked, ``"DECERR"`` or ``"SLVERR"``.
            user: What a burst's AxUSER says of its request, such as `AxiUser()`; by default
                nothing.
            **options: What every request carries, such as a PASID; see `RequestOptions`.

        Raises:
            RuntimeError: The simulation was built without the C side (`SOURCES`).
            TypeError: `instance` is no axi_native_memory, `requester` no requester, there is a
                source-id too many or too few, or no such option.
            ValueError: `on_fault`, `source_id` or an option cannot be, AxUSER has not as many bits
                as `user` says, or another one answers for this instance.
        """
        super().__init__(requester, source_id, on_fault, user, options)
        self.misses = 0
        self._library = _library()
        parameters = _parameters(instance)
        self._bus_bytes = parameters["DATA_WIDTH"] // 8
        self._number = parameters["PORT"]
        self.require_user("AxUSER", parameters["USER_WIDTH"])
        if self._number in _SERVING and not _SERVING[self._number].done():
            raise ValueError(f"another NativeMemory answers for {instance!r}")
        self._leases: dict[int, Lease] = {}
        self._handles: dict[Lease, int] = {}
        self._through_bus: list[_BurstThroughBus | None] = [None, None]
        self._library.native_host_open(self._number)
        _SERVING[self._number] = cocotb.start_soon(self._serve(instance.attention))

    async def _serve(self, attention: Any) -> None:
        request = _Request()
        try:
            while True:
                await attention.value_change
                while self._library.native_host_next(self._number, ctypes.byref(request)):
                    self._do(request)
        finally:
            # The RTL lives on after this test, and the memory that it was given may not.
            self._library.native_host_open(self._number)

    def _do(self, request: _Request) -> None:
        if request.kind == _Kind.BURST:
            self.misses += 1
            self._begin(request)
        elif request.kind == _Kind.PAGE_FREE:
            self._take_back(request.handle)
        elif request.kind == _Kind.LAST:
            raise wrong_last(self._burst(request), request.beat, request.wlast)
        else:
            burst = self._through_bus[request.direction]
            if burst is not None:
                self._go_on(burst, request)

    # --- bursts

    def _begin(self, request: _Request) -> None:
        burst = self._burst(request)
        write = bool(request.direction)
        transfer = None
        if not (write and self.begins_with_data(burst, request.user)):
            transfer = self.begin(burst.first, burst.size, write=write, user=request.user)
        if transfer is None or not self._grant(request, transfer):
            through_bus = _BurstThroughBus(self, transfer, request.user)
            self._through_bus[request.direction] = through_bus
            self._answer(request, _Answer.BEATS)

    def _burst(self, request: _Request) -> Burst:
        channel = "AW" if request.direction else "AR"
        return legal_burst(
            channel,
            self._bus_bytes,
            request.address,
            request.beats,
            request.beat_bytes,
            request.burst,
        )

    def _go_on(self, burst: _BurstThroughBus, request: _Request) -> None:
        if request.kind == _Kind.BEAT:
            data = burst.beat(request, self._bus_bytes)
            self._answer(request, _Answer.BEATS, self.response(burst.transfer), data)
        elif request.kind == _Kind.RESPONSE:
            end_if_interrupt(burst.transfer)
            self._answer(request, _Answer.BEATS, self.response(burst.transfer))
        else:
            self._through_bus[request.direction] = None
            burst.end(aborted=request.kind == _Kind.CUT)

    def _answer(
        self,
        request: _Request,
        answer: _Answer,
        response: Response = Response.OKAY,
        data: bytes | None = None,
    ) -> None:
        self._library.native_host_answer(
            self._number, request.direction, answer, response, data, len(data or b"")
        )

    # --- pages

    def _grant(self, request: _Request, transfer: Transfer) -> bool:
        """Answer with a page; False if there is none, or if the C side has no room for it."""
        port = self.requester
        if not isinstance(port, RequesterPort) or transfer.ended:  # a listener may have reset it
            return False
        lease = port.lease(transfer, self._recalled)
        if lease is None:
            return False
        address = np.frombuffer(lease.memory, np.uint8).ctypes.data
        handle = self._library.native_host_grant(self._number, request.direction, address)
        if not handle:
            return False
        self._leases[handle] = lease
        self._handles[lease] = handle
        return True

    def _recalled(self, lease: Lease) -> None:
        handle = self._handles.get(lease)
        if handle is None:
            return  # there was no room for it; its one burst goes through the bus
        if not self._library.native_host_recall(handle, lease.transfer.aborted):
            self._take_back(handle)

    def _take_back(self, handle: int) -> None:
        lease = self._leases.pop(handle, None)
        if lease is not None:
            del self._handles[lease]
            self._library.native_host_free(handle)
            lease.end()


class _BurstThroughBus:
    """A burst that no lease serves: an interrupt, registers, what is blocked."""

    def __init__(self, port: BurstPort, transfer: Transfer | None, user: int) -> None:
        self.transfer = transfer  # None: it begins with its data
        self._port = port
        self._user = user

    def beat(self, request: _Request, bus_bytes: int) -> bytes | None:
        """Move a beat; of a read, the bus word."""
        transfer = self.transfer
        if transfer is None or transfer.is_write:
            self._put(_strobed(request, bus_bytes))
            return None
        stop = (request.address & -request.beat_bytes) + request.beat_bytes
        data = transfer.read(request.address - transfer.iova, stop - request.address)
        return bytes(request.address % bus_bytes) + data

    def _put(self, stores: Iterator[tuple[int, bytes]]) -> None:
        transfer = self.transfer
        if transfer is None:
            self.transfer = self._port.write_beat([*stores], self._user)
            return
        for address, data in stores:
            transfer.write(address - transfer.iova, data)

    def end(self, *, aborted: bool) -> None:
        """It is over, or its master was reset."""
        if self.transfer is not None:
            self.transfer.abort() if aborted else self.transfer.end()


def _strobed(request: _Request, bus_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The runs of bytes that a beat writes: (address, bytes)."""
    data = bytes(request.data)
    lanes = int.from_bytes(bytes(request.strobe), "little") & (1 << bus_bytes) - 1
    for lane, length in runs_of_ones(lanes):
        yield request.address + lane, data[lane : lane + length]


def _parameters(instance: Any) -> dict[str, int]:
    names = ("PORT", "DATA_WIDTH", "USER_WIDTH")
    try:
        _ = instance.stall  # which its halves have not
        return {name: int(getattr(instance, name).value) for name in names}
    except AttributeError:
        raise TypeError(f"{instance!r} is no instance of axi_native_memory") from None


def _library() -> Any:
    """The C side, which is part of the running simulation."""
    library = ctypes.CDLL(None)
    try:
        library.native_host_open.argtypes = (ctypes.c_int,)
        library.native_host_next.argtypes = (ctypes.c_int, ctypes.POINTER(_Request))
        library.native_host_grant.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_void_p)
        library.native_host_grant.restype = ctypes.c_uint32
        library.native_host_answer.argtypes = (
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_uint8,
            ctypes.c_char_p,
            ctypes.c_uint32,
        )
        library.native_host_recall.argtypes = (ctypes.c_uint32, ctypes.c_int)
        library.native_host_recall.restype = ctypes.c_uint32
        library.native_host_free.argtypes = (ctypes.c_uint32,)
    except AttributeError:
        raise RuntimeError(
            "the simulation has no axi_native_memory: build it with hdl_bridge.native.SOURCES"
        ) from None
    return library
