"""Transfers: begun, moved beat by beat, ended or aborted."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from vtd_plugin.bus import (
    AddressType,
    Answer,
    Event,
    Mapping,
    Platform,
    RequesterPort,
    UnclaimedAccess,
)
from vtd_plugin.bus.testing import FakeUnit, RecordingSink

IOVA = 0x1000_0000
HOST = 0x10_0000
WINDOW = 0xFEE0_0000


@pytest.fixture
def port(platform: Platform, fake_unit: FakeUnit) -> RequesterPort:
    return platform.requester("00:04.0")


def test_beginning_resolves_every_page_and_moves_nothing(
    port: RequesterPort, fake_unit: FakeUnit, platform: Platform
) -> None:
    transfer = port.begin(IOVA + 0x800, 0x1800, write=True)
    assert [request.address for request in fake_unit.requests] == [IOVA + 0x800, IOVA + 0x1000]
    places = [(offset, length, page.base) for offset, length, page in transfer.translations]
    assert places == [(0, 0x800, HOST), (0x800, 0x1000, HOST + 0x1000)]
    assert platform.read(HOST, 0x3000) == bytes(0x3000)
    assert (transfer.ok, transfer.is_write, transfer.ended) == (True, True, False)


@pytest.mark.parametrize("seed", range(4))
def test_beats_in_any_order_and_size_make_up_the_whole(
    port: RequesterPort, platform: Platform, seed: int
) -> None:
    chance = random.Random(seed)
    data = chance.randbytes(0x2100)
    cuts = sorted({0, len(data), *(chance.randrange(len(data)) for _ in range(40))})
    beats = list(pairwise(cuts))
    chance.shuffle(beats)
    store = port.begin(IOVA + 0xF80, len(data), write=True)
    for start, end in beats:
        store.write(start, data[start:end])
    assert store.end().transferred == len(data)
    assert platform.read(HOST + 0xF80, len(data)) == data
    load = port.begin(IOVA + 0xF80, len(data))
    for start, end in beats:
        assert load.read(start, end - start) == data[start:end]
    result = load.end()
    assert (result.ok, result.data, result.transferred) == (True, b"", len(data))


def test_ending_a_read_without_a_beat_reads_it_all_now(
    port: RequesterPort, platform: Platform
) -> None:
    transfer = port.begin(IOVA, 8)
    platform.write(HOST, b"afterall")
    assert transfer.end().data == b"afterall"


def test_ending_a_write_without_a_beat_moves_nothing(
    port: RequesterPort, platform: Platform
) -> None:
    platform.write(HOST, b"untouched")
    result = port.begin(IOVA, 9, write=True).end()
    assert (result.ok, result.transferred) == (True, 0)
    assert platform.read(HOST, 9) == b"untouched"


def test_ending_twice_changes_nothing(port: RequesterPort, fake_unit: FakeUnit) -> None:
    transfer = port.begin(IOVA, 4)
    assert transfer.end() is transfer.end()
    assert fake_unit.ended == [transfer]


def test_it_is_in_flight_until_it_ends(port: RequesterPort, fake_unit: FakeUnit) -> None:
    first, second = port.begin(IOVA, 4), port.begin(IOVA, 4, write=True)
    assert list(port.in_flight) == [first, second]
    first.end()
    assert list(port.in_flight) == [second]
    assert fake_unit.ended == [first]
    second.abort()
    assert list(port.in_flight) == []
    assert fake_unit.ended == [first, second]


def test_the_port_has_forgotten_it_when_the_unit_is_told(platform: Platform) -> None:
    seen: list[int] = []

    class Draining(FakeUnit):
        def transfer_ended(self, transfer: object) -> None:
            seen.append(sum(len(port.in_flight) for port in self.host.ports))

    platform.add_unit(Draining([Mapping(0, 0, 0x1000)]))
    platform.requester("00:04.0").begin(0, 4).end()
    assert seen == [0]


def test_it_keeps_the_translation_it_began_with(
    port: RequesterPort, fake_unit: FakeUnit, platform: Platform
) -> None:
    transfer = port.begin(IOVA, 8, write=True)
    transfer.write(0, b"old ")
    fake_unit.tables.clear()
    fake_unit.enable(False)
    transfer.write(4, b"page")
    assert transfer.end().ok
    assert platform.read(HOST, 8) == b"old page"
    assert not port.read(IOVA, 8).ok


def test_beats_of_blocked_pages_go_nowhere(
    port: RequesterPort, fake_unit: FakeUnit, platform: Platform
) -> None:
    fake_unit.block(IOVA + 0x1000, Answer.CA)
    platform.write(HOST, b"\x11" * 0x3000)
    store = port.begin(IOVA, 0x3000, write=True)
    assert (store.ok, store.answer) == (False, Answer.CA)
    assert store.fault is store.faults[0]
    store.write(0xFFE, b"\x22" * 0x1004)
    assert store.end().transferred == 4
    assert platform.read(HOST, 0x3000) == (
        b"\x11" * 0xFFE + b"\x22\x22" + b"\x11" * 0x1000 + b"\x22\x22" + b"\x11" * 0xFFE
    )
    load = port.begin(IOVA, 0x3000)
    assert load.read(0xFFE, 4) == b"\x22\x22\xff\xff"
    assert load.read(0x1800, 4) == b"\xff" * 4


def test_what_answers_nowhere_is_known_at_the_beginning(
    port: RequesterPort, fake_unit: FakeUnit
) -> None:
    fake_unit.tables.add(Mapping(0x5000, 0x9000_0000, 0x1000))
    transfer = port.begin(0x5000, 4)
    assert (transfer.answer, transfer.fault) == (Answer.UR, None)
    assert transfer.read(0, 4) == b"\xff" * 4
    assert transfer.end().transferred == 0


@pytest.mark.parametrize("beats", range(4))
def test_an_aborted_write_keeps_only_the_beats_before(
    port: RequesterPort, platform: Platform, beats: int
) -> None:
    transfer = port.begin(IOVA, 16, write=True)
    for beat in range(4):
        if beat == beats:
            transfer.abort()
        transfer.write(4 * beat, b"\xcc" * 4)
    result = transfer.end()
    assert (result.answer, result.ok, result.transferred) == (Answer.ABORTED, False, 4 * beats)
    assert (transfer.aborted, transfer.ended, transfer.ok) == (True, True, False)
    assert platform.read(HOST, 16) == b"\xcc" * 4 * beats + bytes(16 - 4 * beats)


@pytest.mark.parametrize("beats", range(4))
def test_an_aborted_read_reads_ones(port: RequesterPort, platform: Platform, beats: int) -> None:
    transfer = port.begin(IOVA, 16)
    read = b""
    for beat in range(4):
        if beat == beats:
            transfer.abort()
        read += transfer.read(4 * beat, 4)
    assert read == bytes(4 * beats) + b"\xff" * (16 - 4 * beats)
    assert transfer.end().answer is Answer.ABORTED


def test_an_atomic_is_done_between_its_beginning_and_its_end(
    port: RequesterPort, fake_unit: FakeUnit, platform: Platform
) -> None:
    transfer = port.begin_atomic(IOVA, 4)
    assert port.in_flight == (transfer,)
    platform.write(HOST, b"\x05")
    transfer.modify(lambda old: old + 2)
    assert transfer.end().data == b"\x05\x00\x00\x00"
    assert platform.read(HOST, 8) == b"\x07" + bytes(7)
    assert fake_unit.ended == [transfer]


@pytest.mark.parametrize(("iova", "size"), [(IOVA + 4, 8), (IOVA, 2)])
def test_an_atomic_that_could_not_be_sent_does_not_begin(
    port: RequesterPort, iova: int, size: int
) -> None:
    with pytest.raises(ValueError, match="an atomic"):
        port.begin_atomic(iova, size)
    assert port.in_flight == ()


def test_an_abort_after_the_end_changes_nothing(port: RequesterPort) -> None:
    transfer = port.begin(IOVA, 4)
    result = transfer.end()
    transfer.abort()
    assert not transfer.aborted
    assert transfer.end() is result


def test_an_interrupt_leaves_at_the_end(port: RequesterPort, interrupts: RecordingSink) -> None:
    transfer = port.begin(WINDOW, 4, write=True)
    transfer.write(2, b"\x00\x00")
    transfer.write(0, b"\x41\x40")
    assert interrupts.messages == []
    assert transfer.end().ok
    assert [message.data for message in interrupts.messages] == [0x4041]


@pytest.mark.parametrize(("beat", "answer"), [(b"", Answer.OK), (b"\x41\x00\x00", Answer.UR)])
def test_less_than_a_dword_is_no_interrupt(
    port: RequesterPort, interrupts: RecordingSink, beat: bytes, answer: Answer
) -> None:
    transfer = port.begin(WINDOW, 4, write=True)
    transfer.write(0, beat)
    assert transfer.end().answer is answer
    assert interrupts.messages == []


def test_an_aborted_interrupt_never_leaves(port: RequesterPort, interrupts: RecordingSink) -> None:
    transfer = port.begin(WINDOW, 4, write=True)
    transfer.write(0, bytes(4))
    transfer.abort()
    transfer.end()
    assert interrupts.messages == []


@pytest.mark.parametrize(("offset", "size"), [(-1, 1), (0, 9), (8, 1)])
def test_beats_stay_inside(port: RequesterPort, offset: int, size: int) -> None:
    with pytest.raises(ValueError, match=r"a beat of \d bytes at offset"):
        port.begin(IOVA, 8).read(offset, size)
    with pytest.raises(ValueError, match=r"a beat of \d bytes at offset"):
        port.begin(IOVA, 8, write=True).write(offset, bytes(size))


def test_beats_have_the_direction_of_the_transfer(port: RequesterPort) -> None:
    with pytest.raises(ValueError, match="a write beat of Transfer"):
        port.begin(IOVA, 8).write(0, b"x")
    with pytest.raises(ValueError, match="a read beat of Transfer"):
        port.begin(IOVA, 8, write=True).read(0, 1)


def test_beats_come_before_the_end(port: RequesterPort) -> None:
    transfer = port.begin(IOVA, 8)
    transfer.end()
    with pytest.raises(ValueError, match="has ended"):
        transfer.read(0, 1)


@pytest.mark.parametrize("write", [False, True])
def test_zero_bytes_where_nobody_answers_are_refused_and_observed(
    port: RequesterPort, fake_unit: FakeUnit, platform: Platform, write: bool
) -> None:
    fake_unit.tables.add(Mapping(0x5000_0000, 0x7000_0000, 0x1000))
    seen: list[Event] = []
    platform.add_observer(seen.append)
    transfer = port.begin(0x5000_0000, 0, write)
    assert (transfer.answer, transfer.faults) == (Answer.UR, ())
    assert UnclaimedAccess(port.source_id, 0x7000_0000, 0, write) in seen
    assert port.begin(IOVA, 0, write).ok


def test_a_translation_request_is_in_flight_and_moves_nothing(
    port: RequesterPort, fake_unit: FakeUnit
) -> None:
    transfer = port.begin_translation(IOVA + 0x1004, pasid=3, no_write=True)
    asked = fake_unit.requests[-1]
    assert (asked.address, asked.size) == (IOVA + 0x1000, 8)
    assert asked.attributes == transfer.attributes
    assert (asked.attributes.address_type, asked.attributes.pasid) == (AddressType.TRANSLATION, 3)
    assert asked.attributes.no_write
    ((_, _, translation),) = transfer.translations
    assert translation.address(transfer.iova) == HOST + 0x1004
    assert list(port.in_flight) == [transfer]
    result = transfer.end()
    assert (result.ok, result.data, result.transferred) == (True, b"", 0)
    assert list(port.in_flight) == []


def test_a_translation_request_that_is_refused_says_what_the_bus_answers(
    port: RequesterPort, fake_unit: FakeUnit
) -> None:
    fake_unit.block(IOVA, Answer.RIGHTS_LEFT)
    transfer = port.begin_translation(IOVA)
    assert (transfer.answer, transfer.translations) == (Answer.RIGHTS_LEFT, ())
    assert transfer.end().fault == transfer.fault is not None


def test_who_waits_for_it_is_told_of_an_abort_and_of_no_end(port: RequesterPort) -> None:
    told: list[str] = []
    ended, aborted = port.begin(IOVA, 4), port.begin_translation(IOVA)
    ended.when_aborted(lambda: told.append("ended"))
    aborted.when_aborted(lambda: told.append("aborted"))
    aborted.when_aborted(lambda: told.append(f"{aborted.ended} {port.in_flight}"))
    ended.end()
    port.reset()
    port.reset()
    assert told == ["aborted", "True ()"]
