"""Interrupt requests: their format, the table entry they need, and what becomes of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vtd_plugin.encodings.faults import Condition
from vtd_plugin.inspect.coverage.model import Axis, Covergroup, needs, never


class Format(StrEnum):
    """How the request is written (§5.1.2); while remapping is off the format bit means nothing."""

    COMPATIBILITY = "compatibility"
    REMAPPABLE = "remappable"
    SUBHANDLE = "remappable with subhandle"
    MALFORMED = "malformed"


class EntryFrom(StrEnum):
    """Where the entry of the interrupt-remapping table was found."""

    NOWHERE = "no entry"
    CACHE = "cached"
    TABLE = "table read"


class Fate(StrEnum):
    """What becomes of a request that is not blocked; otherwise it is the condition's name."""

    REMAPPING_OFF = "remapping off"
    PASSED = "passed"
    REMAPPED = "remapped"
    NOTIFIED = "posted, notified"
    POSTED = "posted, no notification"


_CONDITIONS: Final = tuple(each.name for each in Condition if each.value.kind == "interrupt")
_FATES: Final = (*Fate, *_CONDITIONS)
_BY_ENTRY: Final = (Fate.REMAPPED, Fate.NOTIFIED, Fate.POSTED)
_OF_ENTRY: Final = tuple(
    each.name
    for each in (
        Condition.IR_22,
        Condition.IR_24,
        Condition.IR_26,
        Condition.IR_27,
        Condition.IR_28,
    )
)
"""Conditions of an entry that was found."""


INTERRUPTS: Final = Covergroup(
    "interrupts",
    (
        Axis.of("format", Format),
        Axis.of("entry", EntryFrom),
        Axis("fate", tuple(map(str, _FATES))),
    ),
    (
        never(
            "only what is no aligned dword write is malformed",
            format=set(Format) - {Format.MALFORMED},
            fate=(Condition.IR_29.name,),
        ),
        never(
            "what is malformed is not looked at further (§5.1.4.1)",
            format=(Format.MALFORMED,),
            fate=set(_FATES) - {Condition.IR_29.name},
        ),
        never(
            "while remapping is off the format bit means nothing",
            format=(Format.REMAPPABLE, Format.SUBHANDLE),
            fate=(Fate.REMAPPING_OFF, Condition.IR_2B.name),
        ),
        never(
            "the compatibility format is judged as such (§5.1.4)",
            format=(Format.REMAPPABLE, Format.SUBHANDLE),
            fate=(Fate.PASSED, Condition.IR_25.name),
        ),
        never(
            "the compatibility format names no entry",
            format=(Format.COMPATIBILITY, Format.MALFORMED),
            entry=(EntryFrom.CACHE, EntryFrom.TABLE),
        ),
        never(
            "without an entry nothing is remapped, posted or found wrong in it",
            entry=(EntryFrom.NOWHERE,),
            fate=(*_BY_ENTRY, *_OF_ENTRY),
        ),
        never(
            "this is decided without an entry",
            entry=(EntryFrom.CACHE, EntryFrom.TABLE),
            fate=set(_FATES) - {*_BY_ENTRY, *_OF_ENTRY},
        ),
        never(
            "only requests that name an entry can name a bad one",
            format=(Format.COMPATIBILITY,),
            fate=(Condition.IR_20.name, Condition.IR_21.name, Condition.IR_23.name),
        ),
        never(
            "without a subhandle no data bits are reserved (§5.1.4.1)",
            format=(Format.REMAPPABLE,),
            fate=(Condition.IR_20.name,),
        ),
    ),
    (
        needs("ECAP.IR", fate=set(_FATES) - {Fate.REMAPPING_OFF, Condition.IR_29.name}),
        needs(
            "CAP.PI",
            fate=(Fate.NOTIFIED, Fate.POSTED, Condition.IR_27.name, Condition.IR_28.name),
        ),
        needs("ECAP.EIMER", fate=(Condition.IR_2A.name,)),
        needs("ECAP.IRREQ", fate=(Condition.IR_2B.name,)),
    ),
)
