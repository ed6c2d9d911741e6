"""Enumerations that callers may name by their words."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Word(StrEnum):
    """A choice between words; whoever gives another one is told which there are."""

    @classmethod
    def _missing_(cls, value: object) -> Any:
        allowed = ", ".join(repr(member.value) for member in cls)
        raise ValueError(f"{value!r} is no {cls.__name__}; there are: {allowed}")
