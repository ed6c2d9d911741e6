"""A device that asks for pages, and the queue that software reads its requests from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.iommu.bench import IOVA, PAGE, SOURCE
from tests.iommu.scalable_bench import (
    PASID,
    SECOND,
    Scalable,
    scalable_config,
)
from vtd_plugin.encodings.registers import PEADDR, PECTL, PEDATA, PQA, PRS
from vtd_plugin.encodings.structures import PageRequest
from vtd_plugin.iommu.page_requests import PageRequestOutcome

if TYPE_CHECKING:
    from vtd_plugin.encodings.codes import PageTableType

ENTRY_BYTES: Final = 32
ENTRIES: Final = PAGE // ENTRY_BYTES
PAGE_ASKED: Final = IOVA + 0x3000
MESSAGE_ADDRESS: Final = 0xFEE0_1000
MESSAGE_DATA: Final = 0x71


class Requesting(Scalable):
    """The standing case, with a page request queue of one page and its event unmasked."""

    def __init__(self, kind: PageTableType = SECOND, **changes: Any) -> None:
        super().__init__(scalable_config(**changes), kind)
        self.queue_at = self.frames.allocate()
        self.registers.write(PQA, PQA.pack(PQA_address=self.queue_at))
        self.registers.write(PEDATA, MESSAGE_DATA)
        self.registers.write(PEADDR, MESSAGE_ADDRESS)
        self.registers.write(PECTL, 0)

    def ask(self, *, pasid: int | None = PASID, **options: Any) -> PageRequestOutcome:
        return self.unit.request_page(SOURCE, PAGE_ASKED, pasid=pasid, **options)

    def queued(self, index: int = 0) -> PageRequest:
        raw = self.platform.read(self.queue_at + index * ENTRY_BYTES, ENTRY_BYTES)
        return PageRequest.from_bytes(raw)

    def fill(self) -> None:
        """Queue as many as there is room for."""
        for _ in range(ENTRIES - 1):
            assert self.ask(last=False) is PageRequestOutcome.QUEUED

    @property
    def overflowed(self) -> bool:
        return bool(self.registers.read(PRS).PRO)

    def clear(self, **status: int) -> None:
        self.registers.write(PRS, PRS.pack(**status))
