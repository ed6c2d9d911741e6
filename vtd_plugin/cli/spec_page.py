"""How the tables of `vtd spec` are laid out for people: as a data sheet lays out its registers.

Rows that belong together stand under one heading, which says what they have in common. Columns are
as wide as their content; the last one takes the width that is left and is broken between words.
"""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from vtd_plugin.encodings.spec import Row, Table

_GAP: Final = "  "

_NARROWEST: Final = 24
"""What the last column gets on a terminal that is too narrow for the table."""

_NONE: Final = "NA"
"""The answer to a request that cannot be."""

_ANSWERS: Final = (
    ("ut", "ut", "ut_pasid"),
    ("tr", "tr", "tr_pasid"),
    ("td", "td", "td_pasid"),
    ("pr", "pr_resp", "pr_noresp"),
)
"""Kinds of requests, and the two columns of the answers to each."""

_MODES: Final = {
    "both": "legacy and scalable mode",
    "legacy": "legacy mode",
    "scalable": "scalable mode",
    "ir": "interrupt remapping",
}


class _Layout(NamedTuple):
    """What is printed of a table, and where.

    Attributes:
        common: The columns that rows under one heading have in common.
        heading: The heading over such rows.
        columns: What stands side by side, by title.
        text: Title of the last column.
        parts: What stands in it, each part on lines of its own; an empty one is left out.
        legend: What a reader has to know.
    """

    common: tuple[str, ...]
    heading: Callable[[Sequence[Row]], str]
    columns: Mapping[str, Callable[[Row], str]]
    text: str
    parts: Callable[[Row], Iterable[str]]
    legend: str = ""


def page(table: Table, rows: Sequence[Row], width: int) -> Iterator[Text]:
    """Lay a table out.

    Args:
        table: Which one.
        rows: Its rows.
        width: How long a line may be, in characters.

    Returns:
        The lines, without blanks at their ends.
    """
    layout = _LAYOUTS[table]
    columns = [[title, *map(cell, rows)] for title, cell in layout.columns.items()]
    place = _Place([max(map(len, column)) for column in columns], width)
    yield Text(f"{table}, {len(rows)} rows", "italic")
    yield from map(Text, wrap(layout.legend, width))
    yield Text()
    for line in place.lines(layout.columns, [layout.text]):
        yield Text(line, "bold")
    for _, group in groupby(rows, lambda row: [row[name] for name in layout.common]):
        together = list(group)
        yield Text()
        yield Text(layout.heading(together), "bold")
        for row in together:
            cells = [cell(row) for cell in layout.columns.values()]
            yield from map(Text, place.lines(cells, layout.parts(row)))


class _Place:
    """Where the columns of a table stand."""

    def __init__(self, widths: Sequence[int], width: int) -> None:
        self._widths = widths
        self._indent = sum(widths) + len(_GAP) * (len(widths) + 1)
        self._rest = max(width - self._indent, _NARROWEST)

    def lines(self, cells: Iterable[str], parts: Iterable[str]) -> Iterator[str]:
        """The lines of one row."""
        padded = [cell.ljust(width) for cell, width in zip(cells, self._widths, strict=True)]
        beside = _GAP + "".join(cell + _GAP for cell in padded)
        texts = [line for part in parts for line in wrap(part, self._rest, break_on_hyphens=False)]
        for text in texts or [""]:
            yield (beside + text).rstrip()
            beside = " " * self._indent


def _column(name: str) -> Callable[[Row], str]:
    return lambda row: row[name]


def _bits(row: Row) -> str:
    return row["msb"] if row["msb"] == row["lsb"] else f"{row['msb']}:{row['lsb']}"


def _heading(*facts: str, section: str = "") -> str:
    if section:
        facts += (f"section {section}",)
    return ", ".join(facts)


def _register_heading(rows: Sequence[Row]) -> str:
    first = rows[0]
    section = max(row["section"] for row in rows)  # the rows without one are no longer there
    size = f"{first['width_bits']} bits"
    return _heading(first["register"], f"at {first['offset_hex']}", size, section=section)


def _register_parts(row: Row) -> Iterator[str]:
    yield row["note"]
    if row["requires"]:
        yield f"requires {row['requires']}"
    if not row["section"]:
        yield "not in revision 5.10"


def _structure_heading(rows: Sequence[Row]) -> str:
    first = rows[0]
    size = f"{first['size_bits']} bits"
    return _heading(first["structure"], size, first["modes"], section=first["section"])


def _fault_heading(rows: Sequence[Row]) -> str:
    first = rows[0]
    return _heading(_MODES[first["mode"]], first["kind"], section=first["section"])


def _fault_parts(row: Row) -> Iterator[str]:
    yield row["condition"]
    answers = ((kind, _answer(row[one], row[other])) for kind, one, other in _ANSWERS)
    facts = [f"{kind} {answer}" for kind, answer in answers if answer]
    if row["qualified"] == "yes":
        facts.append("qualified")
    yield ", ".join(facts)
    yield row["note"]


def _answer(one: str, other: str) -> str:
    """Both answers to a kind of request, one if they are the same, none if there is none."""
    if one == other:
        return one.replace(_NONE, "")
    return f"{one} / {other}".replace(_NONE, "-")


_LAYOUTS: Final[Mapping[Table, _Layout]] = {
    "registers": _Layout(
        common=("register", "offset_hex"),
        heading=_register_heading,
        columns={
            "Bits": _bits,
            "Field": _column("field"),
            "Access": _column("access"),
            "Reset": _column("reset"),
        },
        text="Note",
        parts=_register_parts,
        legend="Reset: impl is set by configuration, undef has no reset value. "
        "In what a field requires, ; is and, | is or.",
    ),
    "structures": _Layout(
        common=("structure",),
        heading=_structure_heading,
        columns={"Bits": _bits, "Field": _column("field")},
        text="Note",
        parts=lambda row: [row["note"]],
    ),
    "faults": _Layout(
        common=("mode", "kind", "section"),
        heading=_fault_heading,
        columns={"Code": _column("code_hex"), "Name": _column("name")},
        text="Condition, and what the requester is answered",
        parts=_fault_parts,
        legend="Answers to untranslated (ut), translation (tr), translated (td) and page (pr) "
        "requests: UR unsupported request, CA completer abort, S0 success without any right, Seff "
        "success with the rights there are, IR invalid request, drop nothing. Of two, the first is "
        "without PASID, the second with; of pr, with and without a response. Qualified faults are "
        "not recorded under FPD.",
    ),
    "queue-errors": _Layout(
        common=("register_field",),
        heading=lambda rows: rows[0]["register_field"],
        columns={"Code": _column("code_hex"), "Name": _column("name")},
        text="Meaning",
        parts=lambda row: [row["meaning"], row["note"]],
    ),
    "dmar": _Layout(
        common=("structure",),
        heading=lambda rows: rows[0]["structure"],
        columns={
            "Offset": _column("offset_bytes"),
            "Bytes": _column("size_bytes"),
            "Field": _column("field"),
        },
        text="Note",
        parts=lambda row: [row["note"]],
    ),
}
