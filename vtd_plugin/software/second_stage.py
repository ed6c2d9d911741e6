"""Second-stage paging structures (sections 3.7 and 9.8).

They translate the addresses of a legacy domain, of a scalable-mode second-stage PASID entry, and
the guest-physical addresses below a nested first stage.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from vtd_plugin.encodings.structures import (
    SsPde2M,
    SsPdeTable,
    SsPdpe1G,
    SsPdpeTable,
    SsPml4e,
    SsPml5e,
    SsPte,
)
from vtd_plugin.software.page_table import PageTable
from vtd_plugin.software.pages import PAGE_SIZES, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator


class SecondStageTable(PageTable):
    """A second-stage tree of 3, 4 or 5 levels.

    Leaves take the fields `SNP`, `IPAT`, `EMT`, `A` and `D` besides their rights.

    Args:
        cpu: The processor to write the tables with.
        frames: Where tables come from.
        levels: 3, 4 or 5, for addresses of 39, 48 or 57 bits.
        page_sizes: The page sizes that `map` may choose from, in bytes.
        preset_accessed: Set the accessed and dirty bits beforehand.
        io_rights: Give the rights in IR and IW too, where a unit with RTADDR.SSIRWE=1 looks for
            them (section 11.4.5).

    Raises:
        ValueError: There is no tree of that depth, or no such page size.
        MemoryError: No frame is left.
    """

    LEVELS: ClassVar[tuple[int, ...]] = (3, 4, 5)
    POINTERS: ClassVar[Mapping[int, type[Layout]]] = MappingProxyType(
        {5: SsPml5e, 4: SsPml4e, 3: SsPdpeTable, 2: SsPdeTable}
    )
    LEAVES: ClassVar[Mapping[int, type[Layout]]] = MappingProxyType(
        {3: SsPdpe1G, 2: SsPde2M, 1: SsPte}
    )

    def __init__(
        self,
        cpu: Cpu,
        frames: FrameAllocator,
        levels: int = 4,
        *,
        page_sizes: Iterable[int] = PAGE_SIZES,
        preset_accessed: bool = False,
        io_rights: bool = False,
    ) -> None:
        self._readable = ("R", "IR") if io_rights else ("R",)
        self._writable = ("W", "IW") if io_rights else ("W",)
        super().__init__(
            cpu,
            frames,
            levels,
            page_sizes=page_sizes,
            preset_accessed=preset_accessed,
            present_bits=SsPte.mask(*self._readable, *self._writable),
        )

    def _rights(self, *, read: bool, write: bool) -> dict[str, int]:
        if not read and not write:
            raise ValueError("a second-stage page without any right is not mapped: unmap it")
        return dict.fromkeys(self._readable, int(read)) | dict.fromkeys(self._writable, int(write))

    def _accessed(self, fields: Mapping[str, int]) -> dict[str, int]:
        return {"A": 1, "D": fields["W"]}

    def _pointer(self, level: int, table: int) -> int:
        fields = self._rights(read=True, write=True) | {"A": int(self._preset_accessed)}
        return self.POINTERS[level].pack(ADDR_address=table, **fields)

    def _offset(self, iova: int) -> int:
        if not 0 <= iova < span(self.levels + 1):
            raise ValueError(f"{iova:#x} is not within 0 to {span(self.levels + 1) - 1:#x}")
        return iova

    def _iova(self, offset: int) -> int:
        return offset
