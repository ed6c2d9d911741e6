"""What observers of a unit are told about a request whose tables were read."""

from __future__ import annotations

from typing import Final

import pytest

from tests.iommu.bench import HOST, IOVA, PAGE, PAGES, SOURCE, Mapped
from tests.iommu.scalable_bench import FIRST, NESTED, PASID, SECOND, THROUGH, Scalable
from vtd_plugin import VtdConfig
from vtd_plugin.bus import AddressType
from vtd_plugin.encodings.codes import PageTableType, TranslationType
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.iommu.events import TablesWalked

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
