"""Runs the whole reset matrix and writes what it found: JSON, a picture and a page around it.

`python -m testbenches.matrix` runs every cell on every simulator there is, which takes minutes,
and writes into ``docs/``. A cell is passed only if its test passed and left a record of what it
checked.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hdl_bridge.simulation import SimulationFailed
from hdl_bridge.simulators import available
from testbenches.cells import Cell, cells
from testbenches.matrix_page import page
from testbenches.matrix_picture import draw
from testbenches.matrix_results import RESULTS, Results
from testbenches.setups import Setup, setups

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hdl_bridge.simulation import TestOutcome
    from testbenches.memory_side import Memory

_LONGEST_RUN: Final = 3600.0


def main(arguments: Sequence[str]) -> int:
    """Run the matrix; 1 if a cell failed."""
    parser = argparse.ArgumentParser(prog="python -m testbenches.matrix", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where to write")
    options = parser.parse_args(arguments)
    results = []
    for simulator in available():
        sys.stderr.write(f"running the matrix on {simulator}\n")
        here = [setup for setup in setups("sg_dma") if setup.simulator == simulator]
        results.append(run_matrix(here, options.seed))
    write(results, options.docs)
    for each in results:
        for cell, why in each.failed.items():
            sys.stderr.write(f"{each.simulator}: {cell.name}: {why}\n")
    return int(any(each.failed for each in results))


def run_matrix(here: Sequence[Setup], seed: int) -> Results:
    """Run all cells on one simulator, with each memory that there is for it."""
    with tempfile.TemporaryDirectory(prefix="vtd-matrix-") as folder:
        path = Path(folder) / "checked.jsonl"
        outcomes = {setup.memory: _run_cells(setup, seed, path) for setup in here}
        lines = path.read_text().splitlines() if path.exists() else []
    return judge(str(here[0].simulator), seed, outcomes, [json.loads(line) for line in lines])


def _run_cells(setup: Setup, seed: int, path: Path) -> Sequence[TestOutcome]:
    try:
        return setup.run("cocotb_matrix", seed=seed, env={RESULTS: str(path)}, timeout=_LONGEST_RUN)
    except SimulationFailed as failure:
        return failure.outcomes


def judge(
    simulator: str,
    seed: int,
    outcomes: Mapping[Memory, Sequence[TestOutcome]],
    records: Sequence[dict[str, Any]],
) -> Results:
    """Put together what tests say of themselves and what they recorded.

    Args:
        simulator: Where they ran.
        seed: With which seed.
        outcomes: How the tests of each memory ended.
        records: What they left behind.
    """
    recorded = {Cell(**record["cell"]): record for record in records}
    checked: dict[Cell, dict[str, Any]] = {}
    failed: dict[Cell, str] = {}
    for memory, ended in outcomes.items():
        by_test = {each.name.rpartition(".")[2]: each for each in ended}
        for cell in cells(memory):
            outcome = by_test.get(cell.test)
            if outcome is None:
                failed[cell] = "did not run"
            elif not outcome.passed:
                failed[cell] = outcome.message
            elif cell not in recorded:
                failed[cell] = "left no record"
            else:
                checked[cell] = recorded[cell]
    return Results(simulator, seed, tuple(outcomes), checked, failed)


def write(results: Sequence[Results], docs: Path) -> None:
    """Write JSON, picture and page.

    Args:
        results: What was found, simulator by simulator.
        docs: The folder of the documentation.
    """
    document = [
        {
            "simulator": each.simulator,
            "seed": each.seed,
            "passed": list(each.checked.values()),
            "failed": [{"cell": cell.name, "why": why} for cell, why in each.failed.items()],
        }
        for each in results
    ]
    (docs / "images").mkdir(parents=True, exist_ok=True)
    (docs / "images" / "reset-matrix.svg").write_text(draw(results))
    (docs / "reset-matrix.md").write_text(page(results))
    lines = json.dumps(document).replace('{"cell"', '\n{"cell"')
    (docs / "reset-matrix.json").write_text(lines + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
