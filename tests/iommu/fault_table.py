"""The table of `docs/faults.md`: every fault condition, and the test that provokes it.

A test says so by the marker `provokes`, on itself or on some of its parameters. Run this module to
make the page: ``python -m tests.iommu.fault_table > docs/faults.md``.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from vtd_plugin.encodings.codes import QueueError
from vtd_plugin.encodings.faults import Condition

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER: Final = Path(__file__).parent

_COLLECT: Final = "--collect-only --assert=plain -o addopts= -p no:terminal -p no:cacheprovider"

MARKER: Final = "provokes"

NEVER_REPORTED: Final = frozenset(
    condition.name for condition in Condition if not condition.value.section
)
"""Conditions that older revisions named and the current one does not have."""

_INTRODUCTION: Final = """\
# Fault conditions

Every reason for which a unit refuses a request, as the architecture names it; several may share
one code of the fault record. *Qualified* faults are not recorded where an entry that was read has
fault processing disabled (FPD). The answers are what the requester is told: `UR` unsupported
request, `CA` completer abort, `S0` success without any right, `Seff` success with the rights there
are, `IR` invalid request, `drop` nothing. Where a request with PASID is answered otherwise than one
without, both stand there, first the one without; `-` is a case that cannot be. `S0` and `Seff` are
no recorded faults, but for SFS.10.

The last column names a test that brings the condition about and checks code, answer and record:
`pytest 'tests/iommu/...'` runs it. This page is made by `python -m tests.iommu.fault_table`.
"""

_QUEUE: Final = """\
## Errors of the invalidation queue

The code stands in IQERCD.IQEI once FSTS.IQE is set; the head stays at the descriptor.
"""

_SECTIONS: Final = (
    ("both", "Root table modes"),
    ("legacy", "Legacy mode"),
    ("scalable", "Scalable mode"),
    ("ir", "Interrupt requests"),
)

_PAIRS: Final = (("ut", "ut_pasid"), ("tr", "tr_pasid"), ("td", "td_pasid"))


class _Collector:
    """Keeps the tests that pytest collects."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


@cache
def provoking_tests() -> dict[str, list[str]]:
    """The tests that provoke each condition, as pytest names them, by its name."""
    collector = _Collector()
    pytest.main([*_COLLECT.split(), str(_FOLDER)], plugins=[collector])
    found: dict[str, list[str]] = {}
    for item in sorted(collector.items, key=_faults_first):
        for mark in item.iter_markers(MARKER):
            for name in mark.args:
                found.setdefault(name, []).append(item.nodeid)
    return found


def _faults_first(item: pytest.Item) -> tuple[bool, str]:
    return not item.path.stem.endswith(("faults", "errors")), item.path.stem


def page() -> str:
    """The page."""
    found = provoking_tests()
    parts = [_INTRODUCTION]
    for mode, title in _SECTIONS:
        rows = [
            _condition_row(condition, found)
            for condition in Condition
            if condition.value.mode == mode and condition.name not in NEVER_REPORTED
        ]
        parts.append(f"\n## {title}\n\n{_HEADER}" + "".join(rows))
    parts.append(f"\n{_QUEUE}\n{_QUEUE_HEADER}" + "".join(_queue_rows(found)))
    return "".join(parts)


_HEADER: Final = (
    "| condition | code | qualified | meaning | untranslated | translation | translated "
    "| page request | provoked by |\n|---|---|---|---|---|---|---|---|---|\n"
)
_QUEUE_HEADER: Final = "| error | code | meaning | provoked by |\n|---|---|---|---|\n"


def _condition_row(condition: Condition, found: dict[str, list[str]]) -> str:
    answers = condition.answer_columns
    cells = [_both(answers[without], answers[with_pasid]) for without, with_pasid in _PAIRS]
    return _row(
        condition.name,
        f"0x{condition.code:02X}",
        "yes" if condition.qualified else "no",
        condition.text,
        *cells,
        _both(answers["pr_resp"], answers["pr_noresp"]),
        _test_cell(found.get(condition.name, [])),
    )


def _queue_rows(found: dict[str, list[str]]) -> Iterator[str]:
    for error in QueueError:
        if error is not QueueError.NO_INFO:
            test = _test_cell(found.get(error.name, []))
            yield _row(error.name, f"0x{error:X}", error.meaning, test)


def _both(one: str, other: str) -> str:
    if one == other:
        return "-" if one == "NA" else one
    return " / ".join("-" if answer == "NA" else answer for answer in (one, other))


def _test_cell(names: list[str]) -> str:
    return f"`{names[0]}`" if names else ""


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
