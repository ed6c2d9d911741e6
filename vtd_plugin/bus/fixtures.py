"""Fixtures of pytest over the fakes of `vtd_plugin.bus.testing`.

Their names are short, so they are only there for whoever asks, in the topmost `conftest.py`:
``pytest_plugins = ["vtd_plugin.bus.fixtures"]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vtd_plugin.bus.mappings import Mapping
from vtd_plugin.bus.platform import Platform
from vtd_plugin.bus.testing import FakeUnit, RecordingSink

if TYPE_CHECKING:
    from vtd_plugin.bus.memory import Memory


@pytest.fixture
def platform() -> Platform:
    """A platform of 64 MiB without the plug-ins of installed packages."""
    return Platform(load_entry_points=False)


@pytest.fixture
def memory(platform: Platform) -> Memory:
    """The memory of `platform`."""
    return platform.memory


@pytest.fixture
def fake_unit(platform: Platform) -> FakeUnit:
    """A `FakeUnit` of `platform` that maps 16 MiB from 0x1000_0000 on to address 0x10_0000."""
    return platform.add_unit(FakeUnit([Mapping(0x1000_0000, 0x10_0000, 16 << 20)]))


@pytest.fixture
def interrupts(platform: Platform) -> RecordingSink:
    """A sink for the interrupt messages of `platform`."""
    sink = RecordingSink()
    platform.add_interrupt_sink(sink)
    return sink
