"""A master's side of the bus: it names addresses, and the bus finds out where they are.

A read or a write may be of any size. Each 4 KiB page of it is a request of its own: pages that
resolve are moved even if others are blocked, and nothing of a blocked page is touched. There are
no tags, no credits and no ordering rules here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from vtd_plugin.bus.atomics import AtomicOperation, check_atomic, outcome
from vtd_plugin.bus.events import RequestResolved, TransferBegan
from vtd_plugin.bus.requests import (
    PAGE_SIZE,
    READ,
    WRITE,
    AddressType,
    Answer,
    Attributes,
    RequestKind,
    Translation,
)
from vtd_plugin.bus.result import Result
from vtd_plugin.bus.space import INTERRUPT_WINDOW_BASE, INTERRUPT_WINDOW_LAST
from vtd_plugin.bus.transfer import ADDRESS_LIMIT, Transfer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Unpack

    from typing_extensions import Buffer

    from vtd_plugin.bus.contract import AddressSpace
    from vtd_plugin.bus.fabric import Fabric
    from vtd_plugin.bus.port import RequesterPort
    from vtd_plugin.bus.requests import Resolution

_PAGE_OFFSET: Final = PAGE_SIZE - 1
_PASID_LIMIT: Final = 1 << 20
_TRANSLATION_BYTES: Final = 8  # one translation in a completion (PCIe ATS)


class RequestOptions(TypedDict, total=False):
    """What a request may carry beyond its address and size; all are keyword arguments.

    Attributes:
        pasid: Process address space identifier (20 bits); None, the default, is without.
        privileged: Privileged-mode-requested, with a PASID.
        execute: Execute-requested, with a PASID.
        address_type: UNTRANSLATED, the default, or TRANSLATED.
        no_snoop: The NS attribute.
    """

    pasid: int | None
    privileged: bool
    execute: bool
    address_type: AddressType
    no_snoop: bool


class TranslationOptions(TypedDict, total=False):
    """What a translation request may carry beyond its address; all are keyword arguments.

    Attributes:
        pasid: Process address space identifier (20 bits); None, the default, is without.
        privileged: Privileged-mode-requested, with a PASID.
        execute: Execute-requested, with a PASID.
        no_write: The NW flag.
    """

    pasid: int | None
    privileged: bool
    execute: bool
    no_write: bool


class Requester:
    """Whoever puts requests on the bus under one source-id.

    Attributes:
        source_id: The 16-bit requester id.
        space: The address space in which its requests are resolved now.
        port: The requester port that its transfers and interrupts belong to.
        memory: The RAM of its platform.
    """

    __slots__ = ("_fabric", "memory", "port", "source_id", "space")

    port: RequesterPort

    def __init__(self, fabric: Fabric, source_id: int, space: AddressSpace) -> None:
        self.source_id = source_id
        self.space = space
        self._fabric = fabric
        self.memory = fabric.memory

    def read(self, iova: int, size: int, **options: Unpack[RequestOptions]) -> Result:
        """Read memory.

        Args:
            iova: First address as the requester sees it (64 bits).
            size: Bytes; 0 is a zero-length read, which asks and moves nothing.
            **options: See `RequestOptions`.

        Returns:
            The bytes, and how it went.

        Raises:
            ValueError: An argument is out of its range.
        """
        attributes = attributes_of(RequestKind.READ, options) if options else READ
        if _is_one_request(iova, size) and not self._fabric.observed:
            resolution = self.space.resolve(self.source_id, iova, size, attributes)
            if isinstance(resolution, Translation):
                data = self.memory.read(resolution.base | (iova & resolution.mask), size)
                if data is not None:
                    return Result(data, Answer.OK, (), size)
            return self._settled(iova, size, attributes, resolution).end()
        return self._transfer(iova, size, attributes).end()

    def write(self, iova: int, data: Buffer, **options: Unpack[RequestOptions]) -> Result:
        """Write memory.

        Args:
            iova: First address as the requester sees it (64 bits).
            data: The bytes.
            **options: See `RequestOptions`.

        Returns:
            How it went.

        Raises:
            ValueError: An argument is out of its range.
        """
        attributes = attributes_of(RequestKind.WRITE, options) if options else WRITE
        size = memoryview(data).nbytes
        if _is_one_request(iova, size) and not self._fabric.observed:
            resolution = self.space.resolve(self.source_id, iova, size, attributes)
            if isinstance(resolution, Translation) and self.memory.write(
                resolution.base | (iova & resolution.mask), data
            ):
                return Result(b"", Answer.OK, (), size)
            transfer = self._settled(iova, size, attributes, resolution)
        else:
            transfer = self._transfer(iova, size, attributes)
        transfer.write(0, data)
        return transfer.end()

    def atomic(
        self,
        iova: int,
        operand: int,
        operation: AtomicOperation | str = AtomicOperation.FETCH_ADD,
        *,
        compare: int | None = None,
        size: int = 8,
        **options: Unpack[RequestOptions],
    ) -> Result:
        """Read, change and write back a little-endian number in one request.

        Args:
            iova: Its address as the requester sees it, aligned to its size.
            operand: What to add or to write.
            operation: What to do.
            compare: For a compare-and-swap: what must be there for the operand to be written.
            size: Bytes, 4 or 8.
            **options: See `RequestOptions`.

        Returns:
            The old value as bytes, and how it went. Nothing but RAM takes atomics.

        Raises:
            ValueError: An argument is out of its range.
        """
        operation = AtomicOperation(operation)
        check_atomic(iova, operand, operation, compare, size)
        _check_run(iova, size)
        attributes = attributes_of(RequestKind.ATOMIC, options)
        transfer = self._transfer(iova, size, attributes)
        transfer.modify(lambda old: outcome(old, operand, operation, compare, size))
        return transfer.end()

    def begin(
        self, iova: int, size: int, write: bool = False, **options: Unpack[RequestOptions]
    ) -> Transfer:
        """Begin a transfer: everything is resolved now, and no byte moves yet.

        Args:
            iova: First address as the requester sees it (64 bits).
            size: Bytes.
            write: Whether it is a write.
            **options: See `RequestOptions`.

        Returns:
            The transfer; it is in flight until it is ended or aborted.

        Raises:
            ValueError: An argument is out of its range.
        """
        attributes = WRITE if write else READ
        if options:
            attributes = attributes_of(attributes.kind, options)
        return self._begin(iova, size, attributes)

    def begin_atomic(self, iova: int, size: int = 8, **options: Unpack[RequestOptions]) -> Transfer:
        """Begin an atomic: it is resolved now, and `Transfer.modify` does it.

        Args:
            iova: Address of the number as the requester sees it, aligned to its size.
            size: Bytes, 4 or 8.
            **options: See `RequestOptions`.

        Returns:
            The transfer; it is in flight until it is ended or aborted.

        Raises:
            ValueError: An argument is out of its range.
        """
        check_atomic(iova, 0, AtomicOperation.SWAP, None, size)
        return self._begin(iova, size, attributes_of(RequestKind.ATOMIC, options))

    def _begin(self, iova: int, size: int, attributes: Attributes) -> Transfer:
        return self._put_in_flight(self._transfer(iova, size, attributes, self.port.transfer_ended))

    def _put_in_flight(self, transfer: Transfer) -> Transfer:
        self.port.transfer_began(transfer)
        return transfer

    def request_translation(self, iova: int, **options: Unpack[TranslationOptions]) -> Resolution:
        """Ask where a page lies, as a device with a device-TLB does; no byte moves.

        Args:
            iova: An address in the page (64 bits).
            **options: See `TranslationOptions`.

        Returns:
            A translation with the rights there are, or a fault with what the bus answers.

        Raises:
            ValueError: An argument is out of its range.
        """
        _check_run(iova, _TRANSLATION_BYTES)
        return self._resolve_page(iova, _translation_attributes(options))

    def begin_translation(self, iova: int, **options: Unpack[TranslationOptions]) -> Transfer:
        """Begin a translation request whose answer takes its time.

        It is resolved now. What a driver invalidates meanwhile waits for its end, so that a device
        never learns of a page after software was told that nobody knows it any more.

        Args:
            iova: An address in the page (64 bits).
            **options: See `TranslationOptions`.

        Returns:
            A transfer of no bytes, in flight until it is ended or aborted. Its only translation has
            the rights there are; else its fault has what the bus answers.

        Raises:
            ValueError: An argument is out of its range.
        """
        _check_run(iova, _TRANSLATION_BYTES)
        attributes = _translation_attributes(options)
        number = self._announce(iova, 0, attributes)
        requests = [(0, 0, self._resolve_page(iova, attributes))]
        return self._put_in_flight(
            Transfer(
                self._fabric,
                self.port,
                iova,
                0,
                attributes,
                requests,
                self.port.transfer_ended,
                number,
            )
        )

    def _resolve_page(self, iova: int, attributes: Attributes) -> Resolution:
        """Resolve the page of a translation request; the size is that of its completion."""
        return self.resolve(iova & ~_PAGE_OFFSET, _TRANSLATION_BYTES, attributes)

    def resolve(self, address: int, size: int, attributes: Attributes) -> Resolution:
        """Have the address space answer a request inside one page; observers are told.

        Args:
            address: First byte as the requester sees it.
            size: Bytes; 0 is a zero-length read.
            attributes: What is asked for.
        """
        resolution = self.space.resolve(self.source_id, address, size, attributes)
        if self._fabric.observed:
            event = RequestResolved(self.source_id, address, size, attributes, resolution)
            self._fabric.emit(event)
        return resolution

    def _transfer(
        self,
        iova: int,
        size: int,
        attributes: Attributes,
        on_end: Callable[[Transfer], None] | None = None,
    ) -> Transfer:
        _check_run(iova, size)
        number = self._announce(iova, size, attributes)
        requests = self._requests(iova, size, attributes)
        return Transfer(self._fabric, self.port, iova, size, attributes, requests, on_end, number)

    def _announce(self, iova: int, size: int, attributes: Attributes) -> int:
        """Tell observers that a transfer begins; its number in events."""
        if not self._fabric.observed:
            return 0
        number = self._fabric.number_transfer()
        self._fabric.emit(TransferBegan(self.source_id, iova, size, attributes, number))
        return number

    def _settled(
        self, iova: int, size: int, attributes: Attributes, resolution: Resolution
    ) -> Transfer:
        """A transfer of one request that has been resolved: asking twice would fault twice."""
        requests = [(0, size, resolution)]
        return Transfer(self._fabric, self.port, iova, size, attributes, requests)

    def _requests(
        self, iova: int, size: int, attributes: Attributes
    ) -> Iterator[tuple[int, int, Resolution]]:
        """Resolve page by page; a translation serves what follows as far as it reaches."""
        position, stop = iova, min(iova + size, ADDRESS_LIMIT)
        while True:
            end = min((position | _PAGE_OFFSET) + 1, stop)
            resolution = self.resolve(position, end - position, attributes)
            if isinstance(resolution, Translation):
                end = max(end, min(_reach(position, resolution.mask), stop))
            yield position - iova, end - position, resolution
            position = end
            if position >= stop:
                return


def _reach(position: int, mask: int) -> int:
    """Where a translation stops serving a run: at its end, or where the interrupt window is.

    Inside the window each page is asked for by itself, since not all that goes there is memory.
    """
    if INTERRUPT_WINDOW_BASE <= position <= INTERRUPT_WINDOW_LAST:
        return (position | _PAGE_OFFSET) + 1
    end = (position | mask) + 1
    return min(end, INTERRUPT_WINDOW_BASE) if position < INTERRUPT_WINDOW_BASE else end


def _is_one_request(iova: int, size: int) -> bool:
    return 0 < size <= PAGE_SIZE - (iova & _PAGE_OFFSET) and 0 <= iova < ADDRESS_LIMIT


def _check_run(iova: int, size: int) -> None:
    if not 0 <= iova < ADDRESS_LIMIT:
        raise ValueError(f"address {iova:#x} is not within 64 bits")
    if not 0 <= size <= ADDRESS_LIMIT:
        raise ValueError(f"a size of {size:#x} bytes is not within 0 to 2**64")


def _check_pasid(pasid: int | None) -> None:
    if pasid is None:
        return
    if isinstance(pasid, bool) or not isinstance(pasid, int):
        raise TypeError(f"PASID {pasid!r} is no int")
    if not 0 <= pasid < _PASID_LIMIT:
        raise ValueError(f"PASID {pasid:#x} is not within 20 bits")


def _translation_attributes(options: TranslationOptions) -> Attributes:
    """What a translation request asks for; see `attributes_of`."""
    _check_pasid(options.get("pasid"))
    try:
        return Attributes(RequestKind.READ, AddressType.TRANSLATION, **options)
    except TypeError:
        raise _unknown_option(options, TranslationOptions) from None


def attributes_of(kind: RequestKind, options: RequestOptions) -> Attributes:
    """What a request of some kind asks for.

    Raises:
        TypeError: There is no such option.
        ValueError: An option is out of its range.
    """
    _check_pasid(options.get("pasid"))
    address_type = options.get("address_type", AddressType.UNTRANSLATED)
    if not isinstance(address_type, AddressType):
        raise TypeError(f"address_type={address_type!r} is no AddressType")
    if address_type is AddressType.TRANSLATION:
        raise ValueError(
            "a translation request moves no bytes: use request_translation or begin_translation"
        )
    try:
        return Attributes(kind, **options)
    except TypeError:
        raise _unknown_option(options, RequestOptions) from None


def _unknown_option(options: Mapping[str, object], known: type) -> TypeError:
    unknown = sorted(options.keys() - known.__annotations__)
    allowed = sorted(known.__annotations__)
    return TypeError(f"{unknown} are no options of a request; there are {allowed}")
