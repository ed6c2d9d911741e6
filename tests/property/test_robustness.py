"""Whatever the bytes: nothing raises, nothing hangs, no byte moves but where the tables allow.

The units have no caches here, so that the walker's verdict on the memory as it is now is the only
one there is, even while requests write to tables.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypothesis import given
from hypothesis import strategies as st

from tests.property.image import PAGE
from tests.property.invalidations import FSTS, IQA, IQH, IQT, QUEUE_ENABLE
from tests.property.pair import GCMD, RTADDR, SET_ROOT, TRANSLATION_ENABLE, Pair
from tests.property.scribbles import scribbled_worlds, worlds_of_tables
from tests.property.transfers import require_transfer
from tests.property.worlds import DEVICES, asks

if TYPE_CHECKING:
    from collections.abc import Iterable

GSTS: Final = 0x1C
IRTA: Final = 0xB8
PQT: Final = 0xC8
PQA: Final = 0xD0
QUEUE_HEAD_LIMIT: Final = 1 << 19
INTERRUPT_REMAPPING: Final = 1 << 25
SET_INTERRUPT_TABLE: Final = 1 << 24
PAGE_REQUESTS: Final = 1 << 29
DEVICE_TLB: Final = 1 << 2
POSTED: Final = 1 << 15

worlds: Final = st.one_of(scribbled_worlds(), worlds_of_tables())
_payloads: Final = st.binary(min_size=1, max_size=64)


@given(st.data())
def test_no_byte_moves_but_where_the_tables_allow(data: st.DataObject) -> None:
    world = data.draw(worlds)
    pair = Pair(world)
    for ask in data.draw(st.lists(asks(world), min_size=4, max_size=12)):
        require_transfer(pair, ask, data.draw(_payloads))


@given(st.data())
def test_register_writes_of_any_kind_leave_the_unit_obeying_the_tables(data: st.DataObject) -> None:
    world = data.draw(worlds)
    pair = Pair(world)
    for ask in data.draw(st.lists(asks(world), min_size=4, max_size=12)):
        write_any_register(data, pair)
        if pair.unit.read_register(GSTS, 4) & TRANSLATION_ENABLE:
            require_transfer(pair, ask, data.draw(_payloads))


_offsets: Final = st.one_of(
    st.sampled_from([GCMD, GCMD, RTADDR, RTADDR, IQA, IQT, FSTS, IRTA, PQA, PQT, 0x400, 0x500]),
    st.integers(0, 0xFFF),
)


def write_any_register(data: st.DataObject, pair: Pair) -> None:
    offset, size = data.draw(_offsets), data.draw(st.sampled_from([4, 8, 4, 8, 1, 2]))
    values = st.integers(0, (1 << 8 * size) - 1)
    value = data.draw(st.one_of(values, values.map(lambda value: value & 0xFFFF)))
    if offset == GCMD and size == 4:
        value |= data.draw(st.sampled_from([TRANSLATION_ENABLE, 0, TRANSLATION_ENABLE | SET_ROOT]))
    if offset == GCMD and size >= 4 and value & SET_ROOT:
        pair.rtaddr = pair.unit.read_register(RTADDR, 8)
    pair.unit.write_register(offset, value, size)
    assert 0 <= pair.unit.read_register(offset, size) < 1 << 8 * size
    # Queues and wait descriptors may have written to memory.
    pair.walker_memory[:] = pair.unit_memory


@given(st.data())
def test_any_bytes_in_the_queue_leave_the_unit_obeying_the_tables(data: st.DataObject) -> None:
    world = data.draw(worlds)
    pair = Pair(world)
    queue = data.draw(_pages(pair))
    pair.put(queue, b"".join(data.draw(st.lists(_descriptors, min_size=4, max_size=16))))
    pair.unit.write_register(IQA, queue | data.draw(st.integers(0, 0xFFF)), 8)
    pair.command(QUEUE_ENABLE)
    for tail in data.draw(st.lists(st.integers(0, 32), min_size=1, max_size=4)):
        pair.unit.write_register(IQT, 16 * tail, 8)
        pair.unit.write_register(FSTS, 0xFF, 4)
        assert pair.unit.read_register(IQH, 8) < QUEUE_HEAD_LIMIT
    pair.walker_memory[:] = pair.unit_memory
    require_transfer(pair, data.draw(asks(world)), data.draw(_payloads))


_descriptors: Final = st.one_of(
    st.tuples(st.integers(0, 0x7F), st.binary(min_size=15, max_size=15)).map(
        lambda parts: bytes([parts[0]]) + parts[1]
    ),
    st.tuples(st.integers(1, 10), st.integers(0, 7), st.integers(0, 7)).map(
        lambda parts: (parts[0] | parts[1] << 4 | parts[2] << 16).to_bytes(16, "little")
    ),
    st.just(bytes(16)),
)


@given(st.data())
def test_interrupts_by_any_table_change_posted_descriptors_only(data: st.DataObject) -> None:
    world = data.draw(worlds)
    caps = world.caps
    world.caps = replace(caps, cap=caps.cap | 1 << 59, ecap=caps.ecap | 0xF << 20 | 0b11 << 3)
    pair = Pair(world)
    table = data.draw(_pages(pair))
    entries = data.draw(st.lists(_remapping_entries, min_size=1, max_size=8))
    pair.put(table, b"".join(entry.to_bytes(16, "little") for entry in entries))
    pair.unit.write_register(IRTA, table | data.draw(st.sampled_from([7, 0x807, 0])), 8)
    pair.command(SET_INTERRUPT_TABLE)
    pair.command(INTERRUPT_REMAPPING)
    port = pair.platform.requester(DEVICES[0])
    for index in data.draw(st.lists(st.integers(0, len(entries)), min_size=1, max_size=8)):
        low = data.draw(st.sampled_from([0b10000, 0b11000, 0b10100, 0]))
        result = port.write(0xFEE00000 | index << 5 | low, data.draw(_messages))
        assert result.fault is None or result.fault.name.startswith("IR."), result
    require_changes_within(pair, ((_descriptor_of(entry), 64) for entry in entries))


_messages: Final = st.integers(0, (1 << 32) - 1).map(lambda value: value.to_bytes(4, "little"))
_remapping_entries: Final = st.one_of(
    st.integers(0, (1 << 128) - 1),
    # Posted, with a descriptor in memory, and remapped, with nothing wrong.
    st.integers(0, 0xFFFF).map(lambda line: 1 | POSTED | line << 38),
    st.integers(0, 0xFF).map(lambda vector: 1 | vector << 16),
)


def _descriptor_of(entry: int) -> int:
    """Address of the posted-interrupt descriptor, if the entry has one (9.10)."""
    return (entry >> 96) << 32 | (entry >> 38 & 0x3FFFFFF) << 6


@given(st.data())
def test_page_requests_change_their_queue_only(data: st.DataObject) -> None:
    world = data.draw(worlds)
    world.caps = replace(world.caps, ecap=world.caps.ecap | PAGE_REQUESTS | DEVICE_TLB)
    pair = Pair(world)
    queue, order = data.draw(_pages(pair)), data.draw(st.integers(0, 7))
    pair.unit.write_register(PQA, queue | order, 8)
    pair.unit.write_register(PQT, 32 * data.draw(st.integers(0, 200)), 8)
    for ask in data.draw(st.lists(asks(world), min_size=1, max_size=8)):
        pair.unit.request_page(
            ask.source_id,
            ask.address,
            read=data.draw(st.booleans()),
            write=ask.kind == "write",
            pasid=ask.pasid,
            privileged=ask.privileged,
            last=data.draw(st.booleans()),
        )
    require_changes_within(pair, [(queue, PAGE << order)])


def _pages(pair: Pair) -> st.SearchStrategy[int]:
    return st.integers(0, len(pair.unit_memory) // PAGE - 1).map(lambda page: page * PAGE)


def require_changes_within(pair: Pair, allowed: Iterable[tuple[int, int]]) -> None:
    """No byte of memory changed but in these ranges: (address, size)."""
    size = len(pair.unit_memory)
    for address, length in allowed:
        stop = min(address + length, size)
        pair.walker_memory[address:stop] = pair.unit_memory[address:stop]
    assert pair.unit_memory == pair.walker_memory, pair.differences()
