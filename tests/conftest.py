"""What all tests share: the fixtures of the bus, and the markers they may carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

pytest_plugins = ["vtd_plugin.bus.fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "provokes(name, ...): the test makes a unit report these fault conditions; "
        "`docs/faults.md` lists them",
    )
