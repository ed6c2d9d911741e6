"""What observers are told, and that nobody else pays for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vtd_plugin.bus import (
    READ,
    WRITE,
    Answer,
    Attributes,
    Event,
    Fault,
    InterruptDelivered,
    InterruptMessage,
    Mapping,
    Platform,
    RequestBlocked,
    RequestKind,
    RequestResolved,
    TransferBegan,
    TransferEnded,
    Translation,
    UnclaimedAccess,
)

if TYPE_CHECKING:
    from vtd_plugin.bus.testing import FakeUnit

IOVA = 0x1000_0000


@pytest.fixture
def events(platform: Platform, fake_unit: FakeUnit) -> list[Event]:
    seen: list[Event] = []
    platform.requester("00:04.0")
    platform.add_observer(seen.append)
    return seen


def without_resolutions(events: list[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, RequestResolved)]


def test_a_read_begins_and_ends(platform: Platform, events: list[Event]) -> None:
    platform.requester("00:04.0").read(IOVA, 16)
    assert without_resolutions(events) == [
        TransferBegan(0x20, IOVA, 16, READ, 1),
        TransferEnded(0x20, IOVA, 16, READ, Answer.OK, 16, 1),
    ]


def test_blocked_requests_are_told_one_by_one(
    platform: Platform, fake_unit: FakeUnit, events: list[Event]
) -> None:
    fake_unit.block(IOVA)
    fake_unit.block(IOVA + 0x1000)
    result = platform.requester("00:04.0").write(IOVA, bytes(0x2800))
    assert without_resolutions(events) == [
        TransferBegan(0x20, IOVA, 0x2800, WRITE, 1),
        *(RequestBlocked(fault) for fault in result.faults),
        TransferEnded(0x20, IOVA, 0x2800, WRITE, Answer.UR, 0x800, 1),
    ]
    assert len(result.faults) == 2


def test_where_nothing_answers_is_told(
    platform: Platform, fake_unit: FakeUnit, events: list[Event]
) -> None:
    fake_unit.tables.add(Mapping(0x5000, 0x9000_0000, 0x1000))
    platform.requester("00:04.0").read(0x5000, 8)
    assert UnclaimedAccess(0x20, 0x9000_0000, 8, write=False) in events


def test_a_transfer_is_told_when_it_begins_and_when_it_ends(
    platform: Platform, events: list[Event]
) -> None:
    transfer = platform.requester("00:04.0").begin(IOVA, 8, write=True)
    assert without_resolutions(events) == [TransferBegan(0x20, IOVA, 8, WRITE, 1)]
    transfer.abort()
    assert without_resolutions(events)[1:] == [
        TransferEnded(0x20, IOVA, 8, WRITE, Answer.ABORTED, 0, 1)
    ]


def test_equal_transfers_in_flight_are_told_apart(platform: Platform, events: list[Event]) -> None:
    port = platform.requester("00:04.0")
    first, second = port.begin(IOVA, 8), port.begin(IOVA, 8)
    second.end()
    first.end()
    told = without_resolutions(events)
    assert [getattr(event, "number", None) for event in told] == [1, 2, 2, 1]


def test_the_end_of_a_transfer_that_nobody_saw_begin_has_no_number(platform: Platform) -> None:
    transfer = platform.requester("00:04.0").begin(0x1000, 8)
    events: list[Event] = []
    platform.add_observer(events.append)
    transfer.end()
    assert events == [TransferEnded(0x20, 0x1000, 8, READ, Answer.OK, 8, 0)]


def test_an_atomic_is_told_like_any_other(platform: Platform, events: list[Event]) -> None:
    platform.requester("00:04.0").atomic(IOVA, 1)
    atomic = Attributes(RequestKind.ATOMIC)
    assert without_resolutions(events) == [
        TransferBegan(0x20, IOVA, 8, atomic, 1),
        TransferEnded(0x20, IOVA, 8, atomic, Answer.OK, 8, 1),
    ]


def test_every_page_of_a_request_is_told_with_its_answer(
    platform: Platform, fake_unit: FakeUnit, events: list[Event]
) -> None:
    fake_unit.block(IOVA + 0x1000)
    result = platform.requester("00:04.0").read(IOVA + 0xFF0, 32)
    first, second = (event for event in events if isinstance(event, RequestResolved))
    assert (first.address, first.size) == (IOVA + 0xFF0, 16)
    assert isinstance(first.resolution, Translation)
    assert second == RequestResolved(0x20, IOVA + 0x1000, 16, READ, result.faults[0])


def test_interrupts_are_told_when_they_leave(platform: Platform, events: list[Event]) -> None:
    platform.requester("00:04.0").write(0xFEE0_0000, b"\x41\x00\x00\x00")
    assert without_resolutions(events)[1] == InterruptDelivered(
        InterruptMessage(0xFEE0_0000, 0x41, 0x20)
    )


def test_a_unit_tells_through_its_host(
    platform: Platform, fake_unit: FakeUnit, events: list[Event]
) -> None:
    message = InterruptMessage(0xFEE0_0000, 0x22)
    fake_unit.host.deliver(message)
    fake_unit.host.emit(InterruptDelivered(message))
    assert events == [InterruptDelivered(message)] * 2
    assert fake_unit.host.memory is platform.memory


def test_an_observer_that_left_is_told_nothing(platform: Platform, fake_unit: FakeUnit) -> None:
    first: list[Event] = []
    second: list[Event] = []
    remove_first = platform.add_observer(first.append)
    remove_second = platform.add_observer(second.append)
    remove_first()
    remove_first()
    assert fake_unit.host.observed
    platform.read(0x9000_0000, 4)
    assert (len(first), len(second)) == (0, 1)
    remove_second()
    assert not fake_unit.host.observed


def test_observing_changes_no_result(platform: Platform, fake_unit: FakeUnit) -> None:
    fake_unit.block(IOVA + 0x1000)
    port = platform.requester("00:04.0")

    def results() -> list[tuple[bytes, Answer, tuple[Fault, ...], int]]:
        done = [
            port.read(IOVA, 8),
            port.write(IOVA + 0xFF8, bytes(16)),
            port.read(IOVA + 0x1000, 4),
            port.read(0x10, 0),
            port.write(0xFEE0_0000, bytes(4)),
        ]
        return [(item.data, item.answer, item.faults, item.transferred) for item in done]

    unobserved = results()
    platform.add_observer(lambda event: None)
    assert results() == unobserved
