"""Fault conditions: why requests are blocked, and which kinds of them.

Which kind of request can meet which condition is what the fault tables say (§7.1.3, §5.1.4.1); what
their columns leave open is ruled out one by one.
"""

from __future__ import annotations

from typing import Final

from vtd_plugin.encodings.faults import Condition
from vtd_plugin.inspect.coverage.bins.requests import Kind, Pasid
from vtd_plugin.inspect.coverage.model import Axis, Covergroup, Exclusion, needs, needs_no, never

PAGE_REQUEST: Final = "page request"
"""The kind of what devices ask software for; the others are those of `Kind`."""

_KINDS: Final = (*Kind, PAGE_REQUEST)
_MEMORY: Final = (Kind.READ, Kind.WRITE, Kind.ATOMIC, Kind.ZERO_LENGTH_READ)
_COLUMNS: Final = {
    "ut": (_MEMORY, Pasid.WITHOUT),
    "ut_pasid": (_MEMORY, Pasid.WITH),
    "tr": ((Kind.TRANSLATION_REQUEST,), Pasid.WITHOUT),
    "tr_pasid": ((Kind.TRANSLATION_REQUEST,), Pasid.WITH),
    "td": ((Kind.TRANSLATED_REQUEST,), Pasid.WITHOUT),
    "td_pasid": ((Kind.TRANSLATED_REQUEST,), Pasid.WITH),
}
"""The columns of the fault tables but for those of page requests, which have no PASID in them."""


def _impossible(column: str) -> frozenset[str]:
    """Conditions that requests of a column cannot meet."""
    return frozenset(each.name for each in Condition if each.answer_columns[column] == "NA")


def _names(*conditions: Condition) -> frozenset[str]:
    return frozenset(each.name for each in conditions)


def _named(*beginnings: str) -> frozenset[str]:
    """Conditions whose names begin so."""
    return frozenset(each.name for each in Condition if each.name.startswith(beginnings))


def _of_column(column: str) -> Exclusion:
    kinds, pasid = _COLUMNS[column]
    return never(
        "the fault table has no such case (§7.1.3)",
        condition=_impossible(column),
        kind=kinds,
        pasid=(pasid,),
    )


_NOT_IN_REVISION: Final = _names(*(each for each in Condition if not each.value.section))
_INTERRUPTS: Final = _names(*(each for each in Condition if each.value.kind == "interrupt"))
_MALFORMED: Final = _names(Condition.IR_29)
_UNWRITABLE: Final = _names(Condition.LGN_2, Condition.SGN_6)
_UNREADABLE: Final = _names(Condition.LGN_3, Condition.SGN_7)

_FROM_DEVICE_TLB: Final = (Kind.TRANSLATION_REQUEST, Kind.TRANSLATED_REQUEST)
_SCALABLE: Final = _names(*(each for each in Condition if each.value.mode == "scalable"))
_BEHIND_CONTEXT: Final = _named("LGN", "LSS", "SPD", "SPT", "SFS", "SSS", "SGN", "HPT") - _names(
    Condition.SGN_10
)
"""Conditions that a request meets only once its context entry has let it pass."""
_NESTED: Final = _names(
    Condition.SPT_4_4, Condition.SFS_5, Condition.SFS_6, Condition.SFS_7, Condition.SFS_8
)

FAULTS: Final = Covergroup(
    "faults",
    (
        Axis("condition", tuple(condition.name for condition in Condition)),
        Axis("kind", tuple(map(str, _KINDS))),
        Axis.of("pasid", Pasid),
    ),
    (
        never(
            "the current revision of the architecture does not have it",
            condition=_NOT_IN_REVISION,
        ),
        *map(_of_column, _COLUMNS),
        never(
            "the fault table has no such page request (§7.1.3)",
            condition=_impossible("pr_resp"),
            kind=(PAGE_REQUEST,),
        ),
        never(
            "it is about the PASID of a request",
            condition=_impossible("ut") - _impossible("ut_pasid"),
            kind=(PAGE_REQUEST,),
            pasid=(Pasid.WITHOUT,),
        ),
        never(
            "with a PASID it is another condition",
            condition=_impossible("ut_pasid") - _impossible("ut"),
            kind=(PAGE_REQUEST,),
            pasid=(Pasid.WITH,),
        ),
        never(
            "reads need no right to write",
            condition=_UNWRITABLE,
            kind=(Kind.READ, Kind.ZERO_LENGTH_READ),
        ),
        never(
            "a translation request that may not write is granted what is left (§7.1.2)",
            condition=_UNWRITABLE,
            kind=(Kind.TRANSLATION_REQUEST,),
        ),
        never("writes need no right to read", condition=_UNREADABLE, kind=(Kind.WRITE,)),
        never(
            "an interrupt request is a write",
            condition=_INTERRUPTS - _MALFORMED,
            kind=set(_KINDS) - {Kind.WRITE},
        ),
        never(
            "a zero-length read of the interrupt range is answered (§3.15)",
            condition=_MALFORMED,
            kind=(Kind.ZERO_LENGTH_READ,),
        ),
    ),
    (
        needs("ECAP.SMTS", condition=_SCALABLE),
        needs("ECAP.FSTS", condition=_named("SFS") | _names(Condition.SGN_1, Condition.SGN_2)),
        needs("ECAP.SSTS", condition=_named("SSS") | _names(Condition.SGN_5, Condition.SGN_7)),
        needs("ECAP.SSADS", condition=_names(Condition.SSS_5, Condition.SSS_6)),
        needs("ECAP.NEST", condition=_NESTED),
        needs("ECAP.PT", condition=_names(Condition.LGN_1_3, Condition.SGN_4_2)),
        needs("ECAP.HPTS", condition=_named("HPT") | _names(Condition.SPT_9)),
        needs("ECAP.ADMS", condition=_names(Condition.RTA_4)),
        needs_no("ECAP.ADMS", condition=_names(Condition.RTA_1_1)),
        needs_no("ECAP.SMTS", condition=_names(Condition.RTA_1_3)),
        needs("VER.MAX>7", condition=_names(Condition.RTA_5)),
        needs_no("VER.MAX>7", condition=_names(Condition.SPT_5)),
        needs_no("ECAP.PSS>18", condition=_names(Condition.SGN_10)),
        needs("ECAP.PRS", condition=_names(Condition.RTA_3)),
        needs("ECAP.PRS", condition=_BEHIND_CONTEXT, kind=(PAGE_REQUEST,)),
        needs("ECAP.DT", condition=_BEHIND_CONTEXT, kind=_FROM_DEVICE_TLB),
        needs("ECAP.PASID", condition=_BEHIND_CONTEXT, pasid=(Pasid.WITH,)),
        needs("ECAP.IR", condition=_INTERRUPTS - _MALFORMED),
        needs("CAP.PI", condition=_names(Condition.IR_27, Condition.IR_28)),
        needs("ECAP.EIMER", condition=_names(Condition.IR_2A)),
        needs("ECAP.IRREQ", condition=_names(Condition.IR_2B)),
    ),
)
