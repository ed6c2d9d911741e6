"""`vtd replay`: recorded cases against a fresh unit each.

Prints the steps that came out otherwise than recorded and how many cases passed. The replay itself
is `vtd_plugin.inspect.replay`.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  typer reads the annotation
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.progress import track

from vtd_plugin.cli.output import UNUSABLE
from vtd_plugin.inspect import replay as recorded
from vtd_plugin.inspect.vector import VectorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUFFIX: Final = ".jsonl"
"""How the files of recorded cases are named; of a folder, these are replayed."""

MISMATCH: Final = 1
"""Exit status when a case came out otherwise than recorded."""

_MANY: Final = 50
"""From so many cases on, progress is shown."""


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(help=f"Recorded cases, or folders of them ({SUFFIX}).", show_default=False),
    ],
) -> None:
    """Replay recorded cases on the model.

    Every step that comes out otherwise than recorded is named. Exit status: 0 when every case
    passed, 1 when one did not, 2 when a file could not be replayed.
    """
    problems: list[str] = []
    passed = failed = 0
    console = Console()
    for path in _with_progress(_cases(files, problems), console):
        try:
            outcome = recorded.replay(path)
        except VectorError as error:
            problems.append(str(error))
            continue
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
            continue
        passed += outcome.passed
        failed += not outcome.passed
        for mismatch in outcome.mismatches:
            console.print(f"{path}: {mismatch}", markup=False, highlight=False, soft_wrap=True)
    _close(passed, failed, problems)


def _cases(files: Iterable[Path], problems: list[str]) -> list[Path]:
    """The files themselves, and those in the folders; what is neither is a problem."""
    cases: list[Path] = []
    for path in files:
        if not path.is_dir():
            cases.append(path)
            continue
        found = sorted(path.rglob(f"*{SUFFIX}"))
        if not found:
            problems.append(f"{path}: no {SUFFIX} file in this folder")
        cases += found
    return cases


def _with_progress(cases: Sequence[Path], console: Console) -> Iterable[Path]:
    shown = console.is_terminal and len(cases) >= _MANY
    return track(cases, "Replaying", console=console, transient=True, disable=not shown)


def _close(passed: int, failed: int, problems: Sequence[str]) -> None:
    """Say what could not be replayed, sum up, and exit with the status that belongs to it."""
    for problem in problems:
        typer.echo(f"error: {problem}", err=True)
    typer.echo(f"{passed} passed, {failed} failed")
    if problems:
        raise typer.Exit(UNUSABLE)
    if failed:
        raise typer.Exit(MISMATCH)
