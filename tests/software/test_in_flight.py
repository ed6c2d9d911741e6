"""Sequences that have to wait for transfers which are still in flight in a real unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.software.bench import DATA, DEVICE, IOVA, TABLE_BYTES, TABLES, Bench, make_bench
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.software import PAGE_4K, Domain, Driver, FrameAllocator, Poller, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.software import Pending

UNITS: dict[str, dict[str, Any]] = {
    "queue-128": {},
    "queue-256": {"SMTS": 1, "SSTS": 1},
    "registers": {"QI": 0},
    "caching-mode": {"CM": 1},
    "no-esrtps": {"ESRTPS": 0},
}
SEQUENCES: dict[str, Callable[[Bench, Domain], Pending]] = {
    "disable": lambda bench, _domain: bench.driver.start_disable(),
    "set root": lambda bench, _domain: bench.driver.start_set_root(bench.driver.root),
    "unmap": lambda _bench, domain: domain.start_unmap(IOVA, PAGE_4K),
}
each_unit = pytest.mark.parametrize("options", UNITS.values(), ids=UNITS.keys())
each_sequence = pytest.mark.parametrize("start", SEQUENCES.values(), ids=SEQUENCES.keys())


def enabled(**options: Any) -> tuple[Bench, Domain]:
    bench = make_bench(**options)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    bench.driver.attach(DEVICE, domain)
    return bench, domain


@each_unit
@each_sequence
def test_a_transfer_ends_where_it_began_before_a_sequence_does(
    options: dict[str, Any], start: Callable[[Bench, Domain], Pending]
) -> None:
    bench, domain = enabled(**options)
    transfer = bench.port.begin(IOVA, 8, write=True)
    pending = start(bench, domain)
    assert not pending.done
    transfer.write(0, b"in time!")
    assert not pending.done
    transfer.end()
    assert pending.done
    pending.finish()
    assert bench.platform.read(DATA, 8) == b"in time!"
    assert bench.fault_names() == []


@each_unit
def test_tables_of_a_transfer_in_flight_are_not_used_again(options: dict[str, Any]) -> None:
    bench, domain = enabled(**options)
    tables = domain.table.tables - {domain.table.root}
    transfer = bench.port.begin(IOVA, 8)
    pending = domain.start_unmap(IOVA, PAGE_4K)
    assert bench.frames.allocate() not in tables
    transfer.end()
    pending.finish()
    assert bench.frames.allocate() in tables


def test_time_passes_while_the_driver_waits() -> None:
    platform = Platform(ram_size=64 << 20)
    platform.add_unit(VtdUnit(VtdConfig()))
    port = platform.requester(DEVICE)
    beats = [b"four", b"beat", b"s la", b"ter."]
    transfer = None

    def clock() -> None:
        if transfer and not transfer.ended:
            beat = beats.pop(0)
            transfer.write((3 - len(beats)) * 4, beat)
            if not beats:
                transfer.end()

    frames = FrameAllocator(TABLES, TABLE_BYTES)
    driver = Driver(platform, frames=frames, wait=clock, host_address_width=48)
    driver.enable()
    domain = driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    driver.attach(DEVICE, domain)
    transfer = port.begin(IOVA, 16, write=True)
    domain.unmap(IOVA, PAGE_4K)
    assert platform.read(DATA, 16) == b"fourbeats later."


def test_a_transfer_that_never_ends_is_a_timeout() -> None:
    bench, domain = enabled()
    bench.driver.registers.poller.limit = 20
    transfer = bench.port.begin(IOVA, 8)
    with pytest.raises(Timeout, match=r"GSTS is 0x[0-9a-f]+ after 20 polls, wanted TES=0x0"):
        bench.driver.disable()
    with pytest.raises(Timeout, match=r"invalidation wait status at .* after 20 polls"):
        domain.unmap(IOVA, PAGE_4K)
    transfer.abort()
    bench.driver.disable()
    assert not bench.driver.translating


@pytest.mark.parametrize(
    ("poller", "says_so"), [(Poller(limit=20), True), (Poller(lambda: None, 20), False)]
)
def test_a_timeout_says_when_no_time_has_passed(poller: Poller, says_so: bool) -> None:
    bench, _domain = enabled()
    bench.driver.registers.poller = poller
    transfer = bench.port.begin(IOVA, 8)
    with pytest.raises(Timeout, match="after 20 polls, wanted TES=0x0") as caught:
        bench.driver.disable()
    assert ("no time passed" in str(caught.value)) is says_so
    transfer.abort()
