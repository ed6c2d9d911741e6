"""The `vtd` command.

Each command is a module of its own; here they are put together. A command reads and prints; what
it prints comes from the library, where programs get the same without a detour.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from vtd_plugin.cli.coverage import coverage
from vtd_plugin.cli.demo import demo
from vtd_plugin.cli.output import guarded_output
from vtd_plugin.cli.replay import replay
from vtd_plugin.cli.spec import spec

__all__ = ["app"]


class _Group(TyperGroup):
    """Commands whose usage errors are in the words of a shell, not of a validator."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = _plain(error.message)
            raise


def _plain(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return re.sub(r"^Input should be (.+?)(, unable to parse .*)?$", r"it should be \1", message)


class _Command(typer.Typer):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with guarded_output():
            return super().__call__(*args, **kwargs)


app = _Command(
    name="vtd",
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    # Usage errors as plain lines, not as boxes: they are read in logs as often as on terminals.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(spec)
app.command()(replay)
app.command()(coverage)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vtd {version('vtd-plugin')}")
        raise typer.Exit


@app.callback()
def _main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Work with an open model of the Intel VT-d IOMMU."""
