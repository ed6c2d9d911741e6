"""The rows of the fault tables, and the shorthand in which `faults` writes them (section 7.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ANSWER_COLUMNS: Final = (
    "ut",
    "ut_pasid",
    "tr",
    "tr_pasid",
    "td",
    "td_pasid",
    "pr_resp",
    "pr_noresp",
)
"""Kinds of request: untranslated, translation (ATS) and translated, each without and with PASID;
page request that wants a response, and one that does not."""


@dataclass(frozen=True, slots=True)
class FaultCondition:
    """One row of the fault tables.

    The answers are `UR` (unsupported request), `CA` (completer abort), `S0` (success without
    rights), `Seff` (success with the rights there are), `IR` (invalid request response), `drop`,
    or `NA` (cannot happen). `S0` and `Seff` are recoverable, and such a fault is not recorded.

    Attributes:
        code: Fault reason, as in FRCD.FR.
        name: The architecture's name of the condition.
        mode: `legacy`, `scalable`, `both`, or `ir` for interrupts.
        kind: `DMA` or `interrupt`.
        qualified: Whether FPD of the entries that were read suppresses the fault.
        condition: The cause.
        ut: Answer to an untranslated request without PASID.
        ut_pasid: Answer to an untranslated request with PASID.
        tr: Answer to a translation request without PASID.
        tr_pasid: Answer to a translation request with PASID.
        td: Answer to a translated request without PASID.
        td_pasid: Answer to a translated request with PASID.
        pr_resp: Answer to a page request that wants a response.
        pr_noresp: Answer to a page request that wants none.
        note: What a reader should know beyond that; mostly empty.
        section: Section of revision 5.10; empty: not in that revision.
    """

    code: int
    name: str
    mode: str
    kind: str
    qualified: bool
    condition: str
    ut: str
    ut_pasid: str
    tr: str
    tr_pasid: str
    td: str
    td_pasid: str
    pr_resp: str
    pr_noresp: str
    note: str
    section: str


class Table:
    """Makes the rows of one fault table; `answers` are those of the eight columns, in order."""

    __slots__ = ("_kind", "_mode", "_section")

    def __init__(self, mode: str, kind: str, section: str) -> None:
        self._mode, self._kind, self._section = mode, kind, section

    def __call__(
        self,
        code: int,
        name: str,
        answers: str,
        condition: str,
        *,
        qualified: bool = True,
        note: str = "",
        section: str | None = None,
    ) -> FaultCondition:
        section = self._section if section is None else section
        by_column = dict(zip(ANSWER_COLUMNS, answers.split(), strict=True))
        return FaultCondition(
            code,
            name,
            self._mode,
            self._kind,
            qualified,
            condition,
            note=note,
            section=section,
            **by_column,
        )


legacy: Final = Table("legacy", "DMA", "7.1.3")
scalable: Final = Table("scalable", "DMA", "7.1.3")
either: Final = Table("both", "DMA", "7.1.3")
_interrupts: Final = Table("ir", "interrupt", "5.1.4.1")


def interrupt(
    code: int, name: str, condition: str, *, qualified: bool = True, note: str = ""
) -> FaultCondition:
    """Make a row of the interrupt table.

    An interrupt request is an untranslated write without PASID: no other column can happen.
    """
    answers = "UR NA NA NA NA NA NA NA"
    return _interrupts(code, name, answers, condition, qualified=qualified, note=note)
