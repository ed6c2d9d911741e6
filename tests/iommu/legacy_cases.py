"""One way into each fault condition of legacy mode: what to break, and which address to ask for.

The tables are broken as software would break them, with one exception that the architecture makes:
FPD stays in every context entry, so that the same case serves with fault processing off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.iommu.bench import BEYOND_RAM, IOVA, SOURCE, Mapped, leaf
from vtd_plugin import VtdConfig
from vtd_plugin.bus import AddressType, Answer, Attributes, RequestKind
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.registers import RTADDR
from vtd_plugin.encodings.structures import SsPdeTable
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable

HOST_LIMIT: Final = 1 << 48
WINDOW: Final = 0xFEE0_0000

READ: Final = RequestKind.READ
WRITE: Final = RequestKind.WRITE
ATOMIC: Final = RequestKind.ATOMIC

COLUMNS: Final = {
    "ut": AddressType.UNTRANSLATED,
    "tr": AddressType.TRANSLATION,
    "td": AddressType.TRANSLATED,
}
"""The columns of the fault table for requests without PASID."""


def change_context(bench: Mapped, **fields: int) -> None:
    """Change fields of the context entry of `SOURCE`; nothing is invalidated."""
    entry = bench.roots.read_context_entry(SOURCE)
    bench.roots.write_context_entry(SOURCE, entry.replace(**fields))


def change_root(bench: Mapped, **fields: int) -> None:
    """Change fields of the root entry of bus 0."""
    bench.roots.write_root_entry(0, bench.roots.read_root_entry(0).replace(**fields))


def move_root_table(bench: Mapped, address: int) -> None:
    """Let the unit look for the root table elsewhere."""
    bench.registers.write(RTADDR, RTADDR.pack(RTA_address=address))
    bench.commands.run(Command.SET_ROOT_TABLE)


def change_leaf(bench: Mapped, **fields: int) -> None:
    """Change fields of the leaf of `IOVA`."""
    bench.mine.write_entry(IOVA, 1, leaf(0, **fields))


def change_table(bench: Mapped, level: int, **fields: int) -> None:
    """Change fields of the entry of `IOVA` that points to a table."""
    entry = SsPdeTable(bench.mine.read_entry(IOVA, level) or 0)
    bench.mine.write_entry(IOVA, level, entry.replace(**fields))


@dataclass(frozen=True)
class Case:
    """A way into a fault condition.

    Attributes:
        condition: The condition.
        broken: Breaks the standing case, before anything is cached.
        columns: The kinds of request that get there: of `ut`, `tr`, `td`.
        iova: What to ask for.
        kind: How to ask.
    """

    condition: Condition
    broken: Callable[[Mapped], object]
    columns: str = "ut tr"
    iova: int = IOVA + 0x128
    kind: RequestKind = READ

    def bench(self, *, fault_processing_disabled: bool = False) -> Mapped:
        """A unit with device-TLBs whose tables are broken."""
        bench = Mapped(VtdConfig(DT=1))
        change_context(bench, TT=1, FPD=int(fault_processing_disabled))
        self.broken(bench)
        return bench

    def attributes(self, column: str) -> Attributes:
        """What is asked for; translation requests are reads (§4.2.1)."""
        return Attributes(READ if column == "tr" else self.kind, COLUMNS[column])

    def answer(self, column: str) -> Answer:
        """What the fault table has for a kind of request."""
        return Answer(self.condition.answer_columns[column])


CASES: Final = (
    Case(Condition.LRT_1, lambda bench: move_root_table(bench, BEYOND_RAM), "ut tr td"),
    Case(Condition.LRT_2, lambda bench: change_root(bench, P=0), "ut tr td"),
    Case(Condition.LRT_3, lambda bench: change_root(bench, RSVD_11_1=1), "ut tr td"),
    Case(Condition.LCT_1, lambda bench: change_root(bench, CTP_address=BEYOND_RAM), "ut tr td"),
    Case(Condition.LCT_2, lambda bench: change_context(bench, P=0), "ut tr td"),
    Case(Condition.LCT_3, lambda bench: change_context(bench, RSVD_11_4=1), "ut tr td"),
    Case(Condition.LCT_4_1, lambda bench: change_context(bench, AW=3), "ut tr td"),
    Case(Condition.LCT_4_2, lambda bench: change_context(bench, TT=3), "ut tr td"),
    Case(Condition.LCT_4_3, lambda bench: change_context(bench, SSPTPTR_address=BEYOND_RAM)),
    Case(Condition.LCT_5, lambda bench: change_context(bench, TT=0), "tr td"),
    Case(Condition.LGN_1_1, lambda bench: None, iova=1 << 48),
    Case(Condition.LGN_1_2, lambda bench: None, "td", iova=HOST_LIMIT),
    Case(Condition.LGN_1_3, lambda bench: change_context(bench, TT=2), "ut", iova=HOST_LIMIT),
    # A page that may only be read is no fault to a translation request, which takes what there is.
    Case(Condition.LGN_2, lambda bench: change_leaf(bench, W=0), "ut", kind=WRITE),
    Case(Condition.LGN_3, lambda bench: change_leaf(bench, R=0, W=0)),
    Case(Condition.LSS_1, lambda bench: change_table(bench, 3, ADDR_address=BEYOND_RAM)),
    Case(Condition.LSS_2, lambda bench: change_table(bench, 3, RSVD_11_11=1)),
    Case(Condition.LGN_4, lambda bench: change_leaf(bench, ADDR_address=WINDOW)),
    Case(Condition.LGN_4, lambda bench: None, "td", iova=WINDOW),
)

_ROOT_CASES: Final = frozenset({"LRT.1", "LRT.2", "LRT.3", "LCT.1"})
"""Conditions met before a context entry could be read, and with it FPD."""


def suppressible(case: Case) -> bool:
    """Whether FPD of the context entry can be known."""
    return case.condition.name not in _ROOT_CASES
