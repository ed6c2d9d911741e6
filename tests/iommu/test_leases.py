"""What calls a leased translation back: whatever lets the next request be looked up anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from tests.iommu.bench import (
    DOMAIN,
    ELSEWHERE,
    HOST,
    IOVA,
    OTHER,
    OTHER_DOMAIN,
    PAGE,
    SOURCE,
    Mapped,
)
from vtd_plugin import VtdConfig
from vtd_plugin.encodings.codes import IotlbGranularity
from vtd_plugin.encodings.registers import IOTLB, IVA, PMEN
from vtd_plugin.encodings.structures import InvalidationWait, IotlbInvalidate
from vtd_plugin.iommu import CacheSizes
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from vtd_plugin.bus import Lease, RequesterPort

Event: TypeAlias = Callable[[Mapped], object]

STATUS: Final = 0x0F_0000


def lease_of(
    port: RequesterPort, iova: int, holder: Callable[[Lease], object], *, write: bool = False
) -> Lease:
    lease = port.lease(port.begin(iova, 4, write), holder)
    assert lease is not None
    return lease


def idle(lease: Lease) -> None:
    """A holder that is not using its leases."""
    lease.end()


def in_use(lease: Lease) -> None:
    """A holder with bytes still on their way."""
    assert lease.recalled


def invalidate(bench: Mapped, granularity: IotlbGranularity, domain: int = DOMAIN) -> None:
    bench.registers.write(IOTLB, IOTLB.pack(IVT=1, IIRG=granularity, DID=domain))


def invalidate_page(bench: Mapped, iova: int) -> None:
    bench.registers.write(IVA, IVA.pack(ADDR_address=iova))
    invalidate(bench, IotlbGranularity.PAGE)


RECALLING: Final[dict[str, Event]] = {
    "translation off": lambda bench: bench.commands.run(Command.TRANSLATION, on=False),
    "root pointer": lambda bench: bench.set_root(),
    "global": lambda bench: invalidate(bench, IotlbGranularity.GLOBAL),
    "domain": lambda bench: invalidate(bench, IotlbGranularity.DOMAIN),
    "page": lambda bench: invalidate_page(bench, IOVA),
    "protected memory": lambda bench: bench.registers.write(PMEN, PMEN.pack(EPM=1)),
    "cold reset": lambda bench: bench.platform.reset("cold"),
    "reset of units": lambda bench: bench.platform.reset_units("warm"),
    "reset of masters": lambda bench: bench.platform.reset_masters("warm"),
}


@pytest.mark.parametrize("event", RECALLING.values(), ids=RECALLING.keys())
@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
def test_what_changes_a_translation_recalls_its_lease(event: Event, write: bool) -> None:
    bench = Mapped(VtdConfig(PLMR=1, PHMR=1, PSI=1, MAMV=9))
    lease = lease_of(bench.port(), IOVA, idle, write=write)
    event(bench)
    assert lease.recalled
    assert bench.port().in_flight == ()


KEEPING: Final[dict[str, Event]] = {
    "other domain": lambda bench: invalidate(bench, IotlbGranularity.DOMAIN, OTHER_DOMAIN),
    "other page": lambda bench: invalidate_page(bench, IOVA + PAGE),
    "table change alone": lambda bench: bench.remap(IOVA, ELSEWHERE),
}


@pytest.mark.parametrize("event", KEEPING.values(), ids=KEEPING.keys())
def test_what_leaves_a_translation_cached_leaves_its_lease(event: Event) -> None:
    bench = Mapped(VtdConfig(PSI=1, MAMV=9))
    lease = lease_of(bench.port(), IOVA, idle)
    event(bench)
    assert not lease.recalled
    assert bench.lands_at(IOVA) == HOST


def test_an_eviction_recalls_the_lease_of_what_had_to_go() -> None:
    bench = Mapped(VtdConfig(cache_sizes=CacheSizes(iotlb=2)))
    leases = [lease_of(bench.port(), IOVA + page * PAGE, idle) for page in range(3)]
    assert [lease.recalled for lease in leases] == [True, False, False]


def test_without_an_iotlb_nothing_is_leased() -> None:
    bench = Mapped(VtdConfig(cache_sizes=CacheSizes(iotlb=0)))
    transfer = bench.port().begin(IOVA, 4)
    assert transfer.ok
    assert bench.port().lease(transfer, idle) is None


def test_translation_off_shows_only_after_a_lease_in_use_has_ended() -> None:
    bench = Mapped()
    lease = lease_of(bench.port(), IOVA, in_use)
    bench.commands.start(Command.TRANSLATION, on=False)
    assert bench.status.TES
    lease.end()
    assert not bench.status.TES


def test_an_invalidation_wait_waits_for_leases_in_use_that_are_covered() -> None:
    bench = Mapped()
    queue = bench.start_queue()
    mine = lease_of(bench.port(SOURCE), IOVA, in_use)
    other = lease_of(bench.port(OTHER), IOVA, in_use)
    queue.submit(
        IotlbInvalidate.pack(G=IotlbGranularity.DOMAIN, DID=DOMAIN),
        InvalidationWait.pack(SW=1, STDATA=1, STADDR_address=STATUS),
    )
    assert bench.platform.read(STATUS, 1) == b"\x00"
    assert not other.recalled
    mine.end()
    assert bench.platform.read(STATUS, 1) == b"\x01"
