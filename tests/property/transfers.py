"""Moving data through the unit, with the walker's verdict on which byte may go where."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.property.image import PAGE
from tests.reference.model import TRANSLATION, UNTRANSLATED
from vtd_plugin import AddressType

if TYPE_CHECKING:
    from tests.property.pair import Pair
    from tests.reference.model import Ask
    from vtd_plugin.bus.result import Result

ATOMIC_BYTES: Final = 8


def require_transfer(pair: Pair, ask: Ask, payload: bytes) -> None:
    """Move bytes through the unit's port, and compare the whole memory afterwards."""
    if ask.address_type == TRANSLATION:
        ask = replace(ask, address_type=UNTRANSLATED)
    if ask.kind == "atomic":
        ask = replace(ask, address=ask.address & -ATOMIC_BYTES, size=ATOMIC_BYTES)
        payload = payload.ljust(ATOMIC_BYTES, b"\1")[:ATOMIC_BYTES]
    else:
        payload = payload[: PAGE - ask.address % PAGE]
        ask = replace(ask, size=0 if ask.zero_length else len(payload))
    place = _place(pair, ask)
    result = _move(pair, ask, payload)
    if place is not None:
        assert result.ok, (ask, place, result)
        _judge(pair, ask, place, payload, result)
    assert pair.unit_memory == pair.walker_memory, (ask, place, pair.differences())


def _place(pair: Pair, ask: Ask) -> int | None:
    """The host address that the bytes may go to or come from; None if there is none."""
    outcome = pair.ask_walker(ask)
    if outcome.answer != "OK" or outcome.address is None:
        return None
    within = outcome.address + ask.size <= len(pair.walker_memory)
    return outcome.address if within and ask.size else None


def _move(pair: Pair, ask: Ask, payload: bytes) -> Result:
    port = pair.platform.requester(ask.source_id)
    address_type = AddressType(ask.address_type)
    pasid, privileged, execute = ask.pasid, ask.privileged, ask.execute
    if ask.kind == "read":
        return port.read(
            ask.address,
            ask.size,
            pasid=pasid,
            privileged=privileged,
            execute=execute,
            address_type=address_type,
        )
    if ask.kind == "write":
        return port.write(
            ask.address,
            payload,
            pasid=pasid,
            privileged=privileged,
            execute=execute,
            address_type=address_type,
        )
    return port.atomic(
        ask.address,
        int.from_bytes(payload, "little"),
        pasid=pasid,
        privileged=privileged,
        execute=execute,
        address_type=address_type,
    )


def _judge(pair: Pair, ask: Ask, place: int, payload: bytes, result: Result) -> None:
    """What was read is what is there; what is written is put there for the comparison."""
    there = slice(place, place + ask.size)
    before = bytes(pair.walker_memory[there])
    if ask.kind != "write":
        assert result.data == before, (ask, place)
    if ask.kind == "write":
        pair.walker_memory[there] = payload
    elif ask.kind == "atomic":
        total = int.from_bytes(before, "little") + int.from_bytes(payload, "little")
        pair.walker_memory[there] = (total % (1 << 64)).to_bytes(ATOMIC_BYTES, "little")
