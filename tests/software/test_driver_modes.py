from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from vtd_plugin import VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from vtd_plugin import Platform


def test_a_mode_is_legacy_or_scalable(platform: Platform) -> None:
    platform.add_unit(VtdUnit())
    driver = Driver(platform, frames=FrameAllocator(0x10_0000, 0x10_0000))
    with pytest.raises(ValueError, match="no mode 'foo'; there are: 'legacy', 'scalable'"):
        driver.enable(cast("Any", "foo"))
