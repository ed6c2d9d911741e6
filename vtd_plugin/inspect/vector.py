"""Reading recorded vectors: files of JSON lines, and the parts of each line.

What a part may be is decided where it is asked for; a part that is missing or something else is a
`VectorError` that says where it stands and what is allowed. What the parts mean is in `replay`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_NUMBER: Final = re.compile("0x[0-9a-fA-F]+")
_BYTES: Final = re.compile("([0-9a-fA-F]{2})*")
_SHOWN: Final = 40
"""How much of something wrong is repeated, in characters."""


class VectorError(ValueError):
    """A file that is no vector, or a step that the format does not have."""


class Record:
    """One JSON object of a vector.

    Args:
        line: The line of its file that it stands in, counted from 1.
        where: The same for errors: file, line, and what it is a part of.
        parts: What it has.
    """

    __slots__ = ("_parts", "_where", "line")

    def __init__(self, line: int, where: str, parts: Mapping[str, object]) -> None:
        self.line = line
        self._where = where
        self._parts = parts

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def titled(self, title: str) -> Record:
        """The same, with a title that errors have after the line."""
        return Record(self.line, f"{self._where}: {title}", self._parts)

    def refuse(self, reason: object) -> VectorError:
        """The error that says where the record stands."""
        return VectorError(f"{self._where}: {reason}")

    def part(self, name: str) -> object:
        """A part, whatever it is; `VectorError` if it is missing."""
        if name not in self._parts:
            raise self.refuse(f"{name!r} is missing")
        return self._parts[name]

    def text(self, name: str) -> str:
        """A part that is text."""
        part = self.part(name)
        if not isinstance(part, str):
            raise self._wrong(name, "text")
        return part

    def number(self, name: str, bits: int | None = None) -> int:
        """A part that is a number, of so many bits at most."""
        part = self.part(name)
        if not isinstance(part, str) or not _NUMBER.fullmatch(part):
            raise self._wrong(name, 'a hexadecimal number in quotes, such as "0x1f"')
        number = int(part, 16)
        if bits is not None and number >> bits:
            raise self._wrong(name, f"a number of {bits} bits")
        return number

    def data(self, name: str) -> bytes:
        """A part that is bytes."""
        part = self.part(name)
        if not isinstance(part, str) or not _BYTES.fullmatch(part):
            raise self._wrong(name, 'bytes as pairs of hexadecimal digits, such as "00ff"')
        return bytes.fromhex(part)

    def record(self, name: str) -> Record:
        """A part that is an object of its own."""
        part = self.part(name)
        if not isinstance(part, dict):
            raise self._wrong(name, "an object")
        return Record(self.line, f"{self._where}: {name}", part)

    def records(self, name: str) -> Iterator[Record]:
        """A part that is a list of objects."""
        part = self.part(name)
        if not isinstance(part, list) or not all(isinstance(each, dict) for each in part):
            raise self._wrong(name, "a list of objects")
        for number, each in enumerate(cast("list[dict[str, object]]", part)):
            yield Record(self.line, f"{self._where}: {name}[{number}]", each)

    def _wrong(self, name: str, allowed: str) -> VectorError:
        return self.refuse(f"{name!r} is {_shown(self._parts[name])}, not {allowed}")


def read(path: Path) -> Iterator[Record]:
    """The lines of a vector that are not empty, first of all its header.

    Raises:
        VectorError: A line is no JSON object.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                where = f"{path}:{number}"
                yield Record(number, where, _parse(where, line))


def _parse(where: str, line: bytes) -> dict[str, object]:
    try:
        parts = json.loads(line.decode().rstrip())
    except json.JSONDecodeError as error:
        raise VectorError(f"{where}: not JSON: {error.msg} at column {error.colno}") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise VectorError(f"{where}: not JSON: {error}") from error
    if not isinstance(parts, dict):
        raise VectorError(f"{where}: {_shown(parts)} is no object")
    return parts


def _shown(part: object) -> str:
    text = json.dumps(part)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
