"""What is asked of the unit: memory requests on their slow way, and page requests.

Memory requests that hit the IOTLB never get here. The others carry a `Request` from the root table
to the last page table, so that a fault can say whose it was and whether it may be reported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtd_plugin.bus import AddressType, Attributes, RequestKind, Translation
from vtd_plugin.iommu.caches import request_tag

if TYPE_CHECKING:
    from vtd_plugin.encodings.codes import PageTableType, TranslationType
    from vtd_plugin.encodings.faults import Condition


class Request:
    """A request inside one page.

    Attributes:
        source_id: Who asks (16 bits).
        address: First byte.
        size: Bytes; 0 is a zero-length read.
        attributes: What is asked for.
        untranslated: This is an ordinary request (AT=0).
        asks_translation: This is a translation request (AT=1).
        suppressed: Fault processing is disabled by an entry that was read (FPD, §7.1.1).
        domain_id: Domain of the context or PASID entry, once it is known.
        pasid: The PASID whose entry is used: the request's own, or RID_PASID.
        cacheable: The tables of the domain are being walked: a failure may be cached where
            caching mode allows it (§6.1).
        tables: What the context entry (legacy mode) or the PASID entry asks for, once it is known.
    """

    __slots__ = (
        "address",
        "asks_translation",
        "attributes",
        "cacheable",
        "domain_id",
        "pasid",
        "size",
        "source_id",
        "suppressed",
        "tables",
        "untranslated",
    )

    def __init__(self, source_id: int, address: int, size: int, attributes: Attributes) -> None:
        self.source_id = source_id
        self.address = address
        self.size = size
        self.attributes = attributes
        self.untranslated = attributes.address_type == AddressType.UNTRANSLATED
        self.asks_translation = attributes.address_type == AddressType.TRANSLATION
        self.suppressed = False
        self.domain_id = 0
        self.pasid = 0
        self.cacheable = False
        self.tables: TranslationType | PageTableType | None = None

    @property
    def tag(self) -> int:
        """What the IOTLB knows the request by, beside its address."""
        attributes = self.attributes
        return request_tag(self.source_id, attributes.pasid, privileged=attributes.privileged)

    @property
    def well_formed(self) -> bool:
        """Whether the bus has such a request: AT=3 is reserved, AT=1 is always a read (§4.2.1)."""
        if self.asks_translation:
            return self.attributes.kind is RequestKind.READ
        return self.attributes.address_type != AddressType.RESERVED

    def writes(self, *, no_write_flag: bool) -> bool:
        """Whether the page counts as written (§3.6.2, §4.2.3.1).

        Args:
            no_write_flag: The unit understands the NW flag of translation requests (ECAP.NWFS).
        """
        if self.asks_translation:
            return not (no_write_flag and self.attributes.no_write)
        return bool(self.attributes.kind & Translation.WRITABLE)

    def rights_needed(self, *, zero_length_reads: bool) -> int:
        """What the page must allow; a translation request takes what there is.

        Args:
            zero_length_reads: Reads of no bytes succeed on write-only pages too (CAP.ZLR, §3.14).
        """
        if self.asks_translation:
            return 0
        if zero_length_reads and self.size == 0 and self.attributes.kind is RequestKind.READ:
            return 0
        return int(self.attributes.kind)


def denied(missing: int, write: Condition, read: Condition) -> Condition:
    """The condition for missing rights: the write is judged first (§7.1.3)."""
    return write if missing & Translation.WRITABLE else read


@dataclass(frozen=True, slots=True)
class PageAsk:
    """A page request message as a device sends it.

    Attributes:
        source_id: Who asks.
        address: The page.
        read: Read access is wanted.
        write: Write access is wanted.
        pasid: PASID, or None.
        privileged: Supervisor access is wanted.
        execute: Execute access is wanted.
        group: Page request group index (9 bits).
        last: Last request of its group: the device waits for an answer.
    """

    source_id: int
    address: int
    read: bool
    write: bool
    pasid: int | None
    privileged: bool
    execute: bool
    group: int
    last: bool

    @property
    def is_stop_marker(self) -> bool:
        """Whether it only says that no more requests of the PASID follow (§7.6)."""
        return self.last and not (self.read or self.write)
