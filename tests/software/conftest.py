"""Fixtures of the tests of software."""

from __future__ import annotations

import pytest

from tests.software.bench import TABLE_BYTES, TABLES
from vtd_plugin import Platform
from vtd_plugin.software import FrameAllocator


@pytest.fixture
def cpu() -> Platform:
    """A processor with memory and no unit."""
    return Platform(ram_size=64 << 20)


@pytest.fixture
def frames() -> FrameAllocator:
    return FrameAllocator(TABLES, TABLE_BYTES)
