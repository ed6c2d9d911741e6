"""Domains: address spaces that devices are attached to, and that tell the unit when they change.

Section 6.5.3.3 says what to forget after a change of paging structures: translations of the
domain-id for a second stage, of each PASID for a first stage, then what devices hold themselves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from vtd_plugin.software import descriptors
from vtd_plugin.software.first_stage import FirstStageTable
from vtd_plugin.software.page_table import PageTable
from vtd_plugin.software.second_stage import SecondStageTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.caches import CacheKeeper
    from vtd_plugin.software.pages import Change
    from vtd_plugin.software.polling import Pending

TableT = TypeVar("TableT", bound=PageTable)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A use of a domain by requests of a device.

    Attributes:
        source_id: The device.
        domain_id: The domain-id that the unit tags its translations with.
        pasid: The PASID that the unit tags its translations with; 0 in legacy mode.
        with_pasid: Whether the requests carry the PASID.
        device_tlb: Whether the device may keep translations itself.
        nested: Whether a first stage lies above or a second stage below the domain.
    """

    source_id: int
    domain_id: int
    pasid: int = 0
    with_pasid: bool = False
    device_tlb: bool = False
    nested: bool = False


class DomainBase(ABC, Generic[TableT]):
    """A page table together with what the unit has to be told about it.

    Args:
        keeper: Who tells the unit.
        domain_id: Its domain-id.
        table: Its paging structures.

    Attributes:
        domain_id: Its domain-id.
        table: Its paging structures; a change made there is not told to the unit.
        attachments: Who uses it.
    """

    def __init__(self, keeper: CacheKeeper, domain_id: int, table: TableT) -> None:
        self._keeper = keeper
        self.domain_id = domain_id
        self.table = table
        self.attachments: set[Attachment] = set()

    def map(
        self,
        iova: int,
        address: int,
        size: int,
        *,
        read: bool = True,
        write: bool = True,
        page_size: int | None = None,
        **leaf_fields: int,
    ) -> None:
        """Map a range of addresses none of which is mapped yet.

        The unit is told only if it caches what is not present, or buffers writes.

        Args:
            iova: First address as a device sees it.
            address: Physical address that it stands for.
            size: Bytes, a multiple of 4 KiB.
            read: Whether devices may read.
            write: Whether devices may write.
            page_size: Use pages of this size only; by default the largest that fit.
            **leaf_fields: Further fields of the leaf entries by their architectural names.

        Raises:
            ValueError: The range is misaligned, too large or mapped already, or the stage has no
                such rights.
            TypeError: The leaf entries have no such field.
            MemoryError: No frame is left for a table.
            Timeout: The unit does not finish.
        """
        self._check_addresses(iova, address, size)
        change = self.table.map(
            iova, address, size, read=read, write=write, page_size=page_size, **leaf_fields
        )
        self._keeper.entries_added(*self._after_map(iova, size, change))

    def unmap(self, iova: int, size: int) -> None:
        """Make a range not present, and wait until nothing uses it any more.

        Args:
            iova: First address as a device sees it.
            size: Bytes, a multiple of 4 KiB.

        Raises:
            ValueError: The range is misaligned or too large, or it cuts a page in two.
            Timeout: The unit does not finish.
        """
        self.start_unmap(iova, size).finish()

    def start_unmap(self, iova: int, size: int) -> Pending:
        """Make a range not present, and begin to let the unit forget it.

        Args:
            iova: First address as a device sees it.
            size: Bytes, a multiple of 4 KiB.

        Returns:
            What to wait for. Its `finish` also gives back the tables that became empty.

        Raises:
            ValueError: The range is misaligned or too large, or it cuts a page in two.
        """
        change = self.table.unmap(iova, size)
        pending = self._keeper.start(*self._forget(iova, size, change))
        return pending.then(lambda: self.table.free(change))

    def protect(self, iova: int, size: int, *, read: bool = True, write: bool = True) -> None:
        """Change the rights of what is mapped in a range, and wait until the old ones are gone.

        Args:
            iova: First address as a device sees it.
            size: Bytes, a multiple of 4 KiB.
            read: Whether devices may read.
            write: Whether devices may write.

        Raises:
            ValueError: The range is misaligned or too large, it cuts a page in two, or the stage
                has no such rights.
            Timeout: The unit does not finish.
        """
        change = self.table.protect(iova, size, read=read, write=write)
        self._keeper.run(*self._forget(iova, size, change))

    def _forget(self, iova: int, size: int, change: Change) -> list[Layout]:
        """What to forget of a range: in the unit first, then in the devices (section 6.5.3.3)."""
        return [*self._in_unit(iova, size, change), *self._in_devices(iova, size)]

    def _in_devices(self, iova: int, size: int) -> Iterator[Layout]:
        for use in sorted(self.attachments, key=lambda use: (use.source_id, use.pasid)):
            if use.device_tlb:
                yield self._in_device(use, iova, size)

    def _in_device(self, use: Attachment, iova: int, size: int) -> Layout:
        pasid = use.pasid if use.with_pasid else None
        return descriptors.device_tlb(use.source_id, pasid, iova, size)

    def _check_addresses(self, iova: int, address: int, size: int) -> None:
        """Raise ValueError unless the unit can translate these addresses."""

    @abstractmethod
    def _in_unit(self, iova: int, size: int, change: Change) -> Iterator[Layout]:
        """What to forget of a range in the caches of the unit."""

    @abstractmethod
    def _after_map(self, iova: int, size: int, change: Change) -> Iterator[Layout]:
        """What to forget when a range becomes present, on a unit that caches what is not."""


class Domain(DomainBase[SecondStageTable]):
    """A second-stage address space: a legacy domain, or the second stage of PASID entries."""

    def _check_addresses(self, iova: int, address: int, size: int) -> None:
        capabilities = self._keeper.capabilities
        limits = ((iova, capabilities.mgaw_bits), (address, capabilities.haw))
        for first, width in limits:
            if first + size > 1 << width:
                raise ValueError(f"{first:#x}, {size:#x} bytes: wider than {width} bits")

    def _in_unit(self, iova: int, size: int, change: Change) -> Iterator[Layout]:
        yield descriptors.iotlb_pages(
            self._keeper.capabilities,
            self.domain_id,
            iova,
            size,
            leaves_only=not change.pointers_changed,
        )

    def _after_map(self, iova: int, size: int, change: Change) -> Iterator[Layout]:
        return self._in_unit(iova, size, change)

    def _in_device(self, use: Attachment, iova: int, size: int) -> Layout:
        if use.nested:
            # The device knows first-stage addresses, and any of them may lead here.
            return descriptors.device_tlb(use.source_id, use.pasid if use.with_pasid else None)
        return super()._in_device(use, iova, size)


class FirstStageDomain(DomainBase[FirstStageTable]):
    """A first-stage address space, such as that of a process."""

    def _in_unit(self, iova: int, size: int, change: Change) -> Iterator[Layout]:
        for domain_id, pasid in sorted({(use.domain_id, use.pasid) for use in self.attachments}):
            yield descriptors.pasid_iotlb_pages(
                domain_id, pasid, iova, size, leaves_only=not change.pointers_changed
            )

    def _after_map(self, iova: int, size: int, change: Change) -> Iterator[Layout]:  # noqa: ARG002
        # What is not present in a first stage is never cached (section 6.2.4.1).
        return iter(())
