"""The architecture's tables as rows of text, made from the classes that the model works with.

For printing and for comparison with a transcription; nothing that runs reads them. The columns
are those that the architecture's own tables have: where, how wide, what access, what it means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from vtd_plugin.encodings import dmar, faults, registers, structures
from vtd_plugin.encodings.codes import QueueError, ResponseCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vtd_plugin.encodings._field import Field
    from vtd_plugin.encodings.codes import DocumentedCode

Row: TypeAlias = dict[str, str]
Table: TypeAlias = Literal["registers", "structures", "faults", "queue-errors", "dmar"]

_NO_ANSWER: Final = dict.fromkeys(faults.ANSWER_COLUMNS, "NA")

# Rows of the fault table that no fault ever has: they are text, not members of `Condition`.
_NO_FAULT: Final = {
    "code_hex": "0x00",
    "name": "none",
    "mode": "both",
    "kind": "DMA",
    "qualified": "no",
    "condition": "No fault; reserved value (was used by software to initialise advanced fault log "
    "records)",
    **_NO_ANSWER,
    "note": "",
    "section": "",
}
_UNASSIGNED: Final = {
    "code_hex": "0x0F-0x1F",
    "name": "reserved",
    "mode": "legacy",
    "kind": "DMA",
    "qualified": "unknown",
    "condition": "Not assigned in rev 5.10; 0x10-0x1F held extended-context-mode (ECS) codes in "
    "rev 2.2-2.5, never shipped",
    **_NO_ANSWER,
    "note": "do not generate",
    "section": "",
}
_FIRST_CODE_AFTER_UNASSIGNED: Final = 0x20


def rows(table: Table) -> list[Row]:
    """The rows of one table, in the architecture's order.

    Args:
        table: Which one. `queue-errors` includes the response codes of page group responses.

    Returns:
        One dictionary a row, of text by column; all rows of a table have the same columns.

    Raises:
        ValueError: There is no such table.
    """
    if table not in _MAKERS:
        raise ValueError(f"{table!r} is none of the tables {', '.join(get_args(Table))}")
    return list(_MAKERS[table]())


def _registers() -> Iterable[Row]:
    for register in registers.REGISTERS:
        where = register.OFFSET
        for item in register.FIELDS.values():
            yield {
                "register": register.NAME,
                "offset_hex": where if isinstance(where, str) else f"0x{where:03X}",
                "width_bits": str(register.BITS),
                **_position(item),
                "access": item.access,
                "reset": item.reset,
                "requires": item.requires,
                "note": item.note,
                "section": item.section or "",
            }


def _structures() -> Iterable[Row]:
    for structure in structures.STRUCTURES:
        for item in structure.FIELDS.values():
            yield {
                "structure": structure.NAME,
                "size_bits": str(structure.BITS),
                **_position(item),
                "modes": structure.MODES,
                "note": item.note,
                "section": item.section or "",
            }


def _position(item: Field) -> Row:
    return {"field": item.name, "lsb": str(item.lsb), "msb": str(item.msb)}


def _faults() -> Iterable[Row]:
    yield _NO_FAULT
    assigned = [_fault(condition.value) for condition in faults.Condition]
    split = [condition.code for condition in faults.Condition].index(_FIRST_CODE_AFTER_UNASSIGNED)
    yield from assigned[:split]
    yield _UNASSIGNED
    yield from assigned[split:]


def _fault(condition: faults.FaultCondition) -> Row:
    return {
        "code_hex": f"0x{condition.code:02X}",
        "name": condition.name,
        "mode": condition.mode,
        "kind": condition.kind,
        "qualified": "yes" if condition.qualified else "no",
        "condition": condition.condition,
        **{column: getattr(condition, column) for column in faults.ANSWER_COLUMNS},
        "note": condition.note,
        "section": condition.section,
    }


def _queue_errors() -> Iterable[Row]:
    field = "IQERCD.IQEI"
    yield from (_code(field, error) for error in QueueError)
    yield _code_row(field, "0x8-0xF", "undefined", "")
    field = "page_grp_resp_dsc.RC"
    yield _code(field, ResponseCode.SUCCESS)
    yield _code(field, ResponseCode.INVALID_REQUEST)
    yield _code_row(field, "0x2-0xE", "RESERVED", "not used")
    yield _code(field, ResponseCode.RESPONSE_FAILURE)


def _code(field: str, code: DocumentedCode) -> Row:
    return _code_row(field, f"0x{code:X}", code.name, code.meaning, code.note)


def _code_row(field: str, code: str, name: str, meaning: str, note: str = "") -> Row:
    return {
        "register_field": field,
        "code_hex": code,
        "name": name,
        "meaning": meaning,
        "note": note,
    }


def _dmar() -> Iterable[Row]:
    for structure in dmar.STRUCTURES:
        for item in structure.LAYOUT:
            yield {
                "structure": structure.NAME,
                "offset_bytes": str(item.offset),
                "size_bytes": str(item.size),
                "field": item.name,
                "note": item.note,
            }


_MAKERS: Final[dict[str, Callable[[], Iterable[Row]]]] = {
    "registers": _registers,
    "structures": _structures,
    "faults": _faults,
    "queue-errors": _queue_errors,
    "dmar": _dmar,
}
