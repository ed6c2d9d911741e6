"""Ways into each fault condition of scalable mode: what to break, and what to ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.iommu.bench import BEYOND_RAM, HOST, IOVA
from tests.iommu.frozen_memory import UnitOverFrozenMemory
from tests.iommu.scalable_bench import (
    FIRST,
    NESTED,
    PASID,
    RID_PASID,
    SECOND,
    THROUGH,
    Scalable,
    scalable_config,
)
from vtd_plugin.bus import AddressType, Attributes, RequestKind
from vtd_plugin.encodings.codes import PageTableType, TableMode
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.structures import HptL3e, HptL4e

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

READ: Final = RequestKind.READ
WRITE: Final = RequestKind.WRITE
ATOMIC: Final = RequestKind.ATOMIC

WINDOW: Final = 0xFEE0_0000
HOST_LIMIT: Final = 1 << 48
OUTSIDE_DIRECTORY: Final = 1 << 13
"""The first PASID that the smallest directory does not cover."""

COLUMNS: Final = {
    "ut": (AddressType.UNTRANSLATED, False),
    "ut_pasid": (AddressType.UNTRANSLATED, True),
    "tr": (AddressType.TRANSLATION, False),
    "tr_pasid": (AddressType.TRANSLATION, True),
    "td": (AddressType.TRANSLATED, False),
    "td_pasid": (AddressType.TRANSLATED, True),
}
"""The columns of the fault table for memory requests: address type, and whether with PASID."""

WITHOUT_SNOOPED_WALKS: Final = {"SMPWCS": 0, "SSADS": 0, "EAFS": 0}


def nothing(_bench: Scalable) -> None:
    """The standing case is as it should be: the request is what is wrong."""


def steps(*changes: Callable[[Scalable], object]) -> Callable[[Scalable], None]:
    """Several changes, one after the other."""

    def change(bench: Scalable) -> None:
        for step in changes:
            step(bench)

    return change


@dataclass(frozen=True)
class Case:
    """A way into a fault condition.

    Attributes:
        condition: The condition.
        broken: Breaks the standing case, before anything is cached.
        tables: Which tables translate.
        columns: The kinds of request that get there; empty: all that the fault table answers.
        address: What to ask for; None: a mapped address, and its host address where translated.
        kind: How to ask.
        size: Bytes asked for.
        pasid: The PASID of requests with one.
        privileged: Requests with PASID ask for supervisor privilege.
        execute: Requests with PASID ask to execute.
        changes: What the unit has that is not usual.
        frozen: The unit cannot update entries that `broken` says.
    """

    condition: Condition
    broken: Callable[[Scalable], object] = nothing
    tables: PageTableType = SECOND
    columns: str = ""
    address: int | None = None
    kind: RequestKind = READ
    size: int = 8
    pasid: int = PASID
    privileged: bool = False
    execute: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)
    frozen: bool = False

    @property
    def reached_by(self) -> list[str]:
        """The columns of the fault table that this case is for."""
        answered = [name for name in COLUMNS if self.condition.answer_columns[name] != "NA"]
        return self.columns.split() or answered

    def bench(self, before: Callable[[Scalable], object] = nothing) -> Scalable:
        """The machine with broken tables; `before` is done to whole ones."""
        config = scalable_config(**self.changes)
        unit = UnitOverFrozenMemory(config) if self.frozen else None
        bench = Scalable(config, self.tables, unit=unit)
        before(bench)
        self.broken(bench)
        return bench

    def attributes(self, column: str) -> Attributes:
        """What is asked for; translation requests are reads (§4.2.1)."""
        address_type, with_pasid = COLUMNS[column]
        kind = READ if address_type is AddressType.TRANSLATION else self.kind
        if not with_pasid:
            return Attributes(kind, address_type)
        return Attributes(kind, address_type, self.pasid, self.privileged, self.execute)

    def asked(self, column: str) -> int:
        """The address asked for."""
        if self.address is not None:
            return self.address
        return (HOST if column.startswith("td") else IOVA) + 0x128

    @property
    def label(self) -> str:
        """A name that tells this way from the others into the same condition."""
        return f"{self.condition.name}-{self.tables.name.lower()}"


def _freeze(bench: Scalable, *addresses: int | None) -> None:
    unit = bench.unit
    assert isinstance(unit, UnitOverFrozenMemory)
    unit.memory.frozen.update(address for address in addresses if address is not None)


def _deny(bench: Scalable, guest: int, **rights: int) -> None:
    bench.change_second(1, guest, **rights)


def _permissions(bench: Scalable, layout: type[HptL3e | HptL4e], **fields: int) -> None:
    """Rewrite an entry of the host permission table: of its top, or of what that points to."""
    top = HptL4e.from_bytes(bench.platform.read(bench.permissions, 16))
    address = bench.permissions if layout is HptL4e else top.ADDR_address
    bench.put_entry(address, layout, **fields)


_CONTEXT: Final = (
    Case(
        Condition.SRT_1,
        lambda bench: bench.latch_root(BEYOND_RAM, TTM=TableMode.SCALABLE),
    ),
    Case(Condition.SRT_2, lambda bench: bench.change_root(LP=0)),
    Case(Condition.SRT_3, lambda bench: bench.change_root(RSVD_11_1=1)),
    Case(Condition.SCT_1, lambda bench: bench.change_root(LCTP_address=BEYOND_RAM)),
    Case(Condition.SCT_2, lambda bench: bench.change_context(P=0)),
    Case(Condition.SCT_3, lambda bench: bench.change_context(RSVD_8_7=1)),
    Case(Condition.SCT_4_1, lambda bench: bench.change_context(DTE=0, PRE=1)),
    Case(Condition.SCT_4_2, lambda bench: bench.change_context(RID_PASID=OUTSIDE_DIRECTORY)),
    Case(Condition.SCT_4_3, lambda bench: bench.change_context(PASIDE=0)),
    Case(Condition.SCT_5, lambda bench: bench.change_context(DTE=0, PRE=0)),
    Case(Condition.SCT_6, lambda bench: bench.change_context(PASIDE=0, EPTR=0)),
    Case(Condition.SCT_7, pasid=OUTSIDE_DIRECTORY),
    Case(Condition.SCT_9, pasid=RID_PASID),
    Case(Condition.SCT_10, lambda bench: bench.change_context(EPTR=0)),
    Case(Condition.SGN_10, pasid=1 << 10, changes={"PSS": 9}),
    Case(Condition.RTA_5, execute=True, changes={"version": 0x80}),
)

_PASID_ENTRIES: Final = (
    Case(Condition.SPD_1, lambda bench: bench.change_context(PASIDDIRPTR_address=BEYOND_RAM)),
    Case(Condition.SPD_2, lambda bench: bench.change_directory(P=0)),
    Case(Condition.SPD_3, lambda bench: bench.change_directory(RSVD_11_2=1)),
    Case(Condition.SPT_1, lambda bench: bench.change_directory(SMPTBLPTR_address=BEYOND_RAM)),
    Case(Condition.SPT_2, lambda bench: bench.change_entry(P=0)),
    Case(Condition.SPT_3, lambda bench: bench.change_entry(RSVD_95_91=1)),
    Case(Condition.SPT_4_1, lambda bench: bench.change_entry(AW=3)),
    Case(Condition.SPT_4_1, lambda bench: bench.change_entry(AW=0), NESTED),
    Case(Condition.SPT_4_2, lambda bench: bench.change_entry(PGTT=0)),
    Case(Condition.SPT_4_2, lambda bench: bench.change_entry(PGTT=5), FIRST),
    Case(Condition.SPT_4_2, tables=NESTED, changes={"NEST": 0}),
    Case(Condition.SPT_4_2, tables=THROUGH, changes={"PT": 0}),
    Case(Condition.SPT_4_3, lambda bench: bench.change_entry(FSPM=2), FIRST),
    Case(Condition.SPT_4_3, lambda bench: bench.change_entry(FSPM=1), NESTED),
    Case(
        Condition.SPT_4_4,
        lambda bench: bench.change_entry(FSPTPTR_address=HOST_LIMIT),
        NESTED,
        changes={"host_address_width": 52},
    ),
    Case(Condition.SPT_5, execute=True),
    Case(
        Condition.SPT_6,
        steps(
            lambda bench: bench.change_context(RID_PRIV=1),
            lambda bench: bench.change_entry(SRE=0),
        ),
        privileged=True,
    ),
)

_FIRST_STAGE: Final = (
    *(
        Case(
            Condition.SFS_1,
            lambda bench, level=level: bench.change_first(level, ADDR_address=BEYOND_RAM),  # type: ignore[misc]
            FIRST,
        )
        for level in (2, 4)
    ),
    Case(Condition.SFS_2, lambda bench: bench.change_first(1, P=0), FIRST),
    Case(Condition.SFS_2, lambda bench: bench.change_first(3, P=0), NESTED),
    Case(Condition.SFS_3, lambda bench: bench.change_first(4, RSVD_7_7=1), FIRST),
    Case(Condition.SFS_3, lambda bench: bench.change_first(1, ADDR_address=HOST_LIMIT), FIRST),
    Case(Condition.SFS_3, lambda bench: bench.change_first(4, RSVD_7_7=1), NESTED),
    Case(Condition.SFS_4, lambda bench: bench.change_entry(FSPTPTR_address=BEYOND_RAM), FIRST),
    *(
        Case(
            Condition.SFS_5,
            lambda bench, level=level: bench.change_first(level, ADDR_address=HOST_LIMIT),  # type: ignore[misc]
            NESTED,
            changes={"host_address_width": 52},
        )
        for level in (1, 3)
    ),
    Case(Condition.SFS_6, lambda bench: _deny(bench, bench.guest_table(4), R=0), NESTED),
    Case(
        Condition.SFS_6,
        steps(
            lambda bench: bench.change_entry(SSADE=1),
            lambda bench: _deny(bench, bench.guest_table(4), W=0),
        ),
        NESTED,
    ),
    Case(Condition.SFS_7, lambda bench: _deny(bench, bench.guest_table(2), R=0), NESTED),
    Case(Condition.SFS_8, lambda bench: _deny(bench, bench.guest_table(1), W=0), NESTED),
    Case(Condition.SFS_8, lambda bench: _deny(bench, bench.guest_table(3), W=0), NESTED),
    Case(Condition.SFS_9, tables=FIRST, changes=WITHOUT_SNOOPED_WALKS),
    Case(Condition.SFS_9, lambda bench: bench.change_entry(PWSNP=0), NESTED),
    *(
        Case(
            Condition.SFS_10,
            lambda bench, level=level: _freeze(bench, bench.first.entry_address(IOVA, level)),  # type: ignore[misc]
            FIRST,
            frozen=True,
        )
        for level in (1, 4)
    ),
    Case(Condition.SGN_1, tables=FIRST, address=1 << 47),
    Case(Condition.SGN_1, tables=NESTED, address=0xFFFF_0000_0000_0000),
    Case(Condition.SGN_2, lambda bench: bench.change_first(1, US=0), FIRST),
    Case(Condition.SGN_2, lambda bench: bench.change_first(3, US=0), NESTED),
)

_SECOND_STAGE: Final = (
    Case(Condition.SSS_1, lambda bench: bench.change_second(3, ADDR_address=BEYOND_RAM)),
    Case(Condition.SSS_1, lambda bench: bench.change_second(2, ADDR_address=BEYOND_RAM), NESTED),
    Case(Condition.SSS_2, lambda bench: bench.change_second(1, R=0, W=0)),
    Case(
        Condition.SSS_2,
        steps(
            lambda bench: bench.change_second(3, R=0),
            lambda bench: bench.change_second(1, W=0),
        ),
    ),
    Case(Condition.SSS_2, lambda bench: bench.change_second(1, R=0, W=0), NESTED),
    Case(Condition.SSS_3, lambda bench: bench.change_second(3, RSVD_11_11=1)),
    Case(Condition.SSS_3, lambda bench: bench.change_second(1, IW=1), NESTED),
    Case(Condition.SSS_4, lambda bench: bench.change_entry(SSPTPTR_address=BEYOND_RAM)),
    Case(Condition.SSS_4, lambda bench: bench.change_entry(SSPTPTR_address=BEYOND_RAM), NESTED),
    Case(Condition.SSS_5, lambda bench: bench.change_entry(SSADE=1, PWSNP=0)),
    Case(
        Condition.SSS_6,
        steps(
            lambda bench: bench.change_entry(SSADE=1),
            lambda bench: _freeze(bench, bench.second.entry_address(IOVA, 1)),
        ),
        frozen=True,
    ),
    Case(Condition.SGN_5, address=HOST_LIMIT),
)

# A page that may only be read is no fault to a translation request: it takes what there is.
_RIGHTS: Final = tuple(
    Case(condition, broken, tables, "ut ut_pasid", kind=kind)
    for condition, tables, kind, broken in (
        (Condition.SGN_6, SECOND, WRITE, lambda bench: bench.change_second(1, W=0)),
        (Condition.SGN_6, SECOND, ATOMIC, lambda bench: bench.change_second(3, W=0)),
        (Condition.SGN_6, FIRST, WRITE, lambda bench: bench.change_first(1, RW=0)),
        (Condition.SGN_6, NESTED, ATOMIC, lambda bench: bench.change_first(4, RW=0)),
        (Condition.SGN_6, NESTED, WRITE, lambda bench: bench.change_second(1, W=0)),
        (Condition.SGN_7, SECOND, READ, lambda bench: bench.change_second(1, R=0)),
        (Condition.SGN_7, SECOND, ATOMIC, lambda bench: bench.change_second(2, R=0)),
        (Condition.SGN_7, NESTED, READ, lambda bench: bench.change_second(1, R=0)),
    )
)

_OUTPUT: Final = (
    Case(Condition.SGN_4_1, address=HOST_LIMIT),
    Case(Condition.SGN_4_2, tables=THROUGH, address=HOST_LIMIT),
    Case(Condition.SGN_8_1, lambda bench: bench.change_second(1, ADDR_address=WINDOW)),
    Case(Condition.SGN_8_1, lambda bench: bench.change_first(1, ADDR_address=WINDOW), FIRST),
    Case(Condition.SGN_8_1, lambda bench: bench.change_second(1, ADDR_address=WINDOW), NESTED),
    Case(Condition.SGN_8_1, nothing, THROUGH, "ut_pasid", address=WINDOW),
    Case(Condition.SGN_8_2, lambda bench: bench.change_second(1, ADDR_address=WINDOW)),
    Case(Condition.SGN_8_2, lambda bench: bench.change_first(1, ADDR_address=WINDOW), FIRST),
    Case(Condition.SGN_8_2, lambda bench: bench.change_second(1, ADDR_address=WINDOW), NESTED),
    Case(Condition.SGN_8_3, address=WINDOW),
)

_HOST_PERMISSIONS: Final = (
    Case(Condition.SPT_9, address=1 << 49, changes={"host_address_width": 52}),
    Case(Condition.HPT_1, lambda bench: _permissions(bench, HptL4e, AV=1, ADDR_address=BEYOND_RAM)),
    Case(Condition.HPT_1, lambda bench: _permissions(bench, HptL3e, AV=1, ADDR_address=BEYOND_RAM)),
    Case(Condition.HPT_2, lambda bench: _permissions(bench, HptL4e, AV=1, RSVD_63_0=1)),
    Case(Condition.HPT_2, lambda bench: _permissions(bench, HptL3e, PP0_7=0x4)),
    Case(Condition.HPT_3, lambda bench: bench.change_entry(HPTPTR_address=BEYOND_RAM)),
    Case(Condition.HPT_4, lambda bench: _permissions(bench, HptL3e, PP0_7=0), size=0),
    Case(Condition.HPT_5, lambda bench: _permissions(bench, HptL3e, PP0_7=0x1), kind=WRITE),
    Case(Condition.HPT_5, lambda bench: _permissions(bench, HptL4e, AV=0), kind=ATOMIC),
    Case(Condition.HPT_6, lambda bench: _permissions(bench, HptL3e, PP0_7=0x2)),
    Case(Condition.HPT_6, lambda bench: _permissions(bench, HptL3e, PP0_7=0x2), kind=ATOMIC),
    Case(
        Condition.HPT_6,
        lambda bench: _permissions(bench, HptL3e, PP0_7=0x2),
        size=0,
        changes={"ZLR": 0},
    ),
)

CASES: Final = (
    *_CONTEXT,
    *_PASID_ENTRIES,
    *_FIRST_STAGE,
    *_SECOND_STAGE,
    *_RIGHTS,
    *_OUTPUT,
    *_HOST_PERMISSIONS,
)

_BEFORE_THE_DIRECTORY: Final = ("SCT", "SGN.10", "SGN.4.1", "SGN.8.3")


def entries_read(condition: Condition) -> tuple[str, ...]:
    """The entries with an FPD bit that have been read when a condition is met."""
    name = condition.name
    if name.startswith(("SRT", "RTA")) or name == "SCT.1":
        return ()
    if name.startswith(_BEFORE_THE_DIRECTORY):
        return ("context",)
    if name == "SPD.1":
        return ("context",)
    if name.startswith("SPD") or name == "SPT.1":
        return ("context", "directory")
    return ("context", "directory", "entry")
