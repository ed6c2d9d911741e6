"""Every recorded case, replayed on a fresh unit. `README.md` describes cases and format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from vtd_plugin.inspect.replay import replay

FOLDER: Final = Path(__file__).parent

AWAITED: Final = {
    "scalable mode": ("scalable/", "scalable-faults/", "-sm-", "-fs-", "first-stage"),
    "interrupt remapping": ("interrupts/",),
}
"""What the unit cannot do yet, and the parts of the names of the cases that need it.

A case that is listed here and passes counts as a failure, so that the list shrinks.
"""


def _cases() -> list[object]:
    return [_case(path.relative_to(FOLDER).as_posix()) for path in sorted(FOLDER.rglob("*.jsonl"))]


def _case(name: str) -> object:
    marks = [
        pytest.mark.xfail(reason=f"needs {ability}", strict=True)
        for ability, parts in AWAITED.items()
        if any(part in name for part in parts)
    ]
    return pytest.param(name, id=name.removesuffix(".jsonl"), marks=marks)


@pytest.mark.parametrize("case", _cases())
def test_a_recorded_case_comes_out_as_it_did(case: str) -> None:
    outcome = replay(FOLDER / case)
    assert outcome.steps > 0
    assert not outcome.mismatches, "\n".join(map(str, outcome.mismatches[:5]))
