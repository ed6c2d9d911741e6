"""Entries of tables that software writes wrong, and what becomes of requests that use them.

Each way to break an entry says which fault conditions it comes to, from the fault table of the
architecture (section 7.1.3). Of several broken entries on the way of a request the one that is
looked at first counts: `Rank` has them in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from testbenches.journal import Block
from vtd_plugin.encodings.codes import PageTableType
from vtd_plugin.encodings.faults import CONDITIONS_BY_NAME
from vtd_plugin.software.cpu import read_entry, write_entry

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.cpu import Cpu

Blocks: TypeAlias = "Iterator[tuple[tuple[int, bool], Block]]"
"""What is blocked, as a `View` takes it: by page and whether it is a write."""

NO_MEMORY: Final = 1 << 40
"""A physical address at which nothing answers."""
_INTERRUPTS: Final = 0xFEE0_0000
_FIRST_UNUSED_ADDRESS_BIT: Final = 51
"""Of an entry of 64 bits, above the widest host address."""


class Rank(IntEnum):
    """What is looked at when, from the last to the first."""

    SECOND_STAGE_BELOW = 0
    LEAF = 1
    TABLE_POINTER = 2
    PASID_ENTRY = 3
    DIRECTORY_ENTRY = 4
    RID_PASID = 5
    CONTEXT_ENTRY = 6
    ROOT_ENTRY = 7
    TABLE_MODE = 8


@dataclass(frozen=True, slots=True)
class Wrong:
    """A way to break an entry.

    Attributes:
        fields: What is written into it; None for a reserved bit.
        read: The condition that blocks reads, if any.
        write: That of writes.
        with_pasid_only: Whether it concerns requests with a PASID only.
    """

    fields: Mapping[str, int] | None
    read: str | None
    write: str | None
    with_pasid_only: bool = False


def _both(condition: str, **fields: int) -> Wrong:
    return Wrong(fields, condition, condition)


def _reserved(condition: str) -> Wrong:
    return Wrong(None, condition, condition)


LEGACY_ROOT: Final = (
    _both("LRT.2", P=0),
    _both("LCT.1", CTP_address=NO_MEMORY),
    _reserved("LRT.3"),
)
LEGACY_CONTEXT: Final = (
    _both("LCT.2", P=0),
    _both("LCT.4.1", AW=7),
    _both("LCT.4.2", TT=3),
    _both("LCT.4.3", SSPTPTR_address=NO_MEMORY),
    _reserved("LCT.3"),
)
LEGACY_POINTER: Final = (_both("LSS.1", ADDR_address=NO_MEMORY),)
LEGACY_LEAF: Final = (
    Wrong({"R": 0, "W": 0}, "LGN.3", "LGN.2"),
    Wrong({"W": 0}, None, "LGN.2"),
    Wrong({"R": 0}, "LGN.3", None),
    _both("LGN.4", ADDR_address=_INTERRUPTS),
    _reserved("LSS.2"),
)

SCALABLE_ROOT: Final = (
    _both("SRT.2", LP=0),
    _both("SCT.1", LCTP_address=NO_MEMORY),
    Wrong({"RSVD_11_1": 1}, "SRT.3", "SRT.3"),
)
SCALABLE_CONTEXT: Final = (
    _both("SCT.2", P=0),
    _both("SPD.1", PASIDDIRPTR_address=NO_MEMORY),
    Wrong({"PASIDE": 0}, "SCT.6", "SCT.6", with_pasid_only=True),
    _reserved("SCT.3"),
)
DIRECTORY_ENTRY: Final = (
    _both("SPD.2", P=0),
    _both("SPT.1", SMPTBLPTR_address=NO_MEMORY),
    _reserved("SPD.3"),
)
_PASID_ENTRY: Final = (_both("SPT.2", P=0), _both("SPT.4.2", PGTT=0), _reserved("SPT.3"))
PASID_ENTRY: Final[Mapping[PageTableType, Sequence[Wrong]]] = {
    PageTableType.PASS_THROUGH: _PASID_ENTRY,
    PageTableType.FIRST_STAGE: (
        *_PASID_ENTRY,
        _both("SPT.4.3", FSPM=2),
        _both("SFS.4", FSPTPTR_address=NO_MEMORY),
    ),
    PageTableType.SECOND_STAGE: (
        *_PASID_ENTRY,
        _both("SPT.4.1", AW=7),
        _both("SSS.4", SSPTPTR_address=NO_MEMORY),
    ),
    PageTableType.NESTED: (*_PASID_ENTRY, _both("SPT.4.1", AW=7)),
}
SECOND_STAGE_POINTER: Final = (_both("SSS.1", ADDR_address=NO_MEMORY),)
SECOND_STAGE_LEAF: Final = (
    _both("SSS.2", R=0, W=0),
    Wrong({"W": 0}, None, "SGN.6"),
    Wrong({"R": 0}, "SGN.7", None),
    _both("SGN.8.1", ADDR_address=_INTERRUPTS),
    _reserved("SSS.3"),
)
FIRST_STAGE_POINTER: Final = (_both("SFS.1", ADDR_address=NO_MEMORY),)
NESTED_LEAF: Final = (
    _both("SFS.2", P=0),
    _both("SGN.2", US=0),
    Wrong({"RW": 0}, None, "SGN.6"),
    _both("SSS.2", ADDR_address=NO_MEMORY),
)
FIRST_STAGE_LEAF: Final = (
    *NESTED_LEAF[:-1],
    _both("SGN.8.1", ADDR_address=_INTERRUPTS),
    _reserved("SFS.3"),
)


def _all(_pasid: int | None, _page: int) -> bool:
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Forgotten:
    """What software tells the unit of a change.

    Attributes:
        descriptors: The invalidations.
        covers: Whether they are about requests with a PASID, or None, to a page; by default about
            all.
    """

    descriptors: tuple[Layout, ...]
    covers: Callable[[int | None, int], bool] = _all


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An entry of the tables in use.

    Attributes:
        rank: What it is.
        pasids: Whose requests use it; None are those without a PASID.
        pages: Which of their pages it is for; None for all.
        wrongs: How it can be broken.
        address: Where it is in memory, also when what leads to it is broken.
        layout: What it is.
        forget: What a change of it takes, one of several ways.
        leads: The PASID and page that it alone gives a place, and which can thus be moved.
    """

    rank: Rank
    pasids: frozenset[int | None]
    pages: frozenset[int] | None
    wrongs: Sequence[Wrong]
    address: int
    layout: type[Layout]
    forget: Sequence[Forgotten]
    leads: tuple[int | None, int] | None = None


class Blocker(Protocol):
    """What keeps requests out of memory."""

    @property
    def rank(self) -> Rank:
        """When it is looked at."""

    def blocks(self, pasid: int | None, pages: Iterable[int]) -> Blocks:
        """What is kept out of which of the pages of a PASID, and why."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """All requests with some PASIDs, or whatever PASID, are blocked.

    Attributes:
        rank: When that is found out.
        condition: Why.
        pasids: Whose requests; None for all.
    """

    rank: Rank
    condition: str
    pasids: frozenset[int | None] | None = None

    def blocks(self, pasid: int | None, pages: Iterable[int]) -> Blocks:
        """What is kept out of which of the pages of a PASID, and why."""
        if self.pasids is None or pasid in self.pasids:
            for page in pages:
                for is_write in (False, True):
                    yield (page, is_write), Block(self.condition)


class Defect:
    """An entry that is broken.

    Attributes:
        entry: The entry.
    """

    def __init__(self, entry: Entry, cpu: Cpu, rng: random.Random) -> None:
        """Break it."""
        self.entry = entry
        self._cpu = cpu
        self._wrong = rng.choice(entry.wrongs)
        self._good = read_entry(cpu, entry.address, entry.layout)
        ranks = (Rank.CONTEXT_ENTRY, Rank.DIRECTORY_ENTRY, Rank.PASID_ENTRY)
        self._silent = (
            entry.rank in ranks and not self._wrong.with_pasid_only and rng.random() < 0.3
        )
        fields = {"FPD": 1} if self._silent else {}
        if self._wrong.fields is None:
            bad = self._good.replace(**fields) | _reserved_bit(self._good, rng)
        else:
            bad = self._good.replace(**self._wrong.fields, **fields)
        write_entry(cpu, entry.address, entry.layout, bad)

    @property
    def rank(self) -> Rank:
        """When the entry is looked at."""
        return self.entry.rank

    def mend(self) -> None:
        """Write the entry as it was."""
        write_entry(self._cpu, self.entry.address, self.entry.layout, self._good.value)

    def blocks(self, pasid: int | None, pages: Iterable[int]) -> Blocks:
        """What is kept out of which of the pages of a PASID, and why."""
        wrong = self._wrong
        if pasid not in self.entry.pasids or (wrong.with_pasid_only and pasid is None):
            return
        for is_write, condition in ((False, wrong.read), (True, wrong.write)):
            if condition is not None:
                block = Block(
                    condition, not (self._silent and CONDITIONS_BY_NAME[condition].qualified)
                )
                for page in pages:
                    if self.entry.pages is None or page in self.entry.pages:
                        yield (page, is_write), block


def _reserved_bit(entry: Layout, rng: random.Random) -> int:
    """A bit that has to be 0 in every entry of this kind."""
    if entry.BITS == 64 and "ADDR" in entry.FIELDS:
        return 1 << _FIRST_UNUSED_ADDRESS_BIT
    name = rng.choice([name for name in entry.FIELDS if name.startswith("RSVD")])
    mask = entry.mask(name)
    return mask & -mask if rng.random() < 0.5 else 1 << mask.bit_length() - 1
