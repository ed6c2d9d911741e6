"""What a caller hands in wrongly is refused at once, with what was wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy
import pytest

from vtd_plugin.bus import Platform, ResetKind, hookimpl
from vtd_plugin.bus.testing import FakeDevice, FakeUnit

if TYPE_CHECKING:
    from collections.abc import Callable


class HalfUnit:
    name = "half"
    register_bytes = 4096

    def reset(self, kind: ResetKind) -> None:
        pass


class HalfDevice:
    name = "half"


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda platform: platform.add_unit(HalfUnit()),
            r"HalfUnit object .* no Unit: it lacks attach, .*, write_register \(see vtd_plugin",
        ),
        (
            lambda platform: platform.add_unit(FakeUnit),
            r"FakeUnit is a class; give an instance of it: FakeUnit\(\.\.\.\)",
        ),
        (
            lambda platform: platform.add_unit(FakeUnit(name="one"), scope="00:04.0"),
            r"scope '00:04\.0' is one string: give a list of source-ids, \['00:04\.0'\]",
        ),
        (
            lambda platform: platform.add_device(HalfDevice()),
            r"is no Device: it lacks reset \(see vtd_plugin\.bus\.Device\)",
        ),
        (
            lambda platform: platform.add_mmio(0xF000_0000, 0x1000, 3),
            r"3 is no MmioTarget: it lacks read, write",
        ),
        (
            lambda platform: platform.requester("00:04.0").add_listener(3),
            "3 is no Listener: it lacks switch, map, unmap",
        ),
        (lambda platform: platform.add_observer(3), "observer 3 cannot be called"),
        (lambda platform: platform.add_interrupt_sink(3), "interrupt sink 3 cannot be called"),
    ],
)
def test_what_cannot_take_part_is_refused(
    platform: Platform, act: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(TypeError, match=message):
        act(platform)
    assert (platform.units, platform.devices) == ((), ())


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (
            lambda platform: platform.reset("hot"),
            "a platform reset is 'warm' or 'cold', not 'hot'; a function is reset at its port",
        ),
        (lambda platform: platform.reset_units("function"), "'warm' or 'cold', not 'function'"),
        (
            lambda platform: platform.reset("warm", "backwards"),
            "'backwards' is no ResetOrder; there are: 'masters-first', 'units-first'",
        ),
        (
            lambda platform: platform.requester("00:04.0").atomic(0, 1, "add"),
            "'add' is no AtomicOperation; there are: 'fetch_add', 'swap', 'compare_swap'",
        ),
    ],
)
def test_a_wrong_word_is_answered_with_those_there_are(
    platform: Platform, act: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        act(platform)


def test_units_need_names_of_their_own(platform: Platform) -> None:
    platform.add_unit(FakeUnit(name="vtd"), scope=["00:04.0"])
    with pytest.raises(
        ValueError, match="a unit 'vtd' at 0xfed90000 already: give the one at 0xfed91000 a name"
    ):
        platform.add_unit(FakeUnit(name="vtd"), base=0xFED9_1000)


def test_only_one_unit_goes_without_a_scope(platform: Platform) -> None:
    platform.add_unit(FakeUnit(name="first"))
    with pytest.raises(
        ValueError, match=r"'first' at 0xfed90000 takes .* give unit 'second' at 0xfed91000 a scope"
    ):
        platform.add_unit(FakeUnit(name="second"), base=0xFED9_1000)


def test_devices_need_names_of_their_own(platform: Platform) -> None:
    platform.add_device(FakeDevice("disk"))
    with pytest.raises(ValueError, match="a device 'disk' already; each needs a name of its own"):
        platform.add_device(FakeDevice("disk"))


class Unmarked:
    def vtd_plugin_register(self, registry: object) -> None:
        raise AssertionError


class ObservedByThree:
    @hookimpl
    def vtd_plugin_observe(self, platform: Platform) -> Any:
        return 3


def test_a_hook_without_its_marker_is_an_error() -> None:
    message = r"vtd_plugin_register of .*Unmarked.* no marker: put @vtd_plugin\.bus\.hookimpl on it"
    with pytest.raises(pluggy.PluginValidationError, match=message):
        Platform(plugins=[Unmarked()])
    with pytest.raises(pluggy.PluginValidationError, match=message):
        Platform().plugins.register(Unmarked())


def test_the_observer_of_a_plugin_must_be_one() -> None:
    with pytest.raises(TypeError, match="observer 3 cannot be called"):
        Platform(plugins=[ObservedByThree()])
