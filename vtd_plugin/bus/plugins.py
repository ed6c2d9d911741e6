"""Finding plug-ins and hearing what they offer; one manager for each platform.

A plug-in is any object with hook implementations: one handed to the platform, or one that an
installed package names in the entry-point group ``vtd_plugin``. What goes wrong in one is raised
with its name on it.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from inspect import isroutine
from typing import TYPE_CHECKING, Final

import pluggy

from vtd_plugin.bus.hooks import PROJECT, HookSpecs
from vtd_plugin.bus.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vtd_plugin.bus.events import Event
    from vtd_plugin.bus.platform import Platform


_PREFIX: Final = f"{PROJECT}_"


class _PluginManager(pluggy.PluginManager):
    """A manager that passes over no hook for want of its marker."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None and name.startswith(_PREFIX) and isroutine(getattr(plugin, name)):
            raise pluggy.PluginValidationError(
                plugin, f"{name} of {plugin!r} has no marker: put @vtd_plugin.bus.hookimpl on it"
            )
        return options


def load_plugins(plugins: Iterable[object], *, installed: bool) -> pluggy.PluginManager:
    """Make a plug-in manager and put plug-ins into it.

    Args:
        plugins: Plug-ins at hand.
        installed: Whether to add those that installed packages offer.

    Raises:
        pluggy.PluginValidationError: A plug-in implements a hook that does not exist, or one
            without the marker.
    """
    manager = _PluginManager(PROJECT)
    manager.add_hookspecs(HookSpecs)
    for plugin in plugins:
        manager.register(plugin, _name_of(plugin, manager))
    if installed:
        for entry_point in _installed(tuple(sys.path)):
            _load(manager, entry_point)
    manager.check_pending()
    return manager


def offered_kinds(manager: pluggy.PluginManager) -> Registry:
    """Let each plug-in register what it offers."""
    registry = Registry()
    for plugin, call in _each(manager, "vtd_plugin_register"):
        with _naming(plugin):
            call(registry=registry.for_plugin(plugin))
    return registry


def observers(
    manager: pluggy.PluginManager, platform: Platform
) -> Iterator[Callable[[Event], object]]:
    """Ask each plug-in for its observer."""
    for plugin, call in _each(manager, "vtd_plugin_observe"):
        with _naming(plugin):
            yield from call(platform=platform)


def _each(manager: pluggy.PluginManager, hook: str) -> Iterator[tuple[str, pluggy.HookCaller]]:
    """For each plug-in that implements a hook, a call that reaches it and the wrappers only."""
    implementations = manager.subset_hook_caller(hook, ()).get_hookimpls()
    own = [implementation for implementation in implementations if not implementation.wrapper]
    for implementation in own:
        others = [other.plugin for other in own if other is not implementation]
        yield implementation.plugin_name, manager.subset_hook_caller(hook, others)


def _load(manager: pluggy.PluginManager, entry_point: EntryPoint) -> None:
    with _naming(entry_point.name):
        plugin = entry_point.load()
        if not manager.is_registered(plugin):
            manager.register(plugin, entry_point.name)


def _name_of(plugin: object, manager: pluggy.PluginManager) -> str:
    """A name for messages; pluggy would make up a number for what is no module."""
    kind = type(plugin)
    name: str = getattr(plugin, "__name__", f"{kind.__module__}.{kind.__qualname__}")
    number = sum(name == taken.partition("#")[0] for taken, _ in manager.list_name_plugin())
    return f"{name}#{number + 1}" if number else name


@contextmanager
def _naming(plugin: str) -> Iterator[None]:
    """Put the name of the plug-in at work on whatever it raises."""
    try:
        yield
    except Exception as error:
        error.add_note(f"raised by plug-in {plugin!r} of {PROJECT}")
        raise


@lru_cache(maxsize=8)
def _installed(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:  # noqa: ARG001 - the cache's key
    """The entry points found on a module search path.

    Looking takes longer than all else that a platform does when it is put together, so a path is
    looked through once: a package installed while the program runs is not found.
    """
    return tuple(entry_points(group=PROJECT))
