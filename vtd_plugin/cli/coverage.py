"""`vtd coverage`: what runs exercised, merged, printed and exported.

What is counted, and how, is `vtd_plugin.inspect.coverage`.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from vtd_plugin.cli.output import UNUSABLE, give_up
from vtd_plugin.inspect.coverage import Coverage, report
from vtd_plugin.inspect.coverage.files import write_xml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SUFFIX: Final = ".json"
_TIMELINE_SUFFIX: Final = ".trace.json"
"""Timelines lie beside coverage where a run leaves both."""

CONTRADICTED: Final = 1
"""Exit status when something was counted that cannot be."""


def coverage(
    files: Annotated[
        list[Path],
        typer.Argument(
            help=f"Coverage saved by runs, or folders of it ({_SUFFIX}).", show_default=False
        ),
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

    Nothing is merged unless every file can be read; each that cannot is named with the reason.
    Exit status: 0, or 1 when a bin was hit that is ruled out, or 2 when a file could not be
    read or written.
    """
    paths = _coverage_files(files, json)
    merged = _merge(paths)
    hits = merged.hits
    if xml is not None:
        _write(xml, lambda path: write_xml(hits, path))
    if json is not None:
        _write(json, merged.save)
    Console().print(report.table(hits, len(paths)))
    if holes:
        _list("Holes", report.holes(hits))
    contradictions = report.contradictions(hits)
    if contradictions:
        _list("Hit, but ruled out", contradictions)
        raise typer.Exit(CONTRADICTED)


def _coverage_files(named: Iterable[Path], merged: Path | None) -> list[Path]:
    """The files themselves, and those in the folders; each once, however often it is named.

    What is to be written is not looked for in folders: it may be there from the last time.
    """
    files: dict[Path, Path] = {}
    for path in named:
        found = _in_folder(path, merged) if path.is_dir() else [path]
        files |= {each.resolve(): each for each in found if each.resolve() not in files}
    return list(files.values())


def _in_folder(folder: Path, merged: Path | None) -> list[Path]:
    left_out = None if merged is None else merged.resolve()
    found = [
        path
        for path in sorted(folder.rglob(f"*{_SUFFIX}"))
        if not path.name.endswith(_TIMELINE_SUFFIX) and path.resolve() != left_out
    ]
    if not found:
        give_up(f"{folder}: no {_SUFFIX} file with coverage in this folder")
    return found


def _merge(paths: Iterable[Path]) -> Coverage:
    merged = Coverage()
    problems = []
    for path in paths:
        try:
            merged.merge(Coverage.load(path))
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
        except ValueError as error:
            problems.append(str(error))
    if problems:
        for problem in problems:
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(UNUSABLE)
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
