"""The VT-d unit as the platform sees it: the bus contract, and what callers may ask.

No behaviour lives here. What belongs to a chapter of the architecture is in the module of that
chapter; `rooms` puts them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import (
    AddressType,
    Attributes,
    Fault,
    InterruptMessage,
    Mapping,
    RequesterPort,
    RequestKind,
    ResetKind,
    Resolution,
    Transfer,
    Translation,
    UnitHost,
    parse_source_id,
)
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.config import CacheSizes, VtdConfig
from vtd_plugin.iommu.events import RegisterWritten
from vtd_plugin.iommu.registers import WINDOW
from vtd_plugin.iommu.request import PageAsk
from vtd_plugin.iommu.rooms import Rooms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vtd_plugin.iommu.page_requests import PageRequestOutcome

_SIZES: Final = (1, 2, 4, 8)


class VtdUnit:
    """One DMA-remapping unit.

    Plug it into a platform with `Platform.add_unit`; before that it has no memory to translate
    with and answers nothing.

    Args:
        config: What the unit is; a small current unit unless said.
        name: What events and reports call it.

    Attributes:
        config: What the unit is.
        name: What events and reports call it.

    Raises:
        TypeError: `config` is no `VtdConfig`.
    """

    register_bytes: Final = WINDOW

    def __init__(self, config: VtdConfig | None = None, *, name: str = "vtd") -> None:
        if not isinstance(config, VtdConfig | None):
            raise TypeError(f"{config!r} is no configuration; give VtdConfig(CM=1, ...)")
        self.config = config or VtdConfig()
        self.name = name
        self._rooms: Rooms | None = None

    @property
    def _in_place(self) -> Rooms:
        if self._rooms is None:
            raise RuntimeError(
                f"unit {self.name!r} is on no platform; call Platform.add_unit first"
            )
        return self._rooms

    @property
    def cached(self) -> CacheSizes:
        """Entries that each of its caches holds now; paging structures of both stages together."""
        rooms = self._in_place
        caches = rooms.state.caches
        return CacheSizes(
            context=len(caches.context) + len(caches.scalable_context),
            pasid=len(caches.pasid),
            paging_structure=len(caches.first_stage) + len(caches.second_stage),
            iotlb=len(caches.iotlb),
            interrupt_entry=rooms.interrupts.cached,
        )

    @property
    def waiting(self) -> tuple[str, ...]:
        """The commands that wait for transfers to end, oldest first (§6.5.4)."""
        return self._in_place.drains.operations

    # --- the bus contract

    def attach(self, host: UnitHost) -> None:
        """Take the platform's side (`Unit.attach`)."""
        if self._rooms is not None:
            raise ValueError(f"unit {self.name!r} is on a platform already")
        self._rooms = Rooms(self.name, self.config, host)

    def port_added(self, port: RequesterPort) -> None:
        """Choose the address space of a new requester (`Unit.port_added`)."""
        self._in_place.switch.choose(port, "requester added")

    def mappings(self, port: RequesterPort) -> Iterable[Mapping]:
        """Everything the requester's address space maps now (`Unit.mappings`)."""
        return self._in_place.switch.mappings(port)

    def interrupt(self, source_id: int, address: int, data: int) -> InterruptMessage | Fault | None:
        """What leaves for the processors when a requester writes to the interrupt range."""
        return self._in_place.interrupts.resolve(source_id, address, data)

    def keeps(self, translation: Translation) -> bool:
        """Whether a lease on it would be recalled (`LeasingUnit.keeps`): not what is not cached."""
        iotlb = self._in_place.state.caches.iotlb
        return not isinstance(translation, IotlbEntry) or iotlb.keeps(translation)

    def transfer_ended(self, transfer: Transfer) -> None:
        """A transfer is no longer in flight; complete what waited for it."""
        self._in_place.drains.ended(transfer)

    def reset(self, kind: ResetKind) -> None:
        """Reset the unit: translation off, caches empty, every requester back to memory as it is.

        Args:
            kind: A warm reset keeps sticky status (fault records, error bits); a cold one does not.
        """
        self._in_place.reset(kind)

    def read_register(self, offset: int, size: int) -> int:
        """Read a register as software does.

        Args:
            offset: Byte offset in the register set.
            size: 4 or 8 bytes; 1 and 2 read part of a register.

        Returns:
            The value; 0 where there is no register or the access is misaligned (§11.2).

        Raises:
            ValueError: A size no bus has.
        """
        _check_access(offset, size)
        return self._in_place.registers.read(offset, size)

    def write_register(self, offset: int, value: int, size: int) -> None:
        """Write a register as software does, and obey.

        Args:
            offset: Byte offset in the register set.
            value: What to write, an unsigned number of `size` bytes.
            size: 4 or 8 bytes; a qword is two dwords, the low one first. Writes of 1 or 2 bytes
                and misaligned ones change nothing (§11.2).

        Raises:
            ValueError: A size no bus has, or a value that does not fit it.
        """
        _check_access(offset, size)
        if not 0 <= value < 1 << 8 * size:
            raise ValueError(f"value {value:#x} does not fit in {size} bytes")
        rooms = self._in_place
        if rooms.host.observed:
            rooms.host.emit(RegisterWritten(self.name, offset, value, size))
        rooms.registers.write(offset, value, size)

    # --- asking directly

    def translate(
        self,
        source_id: int | str,
        iova: int,
        write: bool = False,
        pasid: int | None = None,
        *,
        size: int = 1,
        kind: RequestKind | None = None,
        address_type: AddressType = AddressType.UNTRANSLATED,
        privileged: bool = False,
        execute: bool = False,
        no_snoop: bool = False,
        no_write: bool = False,
    ) -> Resolution:
        """Send one request through the unit without moving data.

        The request is a real one in all other ways: it fills caches, sets accessed and dirty bits,
        and records faults.

        Args:
            source_id: The requester, as a number or ``"00:04.0"``.
            iova: The address (64 bits).
            write: Write instead of read.
            pasid: PASID (20 bits), or None for a request without.
            size: Bytes, inside one page; 0 for a zero-length read.
            kind: Read, write or atomic; overrides `write`.
            address_type: Untranslated, translation request, or translated.
            privileged: Privileged-mode-requested; needs a PASID.
            execute: Execute-requested; needs a PASID.
            no_snoop: The NS attribute.
            no_write: The NW flag of a translation request.

        Returns:
            The page, the fault, or `INTERRUPT` for an interrupt request.

        Raises:
            ValueError: An argument out of its range.
        """
        _check_request(iova, pasid)
        if size < 0 or (iova & 0xFFF) + size > 0x1000:
            raise ValueError(f"{size:#x} bytes at {iova:#x} are not inside one page of 4 KiB")
        if kind is None:
            kind = RequestKind.WRITE if write else RequestKind.READ
        attributes = Attributes(kind, address_type, pasid, privileged, execute, no_snoop, no_write)
        rooms = self._in_place
        source = parse_source_id(source_id)
        return rooms.switch.space_of(source).resolve(source, iova, size, attributes)

    def request_page(
        self,
        source_id: int | str,
        address: int,
        *,
        read: bool = True,
        write: bool = False,
        pasid: int | None = None,
        privileged: bool = False,
        execute: bool = False,
        group: int = 0,
        last: bool = True,
    ) -> PageRequestOutcome:
        """Send a page request, as a device that met an absent page does (§7.4).

        Args:
            source_id: The device, as a number or ``"00:04.0"``.
            address: An address in the page (64 bits).
            read: Read access is wanted.
            write: Write access is wanted.
            pasid: PASID (20 bits), or None for a request without.
            privileged: Supervisor access is wanted.
            execute: Execute access is wanted.
            group: Page request group index (9 bits).
            last: Last request of its group: the device waits for an answer, which observers get as
                `PageGroupAnswered`.

        Returns:
            What becomes of it at once.

        Raises:
            ValueError: An argument out of its range.
        """
        _check_request(address, pasid)
        if not 0 <= group < 1 << 9:
            raise ValueError(f"group {group:#x} does not fit in 9 bits")
        source = parse_source_id(source_id)
        ask = PageAsk(source, address, read, write, pasid, privileged, execute, group, last)
        return self._in_place.page_requests.receive(ask)


def _check_request(address: int, pasid: int | None) -> None:
    if not 0 <= address < 1 << 64:
        raise ValueError(f"address {address:#x} does not fit in 64 bits")
    if pasid is not None and not 0 <= pasid < 1 << 20:
        raise ValueError(f"PASID {pasid:#x} does not fit in 20 bits")


def _check_access(offset: int, size: int) -> None:
    if size not in _SIZES:
        raise ValueError(f"an access of {size} bytes at {offset:#x}; allowed are 1, 2, 4 and 8")
    if offset < 0:
        raise ValueError(f"offset {offset} is negative")
