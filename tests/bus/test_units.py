"""Which unit takes which requester."""

from __future__ import annotations

import pytest

from vtd_plugin.bus import DIRECT, Platform
from vtd_plugin.bus.testing import FakeUnit

SECOND = 0xFED9_1000


def test_a_unit_without_scope_takes_every_requester(platform: Platform) -> None:
    early = platform.requester("00:04.0")
    assert (early.unit, early.space) == (None, DIRECT)
    unit = platform.add_unit(FakeUnit())
    late = platform.requester("00:05.0")
    assert early.unit is unit
    assert late.unit is unit
    assert early.space is unit
    assert unit.host.ports == [early, late]


def test_a_scope_comes_before_the_unit_that_takes_the_rest(platform: Platform) -> None:
    graphics = platform.add_unit(FakeUnit(name="graphics"), scope=["00:02.0", 0x0011])
    rest = platform.add_unit(FakeUnit(name="rest"), base=SECOND)
    assert platform.requester("00:02.0").unit is graphics
    assert platform.requester("00:02.1").unit is graphics
    assert platform.requester("00:03.0").unit is rest
    assert platform.units == (graphics, rest)


def test_without_a_unit_for_the_rest_the_rest_is_direct(platform: Platform) -> None:
    platform.add_unit(FakeUnit(), scope=["00:02.0"])
    assert platform.requester("00:03.0").unit is None


def test_two_units_cannot_take_the_rest(platform: Platform) -> None:
    platform.add_unit(FakeUnit(name="first"))
    with pytest.raises(ValueError, match=r"give unit 'second' at 0x[0-9a-f]+ a scope"):
        platform.add_unit(FakeUnit(name="second"), base=SECOND)


def test_two_scopes_cannot_name_one_requester(platform: Platform) -> None:
    platform.add_unit(FakeUnit(name="first"), scope=["00:02.0", "00:03.0"])
    with pytest.raises(ValueError, match=r"00:03\.0: in the scope of unit 'first'"):
        platform.add_unit(FakeUnit(), base=SECOND, scope=["00:03.0"])


def test_a_requester_stays_with_its_unit(platform: Platform) -> None:
    first = platform.add_unit(FakeUnit(name="first"))
    port = platform.requester("00:02.0")
    with pytest.raises(ValueError, match=r"00:02\.0 belongs to unit 'first' already"):
        platform.add_unit(FakeUnit(), base=SECOND, scope=["00:02.0"])
    assert port.unit is first
    assert platform.units == (first,)


def test_a_unit_is_added_once(platform: Platform) -> None:
    unit = platform.add_unit(FakeUnit())
    with pytest.raises(ValueError, match="added already"):
        platform.add_unit(unit, base=SECOND, scope=["00:02.0"])


def test_registers_of_units_do_not_overlap(platform: Platform) -> None:
    platform.add_unit(FakeUnit(), scope=["00:02.0"])
    second = FakeUnit(name="second")
    with pytest.raises(ValueError, match="overlaps what is already at 0xfed90000"):
        platform.add_unit(second)
    assert platform.add_unit(second, base=SECOND) is second


def test_a_wrong_scope_is_refused(platform: Platform) -> None:
    with pytest.raises(ValueError, match="source-id 'disk'"):
        platform.add_unit(FakeUnit(), scope=["disk"])
    assert platform.units == ()
