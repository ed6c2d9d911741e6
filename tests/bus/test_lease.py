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


def test_a_write_lease_is_the_page_of_ram(platform: Platform, port: RequesterPort) -> None:
    lease = port.lease(IOVA + 0x1234, write=True, on_recall=Holder())
    assert lease.memory is not None
    lease.memory[0x234:0x238] = b"data"
    assert platform.read(ADDRESS + 0x1234, 4) == b"data"
    assert port.in_flight == (lease.transfer,)


def test_a_read_lease_cannot_be_written(platform: Platform, port: RequesterPort) -> None:
    platform.write(ADDRESS, b"data")
    lease = port.lease(IOVA, on_recall=Holder())
    assert lease.memory is not None
    assert bytes(lease.memory[:4]) == b"data"
    assert lease.memory.readonly


def test_ending_a_lease_ends_its_transfer_once(unit: KeepingUnit, port: RequesterPort) -> None:
    lease = port.lease(IOVA, on_recall=Holder())
    lease.end()
    lease.end()
    assert port.in_flight == ()
    assert unit.ended == [lease.transfer]


def test_a_switch_recalls_every_lease_of_the_port(unit: KeepingUnit, port: RequesterPort) -> None:
    holder = Holder()
    leases = [port.lease(IOVA + page, on_recall=holder) for page in (0, 0x1000)]
    unit.enable(False)
    assert holder.recalled == leases
    assert port.in_flight == ()


def test_a_lease_in_use_stays_in_flight_after_its_recall(
    unit: KeepingUnit, port: RequesterPort
) -> None:
    lease = port.lease(IOVA, on_recall=Holder(in_use=True))
    unit.enable(False)
    assert lease.recalled
    assert len(port.in_flight) == 1
    lease.end()
    assert len(port.in_flight) == 0


def test_a_unit_recalls_only_what_it_forgets(unit: KeepingUnit, port: RequesterPort) -> None:
    holder = Holder()
    kept, gone = (port.lease(IOVA + page, on_recall=holder) for page in (0, 0x1000))
    unit.host.recall(lambda translation: translation.base == ADDRESS + 0x1000)
    assert holder.recalled == [gone]
    assert not kept.recalled


def test_a_recall_is_told_once(unit: KeepingUnit, port: RequesterPort) -> None:
    holder = Holder(in_use=True)
    lease = port.lease(IOVA, on_recall=holder)
    unit.enable(False)
    unit.enable()
    lease.end()
    assert holder.recalled == [lease]


def test_a_reset_of_masters_aborts_a_lease_and_tells(
    platform: Platform, port: RequesterPort
) -> None:
    holder = Holder(in_use=True)
    lease = port.lease(IOVA, on_recall=holder)
    platform.reset_masters("warm")
    assert holder.recalled == [lease]
    assert lease.transfer.aborted
    assert port.in_flight == ()


def test_a_reset_aborts_a_lease_that_was_recalled_and_tells_again(
    platform: Platform, unit: KeepingUnit, port: RequesterPort
) -> None:
    holder = Holder(in_use=True)
    lease = port.lease(IOVA, on_recall=holder)
    unit.enable(False)
    assert not lease.transfer.aborted
    platform.reset_masters("warm")
    assert lease.transfer.aborted
    assert holder.recalled == [lease, lease]
    assert port.in_flight == ()


def test_who_ends_a_lease_is_not_told(port: RequesterPort) -> None:
    holder = Holder()
    port.lease(IOVA, on_recall=holder).end()
    assert holder.recalled == []


@pytest.mark.parametrize("iova", [0x9000_0000, INTERRUPT_WINDOW_BASE], ids=["absent", "interrupts"])
def test_nothing_is_granted_where_a_request_would_fail(port: RequesterPort, iova: int) -> None:
    lease = port.lease(iova, write=True, on_recall=Holder())
    assert not lease.granted
    assert lease.transfer.fault is not None
    assert port.in_flight == ()


def test_memory_as_it_is_can_be_leased_where_it_is_ram(platform: Platform) -> None:
    port = platform.requester("00:05.0")
    assert port.lease(0x1000, on_recall=Holder()).granted
    assert not port.lease(platform.memory.regions[-1].size, on_recall=Holder()).granted


def test_a_page_that_is_only_partly_ram_is_not_granted() -> None:
    platform = Platform(ram=bytearray(0x1800), load_entry_points=False)
    assert not platform.requester("00:05.0").lease(0x1000, on_recall=Holder()).granted


def test_of_a_unit_that_recalls_nothing_nothing_is_leased(
    platform: Platform, fake_unit: FakeUnit
) -> None:
    port = platform.requester("00:04.0")
    lease = port.lease(IOVA, on_recall=Holder())
    assert lease.transfer.ok
    assert not lease.granted
    fake_unit.enable(False)
    assert port.lease(0x1000, on_recall=Holder()).granted
