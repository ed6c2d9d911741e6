"""The page about the reset matrix, with the figures of the run that it was written by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbenches.matrix_results import Results

_PAGE: Final = """\
# The reset matrix

Everything that makes a unit change where addresses lead, at every moment of a burst of a DMA master
in RTL (`sg_dma`), in two HDL simulators, with each memory there is for it: three on Verilator, two
on Icarus. Written by `python -m testbenches.matrix`, which runs all of it again.

![Triggers by moments of a burst, for each simulator](images/reset-matrix.svg)

| simulator | cells | passed | bursts before the trigger | bursts after it | memory compared |
|---|---|---|---|---|---|
{rows}

Each cell starts from random RAM, random pages and a random place in a chain of copies; the seed was
{seed}. The master is held at the moment on the wires, then the trigger comes, and 20 cycles later
the master may go on.

**Of every cell** all of RAM is compared at the end, tables and queue included: every byte that DMA
wrote is where the tables led when its burst began, and no other byte has changed. Where addresses
lead the testbench knows from what it has told software to do, not from the unit. The unit recorded
no fault, and the RTL kept the rules of AXI.

**Of a command** (TE, SRTP, invalidations): its completion, in GSTS, IOTLB or the status of a wait,
is watched at every clock cycle. It shows exactly when the last burst that was in flight has ended,
not a cycle earlier. Bursts that begin after the command go by the new tables at once. The chain of
copies then ends as if nothing had happened, and another one runs.

**Of a reset**: bursts are cut off between two beats, and what they had not written stays as it was.
Where the unit is reset first, the master goes on for up to 20 cycles and reaches memory
untranslated. Afterwards firmware's DMA, which knows no IOMMU, works; then software brings the unit
back with the tables that are still in memory, and DMA goes by them again.

| moment | the master is held with |
|---|---|
| idle | nothing asked for |
| address phase | AxVALID high, AxREADY low: the burst has not begun |
| data phase | some beats moved, not the last |
| response pending | a read without its first data, a write without its response |
| walk pending | a burst begun, its translation not at hand: memory answers 80 cycles later |

What each cell checked is in [reset-matrix.json](reset-matrix.json).

## Running it

`python -m testbenches.matrix`, or `make matrix`, runs every cell with one seed. Under pytest a seed
runs every fifth cell of each memory on each simulator, and five seeds in a row run all of them:

```sh
pytest testbenches -k matrix                       # seed 1: the second cell, the seventh, ...
pytest testbenches -k matrix --seeds 5             # seeds 1 to 5: every cell
pytest testbenches -k "matrix and icarus-AxiRam" --seeds 5 --waves build/waves
```
"""


def page(results: Sequence[Results]) -> str:
    """The page, in Markdown.

    Args:
        results: What was found, simulator by simulator.
    """
    seeds = sorted({each.seed for each in results})
    return _PAGE.format(
        rows="\n".join(map(_row, results)), seed=", ".join(str(seed) for seed in seeds)
    )


def _row(results: Results) -> str:
    records = results.checked.values()
    figures = (
        len(results.checked) + len(results.failed),
        len(results.checked),
        sum(record["before"] for record in records),
        sum(record["after"] for record in records),
    )
    cells = " | ".join(f"{figure:,}" for figure in figures)
    return f"| {results.simulator} | {cells} | {results.bytes_compared / 2**20:,.0f} MiB |"
