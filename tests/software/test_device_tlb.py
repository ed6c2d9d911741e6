"""Devices that keep translations themselves: they forget when the driver says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.software.bench import DATA, DEVICE, IOVA, SCALABLE, Bench, make_bench
from vtd_plugin.bus import AddressType, Translation
from vtd_plugin.iommu.events import DeviceTlbInvalidated
from vtd_plugin.software import PAGE_2M, PAGE_4K

if TYPE_CHECKING:
    from vtd_plugin.bus import Event

UNITS: dict[str, dict[str, Any]] = {
    "legacy": {},
    "legacy-wide": SCALABLE,
    "scalable": SCALABLE,
}
each_mode = pytest.mark.parametrize("name", UNITS)


class CachingDevice:
    """A device that asks once for each page and then goes by what it was told."""

    def __init__(self, bench: Bench) -> None:
        self._port = bench.port
        self._known: dict[int, Translation] = {}
        bench.platform.add_observer(self._observe)

    def read(self, iova: int) -> bytes | None:
        """Four bytes, or None where the device may not read."""
        page = iova // PAGE_4K
        if page not in self._known:
            found = self._port.request_translation(iova)
            if not isinstance(found, Translation) or not found.rights & Translation.READABLE:
                return None
            self._known[page] = found
        address = self._known[page].address(iova)
        return self._port.read(address, 4, address_type=AddressType.TRANSLATED).data

    def _observe(self, event: Event) -> None:
        if isinstance(event, DeviceTlbInvalidated) and event.source_id == self._port.source_id:
            first, pages = event.address // PAGE_4K, event.size // PAGE_4K
            for page in [page for page in self._known if first <= page < first + pages]:
                del self._known[page]


def caching_bench(name: str) -> tuple[Bench, CachingDevice]:
    bench = make_bench(**{**UNITS[name], "DT": 1})
    bench.driver.enable("scalable" if name == "scalable" else "legacy")
    bench.platform.write(DATA, b"here")
    bench.platform.write(DATA + PAGE_4K, b"next")
    bench.platform.write(DATA + PAGE_2M, b"away")
    return bench, CachingDevice(bench)


@each_mode
def test_a_device_forgets_a_page_that_goes(name: str) -> None:
    bench, device = caching_bench(name)
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_2M, page_size=PAGE_4K)
    bench.driver.attach(DEVICE, domain, device_tlb=True)
    assert (device.read(IOVA), device.read(IOVA + PAGE_4K)) == (b"here", b"next")
    change = domain.table.unmap(IOVA, PAGE_4K)
    bench.driver.invalidate_iotlb(domain.domain_id, IOVA)
    assert device.read(IOVA) == b"here"  # the unit was told, the device was not
    domain.table.free(change)
    domain.unmap(IOVA, 2 * PAGE_4K)
    assert (device.read(IOVA), device.read(IOVA + PAGE_4K)) == (None, None)


@each_mode
def test_a_device_forgets_everything_when_its_domain_changes(name: str) -> None:
    bench, device = caching_bench(name)
    first, second = bench.driver.create_domain(), bench.driver.create_domain()
    first.map(IOVA, DATA, PAGE_4K)
    second.map(IOVA, DATA + PAGE_2M, PAGE_4K)
    bench.driver.attach(DEVICE, first, device_tlb=True)
    assert device.read(IOVA) == b"here"
    bench.driver.attach(DEVICE, second, device_tlb=True)
    assert device.read(IOVA) == b"away"
    bench.driver.detach(DEVICE)
    assert device.read(IOVA) is None


@each_mode
def test_a_device_forgets_before_translation_stops(name: str) -> None:
    bench, device = caching_bench(name)
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    bench.driver.attach(DEVICE, domain, device_tlb=True)
    assert device.read(IOVA) == b"here"
    bench.driver.disable()
    domain.unmap(IOVA, PAGE_4K)
    domain.map(IOVA, DATA + PAGE_2M, PAGE_4K)
    bench.driver.enable("scalable" if name == "scalable" else "legacy")
    assert device.read(IOVA) == b"away"


def test_a_device_goes_on_asking_in_scalable_mode() -> None:
    bench, device = caching_bench("legacy-wide")
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    bench.driver.attach(DEVICE, domain, device_tlb=True)
    assert device.read(IOVA) == b"here"
    bench.driver.switch_to_scalable()
    assert device.read(IOVA) == b"here"
    domain.unmap(IOVA, PAGE_4K)
    assert device.read(IOVA) is None
