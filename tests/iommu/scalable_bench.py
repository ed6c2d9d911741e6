"""A machine in scalable mode: one device whose requests, with and without PASID, take one way.

The standing case: requester 00:04.0 sees `PAGES` pages at `IOVA`, through first-stage tables,
second-stage tables, both, or none. Requests without PASID are looked up with `RID_PASID`, and
`PASID` has the same entry in the PASID table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.iommu.bench import DOMAIN, HOST, IOVA, PAGE, PAGES, SOURCE, Machine
from vtd_plugin import VtdConfig
from vtd_plugin.encodings.codes import PageTableType, TableMode, aw_for
from vtd_plugin.encodings.structures import HptL3e, HptL4e, PasidTableEntry, ScalableContextEntry
from vtd_plugin.software.commands import Command
from vtd_plugin.software.first_stage import FirstStageTable, GuestMemory
from vtd_plugin.software.frames import FrameAllocator
from vtd_plugin.software.pages import PAGE_4K
from vtd_plugin.software.pasid_tables import PasidTables
from vtd_plugin.software.root_tables import ScalableRootTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin import VtdUnit
    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.page_table import PageTable
    from vtd_plugin.software.second_stage import SecondStageTable

FIRST: Final = PageTableType.FIRST_STAGE
SECOND: Final = PageTableType.SECOND_STAGE
NESTED: Final = PageTableType.NESTED
THROUGH: Final = PageTableType.PASS_THROUGH

RID_PASID: Final = 0x10
PASID: Final = 0x21

GUEST_TABLES: Final = 0x10_0000
GUEST_TABLE_BYTES: Final = 0x1_0000
GUEST_TABLES_AT: Final = 0x0200_0000
"""Where the second stage puts the first-stage tables of a nested case."""

GUEST_DATA: Final = 0x20_0000

CAPABILITIES: Final = {
    "SMTS": 1,
    "PASID": 1,
    "PSS": 19,
    "RPS": 1,
    "RPRIVS": 1,
    "SRS": 1,
    "FSTS": 1,
    "SSTS": 1,
    "NEST": 1,
    "FS1GP": 1,
    "SMPWCS": 1,
    "SSADS": 1,
    "EAFS": 1,
    "DT": 1,
    "NWFS": 1,
    "PRS": 1,
    "HPTS": 1,
    "HPT1GPS": 1,
    "PTRS": 1,
}
"""A unit with everything of scalable mode that needs no more than being there."""

ALL_RIGHTS: Final = 0x3333_3333
"""Read and write for the eight pages of a level-3 entry of a host permission table."""


def scalable_config(**changes: Any) -> VtdConfig:
    """A unit with everything but what `changes` says."""
    return VtdConfig(**CAPABILITIES | changes)


class Scalable(Machine):
    """The standing case, with translation on.

    Args:
        config: What the unit is; one with everything unless said.
        kind: Which tables translate.
        unit: The unit itself, where it is not an ordinary one.
        domain_id: Domain of the device.
        on: Turn translation on.

    Attributes:
        kind: Which tables translate.
        roots: Root and context tables.
        pasids: PASID directory and tables of the device.
        first: The first-stage tree; in guest memory where nested.
        second: The second-stage tree.
        permissions: Address of the host permission table, which allows everything below 8 GiB.
    """

    def __init__(
        self,
        config: VtdConfig | None = None,
        kind: PageTableType = SECOND,
        *,
        unit: VtdUnit | None = None,
        domain_id: int = DOMAIN,
        on: bool = True,
    ) -> None:
        super().__init__(config or scalable_config(), unit)
        self.kind = kind
        self.roots = ScalableRootTable(self.platform, self.frames)
        self.pasids = PasidTables(self.platform, self.frames)
        self.second = self.tables()
        self.first = self._first_stage()
        self._map()
        self.permissions = self._permit()
        for pasid in (RID_PASID, PASID):
            self.pasids.write_entry(pasid, self.entry(DID=domain_id))
        self.roots.write_context_entry(SOURCE, self._context())
        for page in range(PAGES):
            address = HOST + page * PAGE
            self.put(address, address.to_bytes(8, "little"))
        self.set_root()
        if on:
            self.commands.run(Command.TRANSLATION)

    # --- building

    def _first_stage(self) -> FirstStageTable:
        if self.kind is not NESTED:
            return FirstStageTable(self.platform, self.frames)
        self.second.map(GUEST_TABLES, GUEST_TABLES_AT, GUEST_TABLE_BYTES, page_size=PAGE_4K)
        frames = FrameAllocator(GUEST_TABLES, GUEST_TABLE_BYTES)
        return FirstStageTable(GuestMemory(self.platform, self.second), frames)

    def _map(self) -> None:
        if self.kind is NESTED:
            self.second.map(GUEST_DATA, HOST, PAGES * PAGE, page_size=PAGE_4K)
            self.first.map(IOVA, GUEST_DATA, PAGES * PAGE, page_size=PAGE_4K)
        else:
            self.second.map(IOVA, HOST, PAGES * PAGE, page_size=PAGE_4K)
            self.first.map(IOVA, HOST, PAGES * PAGE, page_size=PAGE_4K)

    def _permit(self) -> int:
        top, lower = self.frames.allocate(), self.frames.allocate()
        self.put(top, bytes(2 * PAGE))
        self.put_entry(top, HptL4e, AV=1, ADDR_address=lower)
        self.put_entry(lower, HptL3e, PP0_7=ALL_RIGHTS)
        return top

    def entry(self, **fields: int) -> int:
        """A PASID-table entry of the standing case with some fields changed."""
        return PasidTableEntry.pack(**self._entry_fields() | fields)

    def _entry_fields(self) -> dict[str, int]:
        ecap = self.unit.config.capabilities.ECAP
        fields = {"P": 1, "PGTT": self.kind, "DID": DOMAIN, "SRE": ecap.SRS, "PWSNP": ecap.SMPWCS}
        if ecap.HPTS:
            fields["HPTPTR_address"] = self.permissions
        if self.kind in (SECOND, NESTED):
            fields |= {"AW": aw_for(self.second.levels), "SSPTPTR_address": self.second.root}
        if self.kind in (FIRST, NESTED):
            fields |= {"FSPTPTR_address": self.first.root, "FSPM": self.first.levels - 4}
        return fields

    def _context(self) -> int:
        ecap = self.unit.config.capabilities.ECAP
        return ScalableContextEntry.pack(
            P=1,
            DTE=ecap.DT,
            PASIDE=1,
            PRE=ecap.PRS,
            EPTR=ecap.PTRS,
            HPTE=ecap.HPTS,
            RID_PASID=RID_PASID,
            PASIDDIRPTR_address=self.pasids.directory,
        )

    def put_entry(self, address: int, layout: type[Layout], **fields: int) -> None:
        """Write a structure anywhere in memory."""
        self.put(address, layout.pack(**fields).to_bytes(layout.BITS // 8, "little"))

    # --- changing; nothing is invalidated

    def set_root(self, **fields: int) -> None:
        """Let the unit use the root table."""
        self.latch_root(self.roots.address, **{"TTM": TableMode.SCALABLE} | fields)

    def change_root(self, **fields: int) -> None:
        """Change fields of the root entry of bus 0."""
        self.roots.write_root_entry(0, self.roots.read_root_entry(0).replace(**fields))

    def change_context(self, **fields: int) -> None:
        """Change fields of the device's context entry."""
        entry = self.roots.read_context_entry(SOURCE)
        self.roots.write_context_entry(SOURCE, entry.replace(**fields))

    def change_directory(self, **fields: int) -> None:
        """Change fields of the PASID-directory entry of both PASIDs."""
        entry = self.pasids.read_directory_entry(PASID)
        self.pasids.write_directory_entry(PASID, entry.replace(**fields))

    def change_entry(self, **fields: int) -> None:
        """Change fields of the PASID-table entries of both PASIDs."""
        for pasid in (RID_PASID, PASID):
            entry = self.pasids.read_entry(pasid)
            self.pasids.write_entry(pasid, entry.replace(**fields))

    def change_first(self, level: int, iova: int = IOVA, **fields: int) -> None:
        """Change fields of the first-stage entry that a walk uses."""
        _change(self.first, level, iova, fields)

    def change_second(self, level: int, iova: int | None = None, **fields: int) -> None:
        """Change fields of the second-stage entry that a walk uses."""
        _change(self.second, level, self.second_input if iova is None else iova, fields)

    @property
    def second_input(self) -> int:
        """The address at which the second stage is asked for the page at `IOVA`."""
        return GUEST_DATA if self.kind is NESTED else IOVA

    def guest_table(self, level: int) -> int:
        """Guest address of the first-stage table of a level on the way of `IOVA`."""
        address = self.first.entry_address(IOVA, level)
        assert address is not None
        return address & -PAGE

    # --- what can be seen

    def lands_at(self, iova: int = IOVA, pasid: int | None = None) -> int | None:
        """The host page that a read of the first bytes of a page reaches; None if blocked."""
        result = self.port().read(iova, 8, pasid=pasid)
        return int.from_bytes(result.data, "little") if result.ok else None


def walk_entries(tables: PageTable, iova: int = IOVA) -> Iterator[int]:
    """The entries that a walk to a 4-KiB page uses, from the top."""
    for level in range(tables.levels, 0, -1):
        entry = tables.read_entry(iova, level)
        assert entry is not None
        yield entry


def _change(
    tables: FirstStageTable | SecondStageTable, level: int, iova: int, fields: dict[str, int]
) -> None:
    layout = tables.LEAVES[1] if level == 1 else tables.POINTERS[level]
    entry = tables.read_entry(iova, level)
    assert entry is not None
    tables.write_entry(iova, level, layout(entry).replace(**fields))
