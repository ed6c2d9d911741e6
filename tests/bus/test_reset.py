"""Resets of masters and units, in either order."""

from __future__ import annotations

import pytest

from vtd_plugin.bus import (
    DIRECT,
    Answer,
    Event,
    Mapping,
    Platform,
    ResetDone,
    ResetKind,
    ResetOrder,
)
from vtd_plugin.bus.testing import FakeDevice, FakeUnit

IOVA = 0x1000_0000
HOST = 0x10_0000


class Recorder(FakeDevice):
    """A device that notes what it finds when it is reset."""

    def __init__(self, platform: Platform, unit: FakeUnit) -> None:
        super().__init__("recorder")
        self._platform = platform
        self._unit = unit
        self.unit_was_reset: list[bool] = []
        self.in_flight: list[int] = []

    def reset(self, kind: ResetKind) -> None:
        super().reset(kind)
        self.unit_was_reset.append(bool(self._unit.resets))
        self.in_flight.append(sum(len(port.in_flight) for port in self._platform.ports))


@pytest.mark.parametrize("kind", ["warm", "cold"])
@pytest.mark.parametrize(("order", "unit_first"), [("masters-first", False), ("units-first", True)])
def test_a_reset_reaches_masters_and_units_in_the_order_asked_for(
    platform: Platform, fake_unit: FakeUnit, kind: str, order: str, unit_first: bool
) -> None:
    device = platform.add_device(Recorder(platform, fake_unit))
    transfer = platform.requester("00:04.0").begin(IOVA, 8, write=True)
    platform.reset(kind, order)
    assert device.resets == [kind]
    assert fake_unit.resets == [kind]
    assert device.unit_was_reset == [unit_first]
    assert device.in_flight == [0]
    assert transfer.aborted
    assert fake_unit.ended == [transfer]


def test_a_reset_is_warm_and_resets_masters_first_unless_told_otherwise(
    platform: Platform, fake_unit: FakeUnit
) -> None:
    events: list[Event] = []
    platform.add_observer(events.append)
    platform.reset()
    assert [event for event in events if isinstance(event, ResetDone)] == [
        ResetDone(ResetKind.WARM, "masters", ResetOrder.MASTERS_FIRST),
        ResetDone(ResetKind.WARM, "units", ResetOrder.MASTERS_FIRST),
    ]


def test_a_half_that_is_reset_alone_has_no_order(platform: Platform) -> None:
    events: list[Event] = []
    platform.add_observer(events.append)
    platform.reset_units()
    platform.reset_masters()
    assert events == [ResetDone(ResetKind.WARM, "units"), ResetDone(ResetKind.WARM, "masters")]


def test_memory_keeps_its_content(platform: Platform) -> None:
    platform.write(0x1000, b"kept")
    platform.reset("cold")
    assert platform.read(0x1000, 4) == b"kept"


def test_between_a_unit_reset_and_a_master_reset_transfers_end_where_they_began(
    platform: Platform, fake_unit: FakeUnit
) -> None:
    port = platform.requester("00:04.0")
    transfer = port.begin(IOVA, 8, write=True)
    platform.reset_units()
    assert port.space is DIRECT
    transfer.write(0, b"as begun")
    assert platform.read(HOST, 8) == b"as begun"
    assert port.read(0x2000, 4).ok
    platform.reset_masters()
    assert transfer.end().answer is Answer.ABORTED


def test_a_shadow_is_direct_memory_after_a_reset(platform: Platform, fake_unit: FakeUnit) -> None:
    device = platform.assign("00:04.0")
    transfer = device.begin(IOVA, 8)
    platform.reset()
    assert transfer.aborted
    assert device.shadow.mappings == (Mapping(0, 0, 64 << 20),)
    assert device.write(0x7C00, b"firmware").ok


def test_a_function_reset_aborts_what_one_requester_has_in_flight(
    platform: Platform, fake_unit: FakeUnit
) -> None:
    events: list[Event] = []
    mine, other = platform.requester("00:04.0"), platform.requester("00:05.0")
    aborted, kept = mine.begin(IOVA, 4), other.begin(IOVA, 4)
    platform.add_observer(events.append)
    mine.reset()
    assert (aborted.aborted, kept.aborted) == (True, False)
    assert events[-1] == ResetDone(ResetKind.FUNCTION, "00:04.0")
    assert fake_unit.resets == []


def test_an_interrupt_may_reset_the_master_that_sent_it(
    platform: Platform, fake_unit: FakeUnit
) -> None:
    port = platform.requester("00:04.0")
    platform.add_interrupt_sink(lambda message: platform.reset())
    transfer = port.begin(0xFEE0_0000, 4, write=True)
    transfer.write(0, bytes(4))
    assert transfer.end().answer is Answer.ABORTED
    assert port.in_flight == ()
    assert fake_unit.ended == [transfer]


@pytest.mark.parametrize(
    ("kind", "order"),
    [("function", "masters-first"), ("hot", "masters-first"), ("warm", "backwards")],
)
def test_wrong_words_are_refused_before_anything_is_reset(
    platform: Platform, fake_unit: FakeUnit, kind: str, order: str
) -> None:
    with pytest.raises(ValueError, match=r"'warm' or 'cold'|backwards"):
        platform.reset(kind, order)
    assert fake_unit.resets == []


def test_device_names_are_unique(platform: Platform) -> None:
    disk = platform.add_device(FakeDevice("disk"))
    with pytest.raises(ValueError, match="a device 'disk' already"):
        platform.add_device(FakeDevice("disk"))
    assert platform.devices == (disk,)
