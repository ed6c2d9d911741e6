"""What observers of a unit are told about walks, interrupts, page requests and invalidations."""

from __future__ import annotations

from typing import Final

import pytest

from tests.iommu.bench import HOST, IOVA, PAGE, PAGES, SOURCE, Mapped
from tests.iommu.interrupt_bench import COMPATIBLE, INDEX, Interrupting, remappable
from tests.iommu.page_request_bench import Requesting
from tests.iommu.scalable_bench import FIRST, NESTED, PASID, SECOND, THROUGH, Scalable
from vtd_plugin import VtdConfig
from vtd_plugin.bus import ALL_ADDRESSES, AddressType, Fault, InterruptMessage
from vtd_plugin.encodings.codes import HptGranularity, PageTableType, TranslationType
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.structures import HptInvalidate
from vtd_plugin.iommu.events import InterruptResolved, Invalidated, PageRequested, TablesWalked
from vtd_plugin.software.commands import Command

BEYOND: Final = IOVA + PAGES * PAGE


@pytest.mark.parametrize("kind", [FIRST, SECOND, NESTED, THROUGH])
@pytest.mark.parametrize("pasid", [None, PASID])
def test_a_walk_says_what_the_pasid_entry_asks_for(kind: PageTableType, pasid: int | None) -> None:
    bench = Scalable(kind=kind)
    walks = bench.observe(TablesWalked)
    bench.port().read(IOVA, 8, pasid=pasid)
    bench.port().read(BEYOND, 8, pasid=pasid)
    assert {walk.tables for walk in walks} == {kind}


@pytest.mark.parametrize("kind", TranslationType)
def test_a_walk_says_what_the_context_entry_asks_for(kind: TranslationType) -> None:
    bench = Mapped(VtdConfig(DT=1, PT=1), on=False)
    bench.attach(SOURCE, bench.mine, TT=kind)
    bench.turn_on()
    walks = bench.observe(TablesWalked)
    bench.port().read(IOVA, 8)
    # An entry that cannot be used asks for nothing.
    assert [walk.tables for walk in walks] == [None if kind == TranslationType.RESERVED else kind]


def test_a_request_blocked_before_its_pasid_entry_has_no_tables() -> None:
    bench = Scalable()
    bench.change_context(P=0)
    walks = bench.observe(TablesWalked)
    bench.port().read(IOVA, 8)
    assert [(walk.found, walk.tables) for walk in walks] == [(Condition.SCT_2, None)]


def test_a_translated_request_has_tables_only_where_host_permissions_are_looked_up() -> None:
    for permissions, tables in ((1, SECOND), (0, None)):
        bench = Scalable()
        bench.change_context(HPTE=permissions)
        walks = bench.observe(TablesWalked)
        bench.port().read(HOST, 8, address_type=AddressType.TRANSLATED)
        assert [walk.tables for walk in walks] == [tables]


def test_an_interrupt_says_which_entry_it_used_and_whether_that_was_cached() -> None:
    bench = Interrupting()
    bench.write(V=0x41)
    seen = bench.observe(InterruptResolved)
    for _ in range(2):
        bench.send(data=7)
    first, second = seen
    assert (first.cached, second.cached) == (False, True)
    assert first.entry is not None
    assert first.entry == second.entry
    assert first.entry.V == 0x41
    assert (first.source_id, first.address, first.data) == (SOURCE, remappable(INDEX), 7)
    assert first.found == bench.taken()[0]


def test_an_interrupt_needs_no_entry_where_none_is_looked_at() -> None:
    for on in (False, True):
        bench = Interrupting(on=on, compatible=True)
        seen = bench.observe(InterruptResolved)
        bench.send_to(COMPATIBLE)
        (event,) = seen
        assert (event.remapping, event.entry, event.cached) == (on, None, False)
        assert isinstance(event.found, InterruptMessage)


def test_a_blocked_interrupt_has_its_fault_and_a_silently_posted_one_nothing() -> None:
    bench = Interrupting()
    bench.write_posted(FPD=1)
    bench.write_descriptor(SN=1)
    seen = bench.observe(InterruptResolved)
    bench.send()
    fault = bench.send(INDEX + 1)
    assert seen[0].found is None
    assert seen[0].entry is not None
    assert seen[1].found is fault
    assert isinstance(fault, Fault)


def test_a_page_request_is_told_before_what_it_invalidates() -> None:
    bench = Requesting()
    seen = bench.observe(PageRequested, Invalidated)
    bench.ask(group=3)
    asked, implied = seen
    assert isinstance(asked, PageRequested)
    assert (asked.became, asked.ask.group, asked.ask.pasid) == ("queued", 3, PASID)
    assert isinstance(implied, Invalidated)


def test_a_page_request_that_is_not_queued_says_why() -> None:
    bench = Requesting()
    bench.fill()
    seen = bench.observe(PageRequested)
    bench.ask()
    bench.change_context(PRE=0)
    bench.commands.run(Command.SET_ROOT_TABLE)
    bench.ask()
    bench.commands.run(Command.TRANSLATION, on=False)
    bench.ask()
    assert [event.became for event in seen] == ["queue full", "blocked", "translation off"]


@pytest.mark.parametrize(
    ("granularity", "first", "last"),
    [
        (HptGranularity.DOMAIN, 0, ALL_ADDRESSES),
        (HptGranularity.PAGE, 0x20_2000, 0x20_3FFF),
    ],
)
def test_an_invalidation_of_host_permissions_is_told(
    granularity: HptGranularity, first: int, last: int
) -> None:
    bench = Scalable()
    queue = bench.start_queue(wide=True)
    seen = bench.observe(Invalidated)
    fields = {"G": granularity, "HPTDID": 7, "ADDR_address": 0x20_3000, "AM": 1}
    queue.run(HptInvalidate(HptInvalidate.pack(**fields)))
    name = granularity.name.lower()
    assert seen == [Invalidated("vtd", "HPT cache", name, 7, None, first, last)]
