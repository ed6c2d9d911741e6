"""What plug-ins offer by name, and the options each kind takes.

Options are declared with their type, default and help, so that a command line or a configuration
file can list and check them before anything is built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from vtd_plugin.bus.contract import Device, Unit

_RESERVED: Final = frozenset({"kind", "base", "scope", "source_id"})


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a kind.

    Attributes:
        name: Its keyword.
        type: What a value must be an instance of: bool, int, float or str.
        default: Its value when it is not given.
        help: What it does, in a few words.
    """

    name: str
    type: type
    default: object
    help: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of unit or device that a plug-in offers.

    Attributes:
        name: How users ask for it.
        factory: What builds it.
        options: What it can be told.
        plugin: Which plug-in offers it.
        help: What it is, in a few words.
    """

    name: str
    factory: Callable[..., object]
    options: tuple[Option, ...]
    plugin: str
    help: str

    def build(self, given: Mapping[str, object], *positional: object) -> object:
        """Call the factory with what is given, and defaults for the rest.

        Raises:
            ValueError: An option is unknown, or its value not of its type.
        """
        known = {option.name: option for option in self.options}
        for name, value in given.items():
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise ValueError(f"{self.name!r} has no option {name!r}; there are: {allowed}")
            _check_type(self, known[name], value)
        defaults = {option.name: option.default for option in self.options}
        return self.factory(*positional, **(defaults | dict(given)))


class Registry:
    """Where plug-ins put what they offer; one for each platform."""

    __slots__ = ("_plugin", "devices", "units")

    def __init__(self) -> None:
        self.units: dict[str, Kind] = {}
        self.devices: dict[str, Kind] = {}
        self._plugin = ""

    def for_plugin(self, plugin: str) -> Registry:
        """The same registry, as the plug-in of that name fills it."""
        registry = Registry()
        registry.units, registry.devices, registry._plugin = self.units, self.devices, plugin
        return registry

    def add_unit(
        self,
        name: str,
        factory: Callable[..., Unit],
        options: Iterable[Option] = (),
        help: str = "",  # noqa: A002 - the word users of argparse and typer know
    ) -> None:
        """Offer a kind of unit.

        Args:
            name: How users ask for it.
            factory: Called with the options as keyword arguments.
            options: What it can be told.
            help: What it is, in a few words.

        Raises:
            ValueError: The name is taken, or an option cannot be.
        """
        self._add(self.units, Kind(name, factory, tuple(options), self._plugin, help))

    def add_device(
        self,
        name: str,
        factory: Callable[..., Device],
        options: Iterable[Option] = (),
        help: str = "",  # noqa: A002 - as above
    ) -> None:
        """Offer a kind of device.

        Args:
            name: How users ask for it.
            factory: Called with its requester port, and the options as keyword arguments.
            options: What it can be told.
            help: What it is, in a few words.

        Raises:
            ValueError: The name is taken, or an option cannot be.
        """
        self._add(self.devices, Kind(name, factory, tuple(options), self._plugin, help))

    def _add(self, kinds: dict[str, Kind], kind: Kind) -> None:
        if kind.name in kinds:
            owner = kinds[kind.name].plugin
            raise ValueError(f"kind {kind.name!r} is offered by plug-in {owner!r} already")
        seen: set[str] = set()
        for option in kind.options:
            if option.name in _RESERVED or option.name in seen:
                raise ValueError(f"option {option.name!r} of {kind.name!r}: the name is taken")
            seen.add(option.name)
            _check_type(kind, option, option.default)
        kinds[kind.name] = kind


def find_kind(kinds: Mapping[str, Kind], name: str) -> Kind:
    """The kind of that name; ValueError with the names there are."""
    if name not in kinds:
        raise ValueError(f"no kind {name!r}; there are: {', '.join(sorted(kinds)) or 'none'}")
    return kinds[name]


def _check_type(kind: Kind, option: Option, value: object) -> None:
    fits = isinstance(value, option.type) and (option.type is bool) == isinstance(value, bool)
    if not fits:
        raise ValueError(
            f"option {option.name!r} of {kind.name!r} is {value!r}, not {option.type.__name__}"
        )
