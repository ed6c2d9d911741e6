"""Every recorded case, replayed on a fresh unit. `README.md` describes cases and format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from vtd_plugin.inspect.replay import replay

FOLDER: Final = Path(__file__).parent
CASES: Final = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.jsonl"))


@pytest.mark.parametrize("case", CASES, ids=[case.removesuffix(".jsonl") for case in CASES])
def test_a_recorded_case_comes_out_as_it_did(case: str) -> None:
    outcome = replay(FOLDER / case)
    assert outcome.steps > 0
    assert not outcome.mismatches, "\n".join(map(str, outcome.mismatches[:5]))
