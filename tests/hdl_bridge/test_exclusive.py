from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hdl_bridge.burst_port import BurstPort
from hdl_bridge.exclusive import ExclusiveMonitor

if TYPE_CHECKING:
    from hdl_bridge.exclusive import Owner
    from vtd_plugin.bus import Platform


def _owner(platform: Platform, source_id: str, identifier: int = 0) -> Owner:
    return BurstPort(platform, source_id, "DECERR", None, {}), identifier


@pytest.fixture
def me(platform: Platform) -> Owner:
    return _owner(platform, "00:04.0")


@pytest.mark.parametrize(
    ("write", "stands"),
    [((0x0, 8), True), ((0x10, 8), True), ((0x7, 2), False), ((0xF, 1), False), ((0x0, 64), False)],
)
def test_a_write_breaks_the_reservations_it_touches(
    me: Owner, write: tuple[int, int], stands: bool
) -> None:
    port, identifier = me
    other = (port, identifier + 1)
    monitor = ExclusiveMonitor()
    monitor.reserve(me, 8, 8)
    monitor.reserve(other, 0x100, 8)
    monitor.written(*write)
    assert monitor.claim(me, 8, 8) is stands
    assert monitor.claim(other, 0x100, 8)


def test_a_claim_is_for_just_what_was_reserved_and_ends_it(me: Owner) -> None:
    monitor = ExclusiveMonitor()
    monitor.reserve(me, 8, 8)
    assert not monitor.claim(me, 8, 4)
    assert not monitor.claim(me, 8, 8)
    monitor.reserve(me, 8, 8)
    monitor.reserve(me, 16, 8)
    assert not monitor.claim(me, 8, 8)


def test_a_function_reset_takes_the_reservations_of_its_requester(
    platform: Platform, me: Owner
) -> None:
    other = _owner(platform, "00:05.0")
    monitor = ExclusiveMonitor()
    monitor.reserve(me, 8, 8)
    monitor.reserve(other, 16, 8)
    platform.requester("00:04.0").reset()
    assert not monitor.claim(me, 8, 8)
    assert monitor.claim(other, 16, 8)
    monitor.reserve(me, 8, 8)
    assert monitor.claim(me, 8, 8)


def test_a_reset_of_masters_takes_all_reservations_and_one_of_units_none(
    platform: Platform, me: Owner
) -> None:
    monitor = ExclusiveMonitor()
    monitor.reserve(me, 8, 8)
    platform.reset_units()
    assert monitor.claim(me, 8, 8)
    monitor.reserve(me, 8, 8)
    platform.reset_masters()
    assert not monitor.claim(me, 8, 8)
