"""Plug-ins: found, heard, and named when something is wrong with them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pluggy
import pytest

from vtd_plugin.bus import (
    Event,
    Option,
    Platform,
    Registry,
    RequesterPort,
    ResetDone,
    ResetKind,
    Unit,
    hookimpl,
)
from vtd_plugin.bus.testing import FakeDevice, FakeUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


SECOND = 0xFED9_1000


class Disk(FakeDevice):
    """A device that keeps its options."""

    def __init__(self, port: RequesterPort, blocks: int, label: str, read_only: bool) -> None:
        super().__init__("disk")
        self.port = port
        self.options = (blocks, label, read_only)


DISK_OPTIONS = (
    Option("blocks", int, 64, "capacity in blocks"),
    Option("label", str, "none", "what is written on it"),
    Option("read_only", bool, False, "whether writes are refused"),
)


class Offering:
    """A plug-in that offers a unit and a device."""

    @hookimpl
    def vtd_plugin_register(self, registry: Registry) -> None:
        registry.add_unit("fake", FakeUnit, [Option("name", str, "offered", "its name")])
        registry.add_device("disk", Disk, DISK_OPTIONS, help="a small disk")


class Watching:
    """A plug-in that observes, and notes the units it hears of."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.units: list[Unit] = []

    @hookimpl
    def vtd_plugin_observe(self, platform: Platform) -> Callable[[Event], None]:
        return self.events.append

    @hookimpl
    def vtd_plugin_unit_added(self, platform: Platform, unit: Unit) -> None:
        self.units.append(unit)


class Claiming:
    """A plug-in that gives bus 1 to a unit of its own choice."""

    unit: Unit | None = None

    @hookimpl
    def vtd_plugin_claim(self, platform: Platform, source_id: int) -> Unit | None:
        return self.unit if source_id >> 8 == 1 else None


def platform_with(*plugins: object) -> Platform:
    return Platform(plugins=plugins, load_entry_points=False)


def test_kinds_are_built_by_name_with_their_defaults() -> None:
    platform = platform_with(Offering())
    unit = platform.create_unit("fake", base=SECOND, scope=["00:04.0"])
    disk = platform.create_device("disk", "00:04.0", label="data")
    assert isinstance(unit, FakeUnit)
    assert isinstance(disk, Disk)
    assert unit.name == "offered"
    assert disk.options == (64, "data", False)
    assert disk.port is platform.requester("00:04.0")
    assert (platform.units, platform.devices) == ((unit,), (disk,))


def test_a_registry_can_be_listed_before_anything_is_built() -> None:
    kind = platform_with(Offering()).registry.devices["disk"]
    assert (kind.options, kind.help) == (DISK_OPTIONS, "a small disk")
    assert kind.plugin == "tests.bus.test_hooks.Offering"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"block": 1}, "'disk' has no option 'block'; there are: blocks, label, read_only"),
        ({"blocks": "64"}, "option 'blocks' of 'disk' is '64', not int"),
        ({"blocks": True}, "option 'blocks' of 'disk' is True, not int"),
        ({"read_only": 1}, "option 'read_only' of 'disk' is 1, not bool"),
    ],
)
def test_wrong_options_are_refused_with_what_is_allowed(
    options: dict[str, object], message: str
) -> None:
    platform = platform_with(Offering())
    with pytest.raises(ValueError, match=message):
        platform.create_device("disk", "00:04.0", **options)
    assert platform.devices == ()


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no kind 'tape'; there are: disk"):
        platform_with(Offering()).create_device("tape", 0)
    with pytest.raises(ValueError, match="no kind 'vtd'; there are: none"):
        platform_with().create_unit("vtd")


def test_two_plugins_cannot_offer_one_name() -> None:
    with pytest.raises(
        ValueError, match=r"by plug-in 'tests\.bus\.test_hooks\.Offering'"
    ) as caught:
        platform_with(Offering(), Offering())
    assert caught.value.__notes__ == [
        "raised by plug-in 'tests.bus.test_hooks.Offering#2' of vtd_plugin"
    ]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (Option("base", int, 0, ""), "option 'base' of 'odd': the name is taken"),
        (Option("size", int, "0", ""), "option 'size' of 'odd' is '0', not int"),
    ],
)
def test_impossible_options_are_refused_when_they_are_offered(option: Option, message: str) -> None:
    class Odd:
        @hookimpl
        def vtd_plugin_register(self, registry: Registry) -> None:
            registry.add_unit("odd", FakeUnit, [option])

    with pytest.raises(ValueError, match=message):
        platform_with(Odd())


def test_a_misspelt_hook_is_an_error() -> None:
    class Misspelt:
        @hookimpl
        def vtd_plugin_registre(self, registry: Registry) -> None: ...

    with pytest.raises(pluggy.PluginValidationError, match="vtd_plugin_registre"):
        platform_with(Misspelt())


def test_a_plugin_that_raises_is_named() -> None:
    class Broken:
        @hookimpl
        def vtd_plugin_observe(self, platform: Platform) -> None:
            raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order") as caught:
        platform_with(Broken())
    assert "test_hooks" in caught.value.__notes__[0]
    assert "Broken" in caught.value.__notes__[0]


def test_observers_of_plugins_are_told_events() -> None:
    watching = Watching()
    platform = platform_with(watching)
    platform.reset_units()
    assert watching.events == [ResetDone(ResetKind.WARM, "units")]


def test_units_are_told_to_plugins_that_come_later_too() -> None:
    early, late = Watching(), Watching()
    platform = platform_with(early)
    unit = platform.add_unit(FakeUnit())
    platform.plugins.register(late)
    assert (early.units, late.units) == ([unit], [unit])


def test_platforms_share_no_plugins() -> None:
    assert "disk" in platform_with(Offering()).registry.devices
    assert platform_with().registry.devices == {}


def test_a_claim_comes_before_the_unit_that_takes_the_rest() -> None:
    claiming = Claiming()
    platform = platform_with(claiming)
    early = platform.requester("01:00.0")
    named = platform.add_unit(FakeUnit(), scope=["01:00.1"])
    claiming.unit = named
    rest = platform.add_unit(FakeUnit(name="second"), base=SECOND)
    assert early.unit is named
    assert platform.requester("01:01.0").unit is named
    assert platform.requester("00:01.0").unit is rest


def test_a_scope_comes_before_a_claim() -> None:
    claiming = Claiming()
    platform = platform_with(claiming)
    named = platform.add_unit(FakeUnit(), scope=["01:00.0"])
    claiming.unit = platform.add_unit(FakeUnit(name="second"), base=SECOND)
    assert platform.requester("01:00.0").unit is named


def test_a_claim_for_a_unit_of_nowhere_is_refused() -> None:
    claiming = Claiming()
    claiming.unit = FakeUnit()
    with pytest.raises(ValueError, match=r"gives 01:00\.0 to .*no unit of this platform"):
        platform_with(claiming).requester("01:00.0")


def test_a_wrapper_surrounds_the_others() -> None:
    class Wrapping:
        @hookimpl(wrapper=True)
        def vtd_plugin_claim(self, platform: Platform, source_id: int) -> Iterator[None]:
            claimed = yield
            return None if source_id == 0x0107 else claimed

    claiming = Claiming()
    platform = platform_with(claiming, Wrapping())
    claiming.unit = platform.add_unit(FakeUnit(), scope=[])
    assert platform.requester("01:00.0").unit is claiming.unit
    assert platform.requester("01:00.7").unit is None


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on the module search path in which packages are as good as installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(directory: Path, name: str, source: str) -> None:
    """What installing a package with one module and one entry point leaves behind."""
    (directory / f"{name}.py").write_text(source)
    metadata = directory / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[vtd_plugin]\n{name}-plugin = {name}\n")


GOOD = """
from vtd_plugin.bus import hookimpl
from vtd_plugin.bus.testing import FakeUnit

@hookimpl
def vtd_plugin_register(registry):
    registry.add_unit("installed", FakeUnit)
"""


def test_plugins_of_installed_packages_take_part(installed: Path) -> None:
    install(installed, "installed_good", GOOD)
    platform = Platform()
    assert platform.registry.units["installed"].plugin == "installed_good-plugin"
    assert isinstance(platform.create_unit("installed"), FakeUnit)
    assert "installed" not in Platform(load_entry_points=False).registry.units


def test_a_plugin_at_hand_that_is_installed_too_takes_part_once(installed: Path) -> None:
    install(installed, "installed_twice", GOOD)
    __import__("installed_twice")
    platform = Platform(plugins=[sys.modules["installed_twice"]])
    assert platform.registry.units["installed"].plugin == "installed_twice"


def test_an_installed_plugin_that_cannot_be_imported_is_named(installed: Path) -> None:
    install(installed, "installed_broken", "import no_such_module_anywhere")
    with pytest.raises(ModuleNotFoundError) as caught:
        Platform()
    assert caught.value.__notes__ == ["raised by plug-in 'installed_broken-plugin' of vtd_plugin"]
