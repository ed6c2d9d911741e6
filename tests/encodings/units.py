"""Capabilities for tests: of a unit that has everything, and of one that has nothing."""

from __future__ import annotations

from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.encodings.registers import CAP, ECAP

_EVERY_CAP = {name: item.limit for name, item in CAP.FIELDS.items() if not item.reserved}
_EVERY_ECAP = {name: item.limit for name, item in ECAP.FIELDS.items() if not item.reserved}


def full_unit(haw: int = 52, **fields: int) -> Capabilities:
    """A unit with every capability, apart from the fields given (`SC=0`)."""
    cap = _EVERY_CAP | {"ND": 6, "SSLPS": 3, "SAGAW": 0b1110}
    return Capabilities(
        0x60,
        CAP.pack(**cap | {name: fields[name] for name in fields if name in CAP.FIELDS}),
        ECAP.pack(**_EVERY_ECAP | {name: fields[name] for name in fields if name in ECAP.FIELDS}),
        haw,
    )


def bare_unit(haw: int = 52, **fields: int) -> Capabilities:
    """A unit without capabilities, apart from the fields given (`SC=1`)."""
    return Capabilities(
        0x10,
        CAP.pack(**{name: fields[name] for name in fields if name in CAP.FIELDS}),
        ECAP.pack(**{name: fields[name] for name in fields if name in ECAP.FIELDS}),
        haw,
    )


def bits(high: int, low: int) -> int:
    """A mask of the bits from `high` down to `low`."""
    return (1 << high + 1) - (1 << low)
