"""Leases: pages that a master keeps at hand until they are called back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vtd_plugin.bus import INTERRUPT_WINDOW_BASE, Lease, Platform, Translation
from vtd_plugin.bus.mappings import Mapping
from vtd_plugin.bus.testing import FakeUnit

if TYPE_CHECKING:
    from vtd_plugin.bus import RequesterPort

IOVA = 0x1000_0000
ADDRESS = 0x10_0000


class KeepingUnit(FakeUnit):
    """A fake unit that lets its translations be leased."""

    def keeps(self, translation: Translation) -> bool:
        """See `LeasingUnit.keeps`."""
        return True


class Holder:
    """Keeps what it was told, and gives leases back at once if it is not using them."""

    def __init__(self, *, in_use: bool = False) -> None:
        self.in_use = in_use
        self.recalled: list[Lease] = []

    def __call__(self, lease: Lease) -> None:
        self.recalled.append(lease)
        if not self.in_use:
            lease.end()


@pytest.fixture
def unit(platform: Platform) -> KeepingUnit:
    return platform.add_unit(KeepingUnit([Mapping(IOVA, ADDRESS, 1 << 20)]))


@pytest.fixture
def port(unit: KeepingUnit, platform: Platform) -> RequesterPort:
    assert unit.enabled
    return platform.requester("00:04.0")


def lease_of(port: RequesterPort, iova: int, holder: Holder, *, write: bool = False) -> Lease:
    lease = port.lease(port.begin(iova, 4, write), holder)
    assert lease is not None
    return lease


def test_a_write_lease_is_the_page_of_ram(platform: Platform, port: RequesterPort) -> None:
    lease = lease_of(port, IOVA + 0x1234, Holder(), write=True)
    lease.memory[0x234:0x238] = b"data"
    assert platform.read(ADDRESS + 0x1234, 4) == b"data"
    assert port.in_flight == (lease.transfer,)


def test_a_read_lease_cannot_be_written(platform: Platform, port: RequesterPort) -> None:
    platform.write(ADDRESS, b"data")
    lease = lease_of(port, IOVA, Holder())
    assert bytes(lease.memory[:4]) == b"data"
    assert lease.memory.readonly


def test_ending_a_lease_ends_its_transfer_once(unit: KeepingUnit, port: RequesterPort) -> None:
    lease = lease_of(port, IOVA, Holder())
    lease.end()
    lease.end()
    assert port.in_flight == ()
    assert unit.ended == [lease.transfer]


def test_a_switch_recalls_every_lease_of_the_port(unit: KeepingUnit, port: RequesterPort) -> None:
    holder = Holder()
    leases = [lease_of(port, IOVA + page, holder) for page in (0, 0x1000)]
    unit.enable(False)
    assert holder.recalled == leases
    assert port.in_flight == ()


def test_a_lease_in_use_stays_in_flight_after_its_recall(
    unit: KeepingUnit, port: RequesterPort
) -> None:
    lease = lease_of(port, IOVA, Holder(in_use=True))
    unit.enable(False)
    assert lease.recalled
    assert len(port.in_flight) == 1
    lease.end()
    assert len(port.in_flight) == 0


def test_a_unit_recalls_only_what_it_forgets(unit: KeepingUnit, port: RequesterPort) -> None:
    holder = Holder()
    kept, gone = (lease_of(port, IOVA + page, holder) for page in (0, 0x1000))
    unit.host.recall(lambda translation: translation.base == ADDRESS + 0x1000)
    assert holder.recalled == [gone]
    assert not kept.recalled


def test_a_recall_is_told_once(unit: KeepingUnit, port: RequesterPort) -> None:
    holder = Holder(in_use=True)
    lease = lease_of(port, IOVA, holder)
    unit.enable(False)
    unit.enable()
    lease.end()
    assert holder.recalled == [lease]


def test_a_reset_of_masters_aborts_a_lease_and_tells(
    platform: Platform, port: RequesterPort
) -> None:
    holder = Holder(in_use=True)
    lease = lease_of(port, IOVA, holder)
    platform.reset_masters("warm")
    assert holder.recalled == [lease]
    assert lease.transfer.aborted
    assert port.in_flight == ()


def test_a_reset_aborts_a_lease_that_was_recalled_and_tells_again(
    platform: Platform, unit: KeepingUnit, port: RequesterPort
) -> None:
    holder = Holder(in_use=True)
    lease = lease_of(port, IOVA, holder)
    unit.enable(False)
    assert not lease.transfer.aborted
    platform.reset_masters("warm")
    assert lease.transfer.aborted
    assert holder.recalled == [lease, lease]
    assert port.in_flight == ()


def test_who_ends_a_lease_is_not_told(port: RequesterPort) -> None:
    holder = Holder()
    lease_of(port, IOVA, holder).end()
    assert holder.recalled == []


@pytest.mark.parametrize(
    ("iova", "size"),
    [(0x9000_0000, 4), (INTERRUPT_WINDOW_BASE, 4), (IOVA + 0xFFE, 4), (IOVA, 0x1001)],
    ids=["absent", "interrupt", "two-pages", "more-than-a-page"],
)
def test_nothing_is_leased_but_whole_pages_of_ram(
    port: RequesterPort, iova: int, size: int
) -> None:
    transfer = port.begin(iova, size, write=True)
    assert port.lease(transfer, Holder()) is None
    assert port.in_flight == (transfer,), "it stays as it is"


def test_the_whole_page_may_be_one_request(port: RequesterPort) -> None:
    lease = port.lease(port.begin(IOVA, 0x1000), Holder())
    assert lease is not None
    assert len(lease.memory) == 0x1000


def test_only_what_is_in_flight_can_be_leased_and_once(
    platform: Platform, port: RequesterPort
) -> None:
    ended, other = port.begin(IOVA, 4), platform.requester("00:05.0").begin(0x1000, 4)
    ended.end()
    leased = lease_of(port, IOVA, Holder()).transfer
    for transfer in (ended, other, leased):
        with pytest.raises(ValueError, match=r"is not in flight at .*, or leased already"):
            port.lease(transfer, Holder())


def test_memory_as_it_is_can_be_leased_where_it_is_ram(platform: Platform) -> None:
    port = platform.requester("00:05.0")
    assert port.lease(port.begin(0x1000, 4), Holder()) is not None
    beyond = port.begin(platform.memory.regions[-1].size, 4)
    assert port.lease(beyond, Holder()) is None


def test_a_page_that_is_only_partly_ram_is_not_leased() -> None:
    port = Platform(ram=bytearray(0x1800), load_entry_points=False).requester("00:05.0")
    assert port.lease(port.begin(0x1000, 4), Holder()) is None


def test_of_a_unit_that_recalls_nothing_nothing_is_leased(
    platform: Platform, fake_unit: FakeUnit
) -> None:
    port = platform.requester("00:04.0")
    transfer = port.begin(IOVA, 4)
    assert transfer.ok
    assert port.lease(transfer, Holder()) is None
    fake_unit.enable(False)
    assert port.lease(port.begin(0x1000, 4), Holder()) is not None
