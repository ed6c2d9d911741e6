"""A requester port behind a Wishbone master."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hdl_bridge._lanes import runs_of_ones
from hdl_bridge.burst_port import checked_options, end_if_interrupt, requester_of
from hdl_bridge.wishbone.bus import require_bus
from hdl_bridge.wishbone.side import Request, Subordinate

if TYPE_CHECKING:
    from typing import Unpack

    from hdl_bridge.wishbone.bus import WishboneBus
    from vtd_plugin.bus import Platform, Requester, RequestOptions, Transfer


class WishboneMemory(Subordinate):
    """The memory that a Wishbone master sees through a requester port.

    What is blocked, or answered by nothing, ends with ERR, and no byte of memory is touched. A
    reset of the platform ends an access with ERR; the reset input, and a master that gives up,
    abort it. It never answers with RTY. An address or a SEL that is X ends the test with a
    `WishboneError`.

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
        outstanding: int = 16,
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
            outstanding: Accesses of a pipelined master that it takes before it answers one.
            **options: What every request carries, such as a PASID; see `RequestOptions`.

        Raises:
            TypeError: An argument is something else, there is a source-id too many or too few, or
                no such option.
            ValueError: `source_id`, `address_unit`, `latency`, `outstanding` or an option cannot
                be, or somebody answers on the bus already.
        """
        require_bus(bus, clock, reset, reset_active_level)
        self.requester = requester_of(requester, source_id)
        self._options = checked_options(options)
        super().__init__(
            bus,
            clock,
            reset,
            reset_active_level=reset_active_level,
            address_unit=address_unit,
            latency=latency,
            outstanding=outstanding,
        )

    def _begin(self, request: Request) -> _MemoryAccess:
        transfer = None
        if request.select:
            first = (request.select & -request.select).bit_length() - 1
            transfer = self.requester.begin(
                request.address + first,
                request.select.bit_length() - first,
                request.data is not None,
                **self._options,
            )
        return _MemoryAccess(request, transfer)


class _MemoryAccess:
    """A request to memory; without a transfer it selects nothing."""

    def __init__(self, request: Request, transfer: Transfer | None) -> None:
        self._request = request
        self._transfer = transfer

    def perform(self) -> tuple[bytes, bool]:
        request, transfer = self._request, self._transfer
        if transfer is None:
            return bytes(request.size), True
        first, word = transfer.iova - request.address, bytearray(request.size)
        for position, length in runs_of_ones(request.select):
            part = slice(position, position + length)
            if request.data is None:
                word[part] = transfer.read(position - first, length)
            elif transfer.ok:
                transfer.write(position - first, request.data[part])
        end_if_interrupt(transfer)
        return bytes(word), transfer.ok

    def end(self) -> None:
        if self._transfer is not None:
            self._transfer.end()

    def abort(self) -> None:
        if self._transfer is not None:
            self._transfer.abort()
