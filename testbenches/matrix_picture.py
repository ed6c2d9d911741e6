"""The reset matrix as a picture: a row for each trigger, a column for each moment of a burst."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from testbenches.cells import ORDERS, Cell, cells
from testbenches.moments import Direction, Moment
from testbenches.triggers import OF_ONE_MASTER, RESETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testbenches.matrix_results import Results

LABELS: Final = 250
CELL: Final = 46
ROW: Final = 26
HEAD: Final = 78
GAP: Final = 26
MARGIN: Final = 16

COLUMNS: Final = [
    (moment, direction)
    for moment in Moment
    for direction in (("",) if moment is Moment.IDLE else tuple(Direction))
]
ROWS: Final = [
    (trigger, order)
    for trigger in OF_ONE_MASTER
    for order in (ORDERS if trigger in RESETS else ("",))
]

STYLE: Final = """
text { font: 12px ui-sans-serif, "DejaVu Sans", Helvetica, sans-serif; fill: #24292f }
.title { font-weight: bold }
.small { font-size: 10.5px; fill: #57606a }
.passed { fill: #2da44e } .failed { fill: #cf222e } .none { fill: #eaeef2 }
.mark { fill: #ffffff; font-size: 11px; text-anchor: middle }
.middle { text-anchor: middle }
"""


def draw(results: Sequence[Results]) -> str:
    """An SVG picture of what was found.

    Args:
        results: What was found, simulator by simulator.
    """
    panel = len(COLUMNS) * CELL
    width = 2 * MARGIN + LABELS + len(results) * (panel + GAP)
    height = 2 * MARGIN + HEAD + len(ROWS) * ROW + 46
    body = [*_labels()]
    for index, each in enumerate(results):
        body += _panel(each, MARGIN + LABELS + index * (panel + GAP))
    body += _legend(MARGIN + HEAD + len(ROWS) * ROW + 30)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">\n<style>{STYLE}</style>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _y(row: int) -> int:
    return MARGIN + HEAD + row * ROW


def _labels() -> Iterator[str]:
    for row, (trigger, order) in enumerate(ROWS):
        label = f"{trigger}, {order.replace('-', ' ')}" if order else trigger
        yield f'<text x="{MARGIN}" y="{_y(row) + 17}">{escape(label)}</text>'


def _panel(results: Results, left: int) -> Iterator[str]:
    passed, total = len(results.checked), len(results.checked) + len(results.failed)
    title = f"{results.simulator}: {passed} of {total} passed"
    yield f'<text class="title" x="{left}" y="{MARGIN + 14}">{escape(title)}</text>'
    yield from _heads(left)
    planned = frozenset(cell for memory in results.memories for cell in cells(memory))
    for (row, (trigger, order)), (column, (moment, direction)) in product(
        enumerate(ROWS), enumerate(COLUMNS)
    ):
        every = [Cell(trigger, order, moment, direction, each) for each in results.memories]
        found = [cell for cell in every if cell in planned]
        yield from _cell(left + column * CELL, _y(row), found, results)


def _heads(left: int) -> Iterator[str]:
    x = left
    for moment in Moment:
        directions = [direction for each, direction in COLUMNS if each is moment]
        middle = x + len(directions) * CELL / 2
        for line, word in enumerate(moment.split()):
            y = MARGIN + 36 + 13 * line
            yield f'<text class="middle" x="{middle}" y="{y}">{word}</text>'
        for direction in directions:
            y = MARGIN + HEAD - 8
            yield f'<text class="small middle" x="{x + CELL / 2}" y="{y}">{direction}</text>'
            x += CELL


def _cell(x: int, y: int, found: Sequence[Cell], results: Results) -> Iterator[str]:
    """A box for each memory side by side; a grey one for a case that there is not."""
    if not found:
        yield f'<rect class="none" x="{x + 2}" y="{y + 2}" width="{CELL - 4}" height="{ROW - 4}"/>'
        return
    width = (CELL - 4) / len(found)
    for index, cell in enumerate(found):
        passed = cell in results.checked
        left = x + 2 + index * width
        why = "passed" if passed else results.failed.get(cell, "did not run")
        yield (
            f'<rect class="{"passed" if passed else "failed"}" x="{left}" y="{y + 2}" '
            f'width="{width - 1}" height="{ROW - 4}">'
            f"<title>{escape(f'{cell.name}: {why}')}</title></rect>"
        )
        middle = left + (width - 1) / 2
        yield f'<text class="mark" x="{middle}" y="{y + 17}">{"✓" if passed else "✗"}</text>'


def _legend(y: int) -> Iterator[str]:
    text = (
        "Boxes from left to right: an AxiRam of cocotbext-axi with a port behind it; our "
        "AxiMemory, which alone has walks that take time; the native memory, for Verilator. "
        "Grey: memory that is not remapped is not walked for."
    )
    yield f'<text class="small" x="{MARGIN}" y="{y}">{text}</text>'
