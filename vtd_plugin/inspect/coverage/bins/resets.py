"""Resets: how much was reset, and in which order."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vtd_plugin.inspect.coverage.model import Axis, Covergroup, never


class Reset(StrEnum):
    """How much was reset."""

    COLD = "cold"
    WARM = "warm"
    FUNCTION = "function"


class Order(StrEnum):
    """Which half of the platform was reset first, or at all."""

    MASTERS_FIRST = "masters first"
    UNITS_FIRST = "units first"
    MASTERS_ONLY = "masters only"
    UNITS_ONLY = "units only"


RESETS: Final = Covergroup(
    "resets",
    (Axis.of("kind", Reset), Axis.of("order", Order)),
    (
        never(
            "a reset of one function reaches no unit",
            kind=(Reset.FUNCTION,),
            order=set(Order) - {Order.MASTERS_ONLY},
        ),
    ),
)
