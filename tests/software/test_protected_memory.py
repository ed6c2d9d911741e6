"""Memory that firmware protects, until the driver of an operating system opens it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.software.bench import DATA, DEVICE, IOVA, Bench, make_bench
from vtd_plugin.software import PAGE_4K

MIB = 1 << 20
REGION = range(DATA, DATA + 2 * MIB)
BOTH: dict[str, Any] = {"PLMR": 1, "PHMR": 1}


def reaches(bench: Bench, address: int) -> bool:
    return bench.port.read(address, 4).ok


@pytest.mark.parametrize("regions", [{"low": REGION}, {"high": REGION}])
def test_nothing_but_the_region_is_out_of_reach(regions: dict[str, range]) -> None:
    bench = make_bench(**BOTH)
    protected = bench.driver.protected_memory
    protected.enable(**regions)
    assert protected.enabled
    inside = (DATA, DATA + 2 * MIB - 4)
    outside = (DATA - 4, DATA + 2 * MIB)
    assert [reaches(bench, address) for address in inside] == [False, False]
    assert [reaches(bench, address) for address in outside] == [True, True]
    protected.disable()
    assert not protected.enabled
    assert all(reaches(bench, address) for address in inside)


def test_two_regions_hold_at_once() -> None:
    bench = make_bench(**BOTH)
    low, high = range(MIB, 2 * MIB), range(DATA, DATA + MIB)
    bench.driver.protected_memory.enable(low, high)
    seen = [
        reaches(bench, address)
        for address in (MIB - 4, MIB, 2 * MIB - 4, 2 * MIB, DATA, DATA + MIB)
    ]
    assert seen == [True, False, False, True, False, True]


@pytest.mark.parametrize("options", [{}, {"QI": 0}, {"CM": 1}])
def test_a_driver_opens_what_firmware_has_left_protected(options: dict[str, Any]) -> None:
    bench = make_bench(**BOTH, **options)
    bench.driver.protected_memory.enable(REGION)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    bench.driver.attach(DEVICE, domain)
    assert reaches(bench, IOVA)
    assert not reaches(bench, DATA)
    assert not bench.driver.protected_memory.enabled


def test_what_cannot_be_protected_is_said() -> None:
    protected = make_bench(PLMR=1).driver.protected_memory
    with pytest.raises(ValueError, match="the unit has no PHMBASE"):
        protected.enable(high=REGION)
    for region in (range(0x1000, MIB), range(0x1000), range(MIB, MIB)):
        with pytest.raises(ValueError, match="is no region in steps of 0x100000"):
            protected.enable(region)
    protected.enable(REGION)
    with pytest.raises(ValueError, match=r"call disable\(\) first"):
        protected.enable(REGION)
    without = make_bench().driver.protected_memory
    without.disable()
    assert not without.enabled
