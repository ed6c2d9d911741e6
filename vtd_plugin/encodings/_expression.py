"""Two small languages of the architecture's tables: what a field requires, where a register lies.

`ECAP.QI;ECAP.SMTS|ECAP.ADMS` is a requirement: `;` is and, `|` is or and binds tighter; a term
is a field or a flag, `X.F>n` or `X.F[bit]`. `CAP.FRO*16+16*n` is an offset: sums of products.
Here they are only taken apart; `Capabilities` and `Register` know the values.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_TERM: Final = re.compile(r"(?:(\w+)\.)?(\w+)(?:\[(\d+)\]|>(\d+))?")


class Term(NamedTuple):
    """One term of a requirement.

    Attributes:
        register: Register of the field; empty where the term does not say.
        field: Field or flag.
        bit: The bit of the field that counts; None: any.
        above: What the field must exceed.
    """

    register: str
    field: str
    bit: int | None
    above: int

    def holds(self, number: int) -> bool:
        """Whether the term holds, given the value of its field."""
        return bool(number >> self.bit & 1) if self.bit is not None else number > self.above


@cache
def requirement(expression: str) -> tuple[tuple[Term, ...], ...]:
    """Take a requirement apart: all of the outer tuple, any of each inner one.

    Raises:
        ValueError: The expression is not a requirement.
    """
    clauses = filter(None, expression.split(";"))
    return tuple(tuple(_term(text) for text in clause.split("|")) for clause in clauses)


def _term(text: str) -> Term:
    match = _TERM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not FLAG, FIELD, X.FIELD, X.FIELD>n or X.FIELD[bit]")
    register, field, bit, above = match.groups()
    return Term(register or "", field, None if bit is None else int(bit), int(above or 0))


def offset(expression: str, look_up: Callable[[str], int]) -> int:
    """Work an offset out.

    Args:
        expression: Sums of products of numbers and names.
        look_up: Gives the value of a name.

    Returns:
        The offset in bytes.
    """
    return sum(
        math.prod(_factor(text, look_up) for text in product.split("*"))
        for product in expression.split("+")
    )


def _factor(text: str, look_up: Callable[[str], int]) -> int:
    return int(text, 0) if text[0].isdigit() else look_up(text)
