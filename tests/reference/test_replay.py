"""The walker against the recorded cases: what it says of each DMA is what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.reference.replay import replay

RECORDED: Final = Path(__file__).parents[1] / "vectors"
BEYOND_THE_WALKER: Final = ("interrupts", "queue")
"""Cases about interrupt remapping, and about queues that stop."""
CASES: Final = sorted(
    path for path in RECORDED.rglob("*.jsonl") if path.parent.name not in BEYOND_THE_WALKER
)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_the_walker_agrees_with_what_was_recorded(case: Path) -> None:
    assert replay(case).mismatches == []


def test_recorded_cases_are_checked_by_the_thousand() -> None:
    assert sum(replay(case).checks for case in CASES) > 5000
