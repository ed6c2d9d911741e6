"""First-stage paging structures (sections 3.6 and 9.7).

They have the format of a processor's page tables and translate the addresses of requests with
PASID, alone or nested above a second stage. `GuestMemory` lets a nested one be built where its
tables lie: in guest-physical memory.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from vtd_plugin.encodings.structures import (
    FsPde2M,
    FsPdeTable,
    FsPdpe1G,
    FsPdpeTable,
    FsPml4e,
    FsPml5e,
    FsPte,
)
from vtd_plugin.software.page_table import PageTable
from vtd_plugin.software.pages import PAGE_SIZES, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator
    from vtd_plugin.software.tree import TableTree

_ADDRESS_SPACE: Final = 1 << 64


class FirstStageTable(PageTable):
    """A first-stage tree of 4 or 5 levels.

    Addresses are canonical: the lower half from 0 up, the upper half to the top of 64 bits. Leaves
    take the fields `US`, `PWT`, `PCD`, `PAT`, `G`, `EA`, `A` and `D` besides `RW`; a page is for
    user requests unless `US=0` is given.

    Args:
        cpu: The processor to write the tables with; `GuestMemory` for a nested first stage.
        frames: Where tables come from; frames of guest-physical memory for a nested one.
        levels: 4 or 5, for addresses of 48 or 57 bits.
        page_sizes: The page sizes that `map` may choose from, in bytes.
        preset_accessed: Set the accessed, extended-accessed and dirty bits beforehand.

    Raises:
        ValueError: There is no tree of that depth, or no such page size.
        MemoryError: No frame is left.
    """

    LEVELS: ClassVar[tuple[int, ...]] = (4, 5)
    POINTERS: ClassVar[Mapping[int, type[Layout]]] = MappingProxyType(
        {5: FsPml5e, 4: FsPml4e, 3: FsPdpeTable, 2: FsPdeTable}
    )
    LEAVES: ClassVar[Mapping[int, type[Layout]]] = MappingProxyType(
        {3: FsPdpe1G, 2: FsPde2M, 1: FsPte}
    )

    def __init__(
        self,
        cpu: Cpu,
        frames: FrameAllocator,
        levels: int = 4,
        *,
        page_sizes: Iterable[int] = PAGE_SIZES,
        preset_accessed: bool = False,
    ) -> None:
        super().__init__(
            cpu,
            frames,
            levels,
            page_sizes=page_sizes,
            preset_accessed=preset_accessed,
            present_bits=FsPte.mask("P"),
        )

    def _rights(self, *, read: bool, write: bool) -> dict[str, int]:
        if not read:
            raise ValueError("a first-stage page can always be read: unmap it to forbid that")
        return {"P": 1, "RW": int(write)}

    def _leaf(self, level: int, address: int, fields: Mapping[str, int]) -> int:
        return super()._leaf(level, address, {"US": 1} | dict(fields))

    def _accessed(self, fields: Mapping[str, int]) -> dict[str, int]:
        return {"A": 1, "EA": 1, "D": fields["RW"]}

    def _pointer(self, level: int, table: int) -> int:
        preset = {"A": 1, "EA": 1} if self._preset_accessed else {}
        return self.POINTERS[level].pack(P=1, RW=1, US=1, ADDR_address=table, **preset)

    def _offset(self, iova: int) -> int:
        size = span(self.levels + 1)
        if 0 <= iova < size // 2:
            return iova
        if _ADDRESS_SPACE - size // 2 <= iova < _ADDRESS_SPACE:
            return iova - (_ADDRESS_SPACE - size)
        raise ValueError(
            f"{iova:#x} is not canonical: within 0 to {size // 2 - 1:#x} "
            f"or {_ADDRESS_SPACE - size // 2:#x} to {_ADDRESS_SPACE - 1:#x}"
        )

    def _iova(self, offset: int) -> int:
        size = span(self.levels + 1)
        return offset if offset < size // 2 else offset + _ADDRESS_SPACE - size


class GuestMemory:
    """Guest-physical memory as a `Cpu`: what a second stage maps, through the real processor.

    Args:
        cpu: The real processor.
        table: The second stage that gives guest-physical addresses their place. Its rights are
            not looked at: a hypervisor may write what its guest's devices may not.
    """

    __slots__ = ("_cpu", "_table")

    def __init__(self, cpu: Cpu, table: TableTree) -> None:
        self._cpu = cpu
        self._table = table

    def read(self, address: int, size: int, /) -> bytes:
        """Read `size` bytes at a guest-physical address.

        Raises:
            ValueError: Some of it is not mapped.
        """
        pieces = self._pieces(address, size)
        return b"".join(self._cpu.read(host, length) for host, length in pieces)

    def write(self, address: int, data: bytes, /) -> None:
        """Write bytes at a guest-physical address.

        Raises:
            ValueError: Some of it is not mapped; what lies before that is written.
        """
        done = 0
        for host, length in self._pieces(address, len(data)):
            self._cpu.write(host, data[done : done + length])
            done += length

    def _pieces(self, address: int, size: int) -> Iterator[tuple[int, int]]:
        """Physical address and length of each piece of a range."""
        after = address + size
        while address < after:
            page = self._table.lookup(address)
            if page is None:
                raise ValueError(f"guest-physical {address:#x} is not mapped")
            length = min(after, page.iova + page.size) - address
            yield page.address + address - page.iova, length
            address += length
