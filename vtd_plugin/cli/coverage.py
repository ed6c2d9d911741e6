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
from vtd_plugin.inspect.coverage.waivers import read_waivers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vtd_plugin.inspect.coverage.waivers import Waiver

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
    excluded: Annotated[
        bool,
        typer.Option("--excluded", help="List what does not count, with the reasons."),
    ] = False,
    waivers: Annotated[
        Path | None,
        typer.Option(help="A file of what need not be covered (TOML).", show_default=False),
    ] = None,
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
    Bins that none of the observed units can hit do not count, nor do those that are waived.
    Exit status: 0, or 1 when a bin was hit that is ruled out, or 2 when a file could not be
    read or written.
    """
    waived = () if waivers is None else _read_waivers(waivers)
    runs = _load(_coverage_files(files, json))
    merged = Coverage()
    merged.merge(*runs.values())
    if xml is not None:
        _write(xml, lambda path: write_xml(merged, path, waived))
    if json is not None:
        _write(json, merged.save)
    Console().print(report.table(merged, waived, len(runs)))
    if holes:
        _list("Holes", report.holes(merged, waived))
    if excluded:
        _list("Not counted", report.exclusions(merged, waived))
    needless = report.needless(merged, waived)
    if needless:
        _list("Waived, but hit", needless)
    contradictions = [
        f"{path}: {line}" for path, run in runs.items() for line in report.contradictions(run)
    ]
    if contradictions:
        _list("Hit, but ruled out", contradictions)
        raise typer.Exit(CONTRADICTED)


def _read_waivers(path: Path) -> tuple[Waiver, ...]:
    try:
        return read_waivers(path)
    except OSError as error:
        give_up(f"{path}: {error.strerror}")
    except ValueError as error:
        give_up(str(error))


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


def _load(paths: Iterable[Path]) -> Mapping[Path, Coverage]:
    runs = {}
    problems = []
    for path in paths:
        try:
            runs[path] = Coverage.load(path)
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
        except ValueError as error:
            problems.append(str(error))
    if problems:
        for problem in problems:
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(UNUSABLE)
    return runs


def _write(path: Path, write: Callable[[Path], None]) -> None:
    try:
        write(path)
    except OSError as error:
        give_up(f"{path}: {error.strerror}")


def _list(title: str, lines: Iterable[str]) -> None:
    typer.echo(f"{title}:")
    for line in lines:
        typer.echo(f"  {line}")
