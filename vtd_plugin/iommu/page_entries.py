"""Entries of page tables as one unit has them: masks and reserved bits (§9.7, §9.8).

Tables of both stages have 512 entries of 64 bits and a page offset of 12 bits; only what the bits
of an entry mean differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from vtd_plugin.encodings.structures import (
    FsPde2M,
    FsPdeTable,
    FsPdpe1G,
    FsPdpeTable,
    FsPml4e,
    FsPml5e,
    FsPte,
    SsPde2M,
    SsPdeTable,
    SsPdpe1G,
    SsPdpeTable,
    SsPml4e,
    SsPml5e,
    SsPte,
)

if TYPE_CHECKING:
    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.encodings.capabilities import Capabilities

    ByLevel: TypeAlias = tuple[type[Layout], ...]
    """Level 1 first."""

ENTRY_BYTES: Final = 8
INDEX_BITS: Final = 9
INDEX_MASK: Final = (1 << INDEX_BITS) - 1
PAGE_BITS: Final = 12
LARGEST_PAGE_LEVEL: Final = 3
"""Tables of this level and below may map pages: 1 GiB, 2 MiB, 4 KiB."""

USER: Final = 1
"""All first-stage entries on the way have U/S set."""
WRITE: Final = 2
"""All first-stage entries on the way have R/W set."""

_FIRST_STAGE_TABLES: Final = (FsPte, FsPdeTable, FsPdpeTable, FsPml4e, FsPml5e)
_FIRST_STAGE_PAGES: Final = (FsPte, FsPde2M, FsPdpe1G)
_SECOND_STAGE_TABLES: Final = (SsPte, SsPdeTable, SsPdpeTable, SsPml4e, SsPml5e)
_SECOND_STAGE_PAGES: Final = (SsPte, SsPde2M, SsPdpe1G)


class _Format:
    """What entries of both stages have.

    Attributes:
        address: The address of a table or page.
        page_size: Set in an entry that maps a large page.
        accessed: The entry was used.
        dirty: The page was written.
        table_reserved: By level, the bits that must be 0 in an entry that points to a table.
        leaf_reserved: By level, the bits that must be 0 in an entry that maps a page.
    """

    __slots__ = ("accessed", "address", "dirty", "leaf_reserved", "page_size", "table_reserved")

    def __init__(
        self, caps: Capabilities, tables: ByLevel, pages: ByLevel, *, ssirwe: bool = False
    ) -> None:
        page, directory, *_ = tables
        self.address = directory.mask("ADDR")
        self.page_size = directory.mask("PS")
        self.accessed = page.mask("A")
        self.dirty = page.mask("D")
        self.table_reserved = _reserved(tables, caps, ssirwe=ssirwe)
        self.leaf_reserved = _reserved(pages, caps, ssirwe=ssirwe)

    def is_leaf(self, entry: int, level: int) -> bool:
        """Whether an entry of a table of that level maps a page."""
        return level == 1 or (level <= LARGEST_PAGE_LEVEL and bool(entry & self.page_size))

    def reserved(self, entry: int, level: int) -> int:
        """The bits that must be 0 in this entry of a table of that level."""
        return (self.leaf_reserved if self.is_leaf(entry, level) else self.table_reserved)[level]


class FirstStageFormat(_Format):
    """First-stage entries on one unit (§9.7).

    Attributes:
        present: The entry counts.
        user: Requests without supervisor privilege may pass.
        write: Writes may pass.
        extended_accessed: The entry was used, kept for another agent (EAFE).
    """

    __slots__ = ("extended_accessed", "present", "user", "write")

    def __init__(self, caps: Capabilities) -> None:
        super().__init__(caps, _FIRST_STAGE_TABLES, _FIRST_STAGE_PAGES)
        self.present = FsPte.mask("P")
        self.user = FsPte.mask("US")
        self.write = FsPte.mask("RW")
        self.extended_accessed = FsPte.mask("EA")

    def narrow(self, rights: int, entry: int) -> int:
        """What is left of `USER` and `WRITE` after one more entry."""
        if not entry & self.user:
            rights &= ~USER
        if not entry & self.write:
            rights &= ~WRITE
        return rights


class SecondStageFormat(_Format):
    """Second-stage entries on one unit, for one setting of SSIRWE (§9.8).

    Attributes:
        rights_shift: Lowest bit of the two that hold the rights: R and W, or IR and IW.
        snoop: Accesses to the page snoop; 0 on a unit without ECAP.SC.
    """

    __slots__ = ("rights_shift", "snoop")

    def __init__(self, caps: Capabilities, *, ssirwe: bool) -> None:
        super().__init__(caps, _SECOND_STAGE_TABLES, _SECOND_STAGE_PAGES, ssirwe=ssirwe)
        self.rights_shift = SsPte.FIELDS["IR" if ssirwe else "R"].lsb
        self.snoop = SsPte.mask("SNP") if caps.ECAP.SC else 0


def _reserved(layouts: ByLevel, caps: Capabilities, *, ssirwe: bool) -> tuple[int, ...]:
    return 0, *(layout.reserved(caps, ssirwe=ssirwe) for layout in layouts)
