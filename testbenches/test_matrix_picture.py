"""The picture of the reset matrix says nothing that no run has checked."""

from __future__ import annotations

from typing import Any

from hdl_bridge.simulation import TestOutcome
from testbenches.cells import Cell, Checked, cells
from testbenches.matrix import judge
from testbenches.matrix_page import page
from testbenches.matrix_picture import draw
from testbenches.memory_side import Memory

PLANNED = {memory: list(cells(memory)) for memory in Memory}
ALL = [cell for planned in PLANNED.values() for cell in planned]


def record(cell: Cell) -> dict[str, Any]:
    return Checked(cell, 3, 4, waited=True, bytes_compared=1 << 20).record()


def first(*outcomes: TestOutcome) -> dict[Memory, list[TestOutcome]]:
    """How the tests of the first memory ended; of the others none ran."""
    return {memory: list(outcomes) if not index else [] for index, memory in enumerate(PLANNED)}


def outcome(cell: Cell, *, passed: bool = True) -> TestOutcome:
    name = f"testbenches.cocotb_matrix.{cell.test}"
    return TestOutcome(name, passed, "" if passed else "late", 0.1)


def test_a_cell_is_passed_only_if_its_test_passed_and_left_a_record() -> None:
    outcomes = first(outcome(ALL[0]), outcome(ALL[1], passed=False), outcome(ALL[2]))
    results = judge("some simulator", 1, outcomes, [record(ALL[0]), record(ALL[1])])
    assert list(results.checked) == [ALL[0]]
    assert results.failed[ALL[1]] == "late"
    assert results.failed[ALL[2]] == "left no record"
    assert results.failed[ALL[3]] == "did not run"
    assert len(results.failed) == len(ALL) - 1


def test_the_picture_has_a_box_for_every_cell() -> None:
    results = judge("some simulator", 1, first(outcome(ALL[0])), [record(ALL[0])])
    picture = draw([results])
    assert picture.count('class="passed"') == 1
    assert picture.count('class="failed"') == len(ALL) - 1
    assert picture.count('class="none"') == 2  # no walk before translation is on
    assert f"1 of {len(ALL)} passed" in picture


def test_the_page_adds_up_what_was_checked() -> None:
    records = [record(cell) for cell in ALL]
    outcomes = {memory: [*map(outcome, planned)] for memory, planned in PLANNED.items()}
    results = judge("some simulator", 7, outcomes, records)
    count = len(ALL)
    row = f"| some simulator | {count} | {count} | {3 * count} | {4 * count:,} | {count} MiB |"
    assert row in page([results])
