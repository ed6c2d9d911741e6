"""`vtd coverage`: what runs exercised, merged, printed and exported.

What is counted, and how, is `vtd_plugin.inspect.coverage`.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from vtd_plugin.cli.output import give_up
from vtd_plugin.inspect.coverage import Coverage, report
from vtd_plugin.inspect.coverage.files import write_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

CONTRADICTED: Final = 1
"""Exit status when something was counted that cannot be."""


def coverage(
    files: Annotated[
        list[Path], typer.Argument(help="Coverage saved by runs (JSON).", show_default=False)
    ],
    holes: Annotated[bool, typer.Option("--holes", help="List what was never hit.")] = False,
    xml: Annotated[
        Path | None,
        typer.Option(help="Where to write it for cocotb-coverage.", show_default=False),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Where to save the merged coverage.", show_default=False)
    ] = None,
) -> None:
    """Merge and print the functional coverage of runs.

    Exit status: 0, or 1 when a bin was hit that is ruled out, or 2 when a file could not be
    read or written.
    """
    merged = _merge(files)
    hits = merged.hits
    if xml is not None:
        _write(xml, lambda path: write_xml(hits, path))
    if json is not None:
        _write(json, merged.save)
    Console().print(report.table(hits))
    if holes:
        _list("Holes", report.holes(hits))
    contradictions = report.contradictions(hits)
    if contradictions:
        _list("Hit, but ruled out", contradictions)
        raise typer.Exit(CONTRADICTED)


def _merge(files: Iterable[Path]) -> Coverage:
    merged = Coverage()
    for path in files:
        try:
            merged.merge(Coverage.load(path))
        except OSError as error:
            give_up(f"{path}: {error.strerror}")
        except ValueError as error:
            give_up(str(error))
    return merged


def _write(path: Path, write: Callable[[Path], None]) -> None:
    try:
        write(path)
    except OSError as error:
        give_up(f"{path}: {error.strerror}")


def _list(title: str, lines: Iterable[str]) -> None:
    typer.echo(f"{title}:")
    for line in lines:
        typer.echo(f"  {line}")
