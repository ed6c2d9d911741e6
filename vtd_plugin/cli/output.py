"""What all commands print through, and how they end when they cannot.

Any line that is printed may be the one for which the disk is full, or for which nobody reads the
pipe any longer. That is met here once, for all commands.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import contextmanager, suppress
from signal import SIGPIPE
from typing import TYPE_CHECKING, Final, NoReturn, TextIO

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

UNUSABLE: Final = 2
"""Exit status when something could not be read, written or run."""

UNREAD: Final = 128 + SIGPIPE
"""Exit status when nobody reads the output any longer: what a shell says of any such program."""


def give_up(reason: str) -> NoReturn:
    """End the command, with one line that says why."""
    typer.echo(f"error: {reason}", err=True)
    raise typer.Exit(UNUSABLE)


@contextmanager
def guarded_output() -> Iterator[None]:
    """End the program properly where standard output or standard error cannot be written.

    Characters that the encoding of the output does not have are escaped, and no reason to end.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_guarded, before)
    try:
        try:
            yield
        finally:
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
    except _OutputLostError as lost:
        lost.drop_rest()
        if lost.reason.errno == errno.EPIPE:
            sys.exit(UNREAD)
        with suppress(_OutputLostError):
            typer.echo(f"error: the output cannot be written: {lost.reason.strerror}", err=True)
        sys.exit(UNUSABLE)
    finally:
        sys.stdout, sys.stderr = before


class _OutputLostError(Exception):
    """No `OSError`, so that nobody on the way takes it for one of his own."""

    def __init__(self, descriptor: int, reason: OSError) -> None:
        super().__init__(reason)
        self.descriptor = descriptor
        self.reason = reason

    def drop_rest(self) -> None:
        """What is still buffered goes nowhere, instead of failing again when Python ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.descriptor)
        os.close(nowhere)


class _Output(io.FileIO):
    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except OSError as reason:
            raise _OutputLostError(self.fileno(), reason) from reason


def _guarded(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # closed (None), or not a file
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding,
        errors="backslashreplace" if stream.errors == "strict" else stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
