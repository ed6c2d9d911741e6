"""A driver of a real unit in legacy mode: what devices can reach after each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.software.bench import DATA, DEVICE, IOVA, OTHER_DEVICE, make_bench
from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.encodings.structures import ContextEntry
from vtd_plugin.software import PAGE_1G, PAGE_2M, PAGE_4K, Event, LegacyRootTable, Root

if TYPE_CHECKING:
    from vtd_plugin.bus import InterruptMessage

UNITS: dict[str, dict[str, Any]] = {
    "queue": {},
    "registers": {"QI": 0},
    "registers-beside-queue": {"use_queue": False},
    "caching-mode": {"CM": 1},
    "caching-mode-registers": {"CM": 1, "QI": 0},
    "no-page-selective": {"PSI": 0, "MAMV": 0},
    "write-buffer": {"RWBF": 1},
    "no-esrtps": {"ESRTPS": 0},
    "wide-queue": {"SMTS": 1, "SSTS": 1},
    "version-6": {"version": 0x60, "SSTS": 1},
}
each_unit = pytest.mark.parametrize("options", UNITS.values(), ids=UNITS.keys())


@each_unit
def test_a_device_reaches_what_is_mapped_and_nothing_else(options: dict[str, Any]) -> None:
    bench = make_bench(**options)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    bench.driver.attach(DEVICE, domain)
    assert not bench.port.read(IOVA, 4).ok
    domain.map(IOVA, DATA, 0x3000)
    assert bench.port.write(IOVA + 0xFFE, b"over the border").ok
    assert bench.platform.read(DATA + 0xFFE, 15) == b"over the border"
    domain.unmap(IOVA + 0x1000, 0x1000)
    assert not bench.port.read(IOVA + 0x1000, 4).ok
    assert bench.port.read(IOVA, 4).ok
    assert bench.port.read(IOVA + 0x2000, 4).ok
    assert bench.fault_names() == ["LGN.3", "LGN.3"]


@each_unit
def test_a_device_follows_its_domain(options: dict[str, Any]) -> None:
    bench = make_bench(**options)
    driver = bench.driver
    driver.enable()
    first, second = driver.create_domain(), driver.create_domain()
    first.map(IOVA, DATA, PAGE_4K)
    second.map(IOVA, DATA + PAGE_4K, PAGE_4K)
    bench.platform.write(DATA, b"first")
    bench.platform.write(DATA + PAGE_4K, b"other")
    assert not bench.port.read(IOVA, 5).ok
    driver.attach(DEVICE, first)
    assert bench.port.read(IOVA, 5).data == b"first"
    driver.attach(DEVICE, second)
    assert bench.port.read(IOVA, 5).data == b"other"
    driver.attach_pass_through(DEVICE)
    assert bench.port.read(DATA, 5).data == b"first"
    driver.detach(DEVICE)
    assert not bench.port.read(DATA, 5).ok
    driver.attach(DEVICE, first)
    assert bench.port.read(IOVA, 5).data == b"first"
    assert [label[:3] for label in bench.fault_names()] == ["LRT", "LCT"]


@each_unit
def test_rights_follow_the_domain(options: dict[str, Any]) -> None:
    bench = make_bench(**options)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    bench.driver.attach(DEVICE, domain)
    domain.map(IOVA, DATA, 2 * PAGE_4K)
    assert bench.port.write(IOVA, b"data").ok
    domain.protect(IOVA, PAGE_4K, write=False)
    assert not bench.port.write(IOVA, b"gone").ok
    assert bench.port.write(IOVA + PAGE_4K, b"kept").ok
    assert bench.port.read(IOVA, 4).data == b"data"
    domain.protect(IOVA, PAGE_4K, read=False)
    assert not bench.port.read(IOVA, 4).ok
    assert bench.port.write(IOVA, b"blind").ok
    assert bench.fault_names() == ["LGN.2", "LGN.3"]


@each_unit
def test_a_page_can_move_and_change_its_size(options: dict[str, Any]) -> None:
    bench = make_bench(**options)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    bench.driver.attach(DEVICE, domain)
    for turn, page_size in enumerate((PAGE_4K, PAGE_2M, PAGE_4K)):
        address = DATA + turn * PAGE_2M
        domain.map(IOVA, address, PAGE_2M, page_size=page_size)
        assert bench.port.write(IOVA + 0x12_3456, bytes([turn] * 16)).ok
        assert bench.platform.read(address + 0x12_3456, 16) == bytes([turn] * 16)
        domain.unmap(IOVA, PAGE_2M)
    assert domain.table.tables == {domain.table.root}


@each_unit
@pytest.mark.parametrize("kind", ["warm", "cold"])
@pytest.mark.parametrize("order", ["masters-first", "units-first"])
def test_after_a_reset_memory_is_as_it_is_until_the_driver_recovers(
    options: dict[str, Any], kind: str, order: str
) -> None:
    bench = make_bench(**options)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    bench.driver.attach(DEVICE, domain)
    bench.driver.program_event(Event.FAULT, 0xFEE0_0000, 0x31)
    bench.platform.write(DATA, b"kept")
    bench.platform.reset(kind, order)
    assert bench.port.read(DATA, 4).data == b"kept"
    assert not bench.driver.translating
    bench.driver.recover_after_reset()
    assert bench.port.read(IOVA, 4).data == b"kept"
    assert not bench.port.read(DATA, 4).ok
    messages: list[InterruptMessage] = []
    bench.platform.add_interrupt_sink(messages.append)
    bench.driver.handle_faults()
    bench.port.read(DATA, 4)
    assert [message.data for message in messages] == [0x31]


@each_unit
def test_disabling_and_enabling_again(options: dict[str, Any]) -> None:
    bench = make_bench(**options)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    bench.driver.attach(DEVICE, domain)
    domain.map(IOVA, DATA, PAGE_4K)
    bench.driver.disable()
    bench.platform.write(DATA, b"now")
    assert bench.port.read(DATA, 3).data == b"now"
    domain.unmap(IOVA, PAGE_4K)
    domain.map(IOVA, DATA + PAGE_4K, PAGE_4K)
    bench.platform.write(DATA + PAGE_4K, b"new")
    bench.driver.enable()
    assert bench.port.read(IOVA, 3).data == b"new"


def test_a_new_root_table_takes_over_while_translating() -> None:
    bench = make_bench(ESRTPS=0)
    driver = bench.driver
    driver.enable()
    old, new = driver.create_domain(), driver.create_domain()
    old.map(IOVA, DATA, PAGE_4K)
    new.map(IOVA, DATA + PAGE_4K, PAGE_4K)
    driver.attach(DEVICE, old)
    bench.platform.write(DATA, b"old")
    bench.platform.write(DATA + PAGE_4K, b"new")
    assert bench.port.read(IOVA, 3).data == b"old"
    tables = LegacyRootTable(bench.platform, bench.frames)
    tables.write_context_entry(
        DEVICE,
        ContextEntry.pack(P=1, AW=2, DID=new.domain_id, SSPTPTR_address=new.table.root),
    )
    driver.set_root(Root(tables.address, TableMode.LEGACY))
    assert bench.port.read(IOVA, 3).data == b"new"
    bench.platform.reset()
    driver.recover_after_reset()
    assert bench.port.read(IOVA, 3).data == b"new"


def test_attaching_before_enabling_takes_effect_when_enabled() -> None:
    bench = make_bench()
    bench.driver.prepare()
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    bench.driver.attach(DEVICE, domain)
    bench.platform.write(DATA, b"data")
    assert bench.port.read(DATA, 4).data == b"data"
    bench.driver.enable()
    assert bench.port.read(IOVA, 4).data == b"data"


@pytest.mark.parametrize(("sagaw", "levels"), [(0b0010, 3), (0b0100, 4), (0b1000, 5)])
def test_tables_are_as_deep_as_the_unit_wants(sagaw: int, levels: int) -> None:
    bench = make_bench(SAGAW=sagaw, MGAW=56 if levels == 5 else 38)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    assert domain.table.levels == levels
    bench.driver.attach(DEVICE, domain)
    domain.map(0x30_0000_0000, DATA, PAGE_4K)
    assert bench.port.write(0x30_0000_0000, b"deep").ok
    bench.driver.attach_pass_through(DEVICE)
    assert bench.port.read(DATA, 4).data == b"deep"
    with pytest.raises(ValueError, match=r"2 levels are none of"):
        bench.driver.create_domain(levels=2)


def test_only_the_page_sizes_of_the_unit_are_used() -> None:
    bench = make_bench(SSLPS=0)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    bench.driver.attach(DEVICE, domain)
    domain.map(IOVA, DATA, 2 * PAGE_2M)
    assert bench.port.write(IOVA + PAGE_2M, b"data").ok
    assert {page.size for page in domain.table.pages()} == {PAGE_4K}
    assert bench.driver.probe().page_sizes == (PAGE_4K,)


def test_a_domain_is_shared_by_devices() -> None:
    bench = make_bench()
    bench.driver.enable()
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    for device in (DEVICE, OTHER_DEVICE, "05:00.0"):
        bench.driver.attach(device, domain)
        assert bench.platform.requester(device).read(IOVA, 4).ok
    assert {use.source_id for use in domain.attachments} == {0x20, 0xFA, 0x500}
    domain.unmap(IOVA, PAGE_4K)
    for device in (DEVICE, OTHER_DEVICE, "05:00.0"):
        assert not bench.platform.requester(device).read(IOVA, 4).ok


def test_entry_fields_reach_the_context_entry() -> None:
    bench = make_bench()
    bench.driver.enable()
    bench.driver.attach(DEVICE, bench.driver.create_domain(), FPD=1)
    assert not bench.port.read(IOVA, 4).ok
    assert bench.fault_names() == []  # fault processing is disabled for this device
    with pytest.raises(TypeError, match="context_entry has no field 'SRE'"):
        bench.driver.attach(DEVICE, bench.driver.create_domain(), SRE=1)


def test_a_broken_table_is_told_by_its_condition() -> None:
    bench = make_bench()
    bench.driver.enable()
    domain = bench.driver.create_domain()
    bench.driver.attach(DEVICE, domain)
    domain.map(IOVA, DATA, PAGE_4K)
    good = domain.table.read_entry(IOVA, 3)
    assert good is not None
    domain.table.write_entry(IOVA, 3, good | 1 << 11)
    bench.driver.invalidate_iotlb(domain.domain_id)
    assert not bench.port.read(IOVA, 4).ok
    domain.table.write_entry(IOVA, 3, good)
    bench.driver.invalidate_iotlb(domain.domain_id, IOVA)
    assert bench.port.read(IOVA, 4).ok
    assert bench.fault_names() == ["LSS.2"]


def test_domain_ids_are_taken_once_and_given_back() -> None:
    bench = make_bench(ND=0)
    driver = bench.driver
    driver.enable()
    assert driver.probe().domain_ids == 16
    domains = [driver.create_domain() for _ in range(15)]
    assert [domain.domain_id for domain in domains] == list(range(1, 16))
    with pytest.raises(ValueError, match="in use or not within 1 to 0xf"):
        driver.create_domain()
    driver.attach(DEVICE, domains[4])
    with pytest.raises(ValueError, match="domain 0x5 is in use"):
        driver.destroy_domain(domains[4])
    driver.detach(DEVICE)
    driver.destroy_domain(domains[4])
    assert driver.create_domain().domain_id == 5
    driver.destroy_domain(domains[0])
    assert driver.create_domain(domain_id=1).domain_id == 1


def test_what_a_unit_cannot_translate_is_not_mapped() -> None:
    bench = make_bench(MGAW=38)
    domain = bench.driver.create_domain()
    with pytest.raises(ValueError, match="wider than 39 bits"):
        domain.map(1 << 39, DATA, PAGE_4K)
    with pytest.raises(ValueError, match="wider than 48 bits"):
        domain.map(0, 1 << 48, PAGE_4K)


def test_a_driver_says_what_is_missing() -> None:
    bench = make_bench()
    driver = bench.driver
    with pytest.raises(ValueError, match=r"no tables yet: call enable\(\), or prepare\(\)"):
        driver.attach(DEVICE, driver.create_domain())
    with pytest.raises(ValueError, match=r"scalable mode needs ECAP\.SMTS"):
        driver.enable("scalable")
    driver.prepare()
    with pytest.raises(TypeError, match=r"3 is no domain: make one with create_domain\(\)"):
        driver.attach(DEVICE, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"00:04\.0 is not attached"):
        driver.detach(DEVICE)
    with pytest.raises(ValueError, match=r"PASIDs need scalable mode.*: call enable\('scalable'\)"):
        driver.attach_pasid(DEVICE, 1, pass_through=True)
    with pytest.raises(ValueError, match="IR and IW need scalable mode"):
        driver.prepare(io_rights=True)
    with pytest.raises(ValueError, match="address 0x5000 is given without a domain-id"):
        driver.invalidate_iotlb(iova=0x5000)
    with pytest.raises(ValueError, match="no invalidation queue"):
        make_bench(QI=0, use_queue=True)
    with pytest.raises(ValueError, match="only the queue invalidates from version 6 on"):
        make_bench(version=0x60, SSTS=1, use_queue=False)
    without_second_stage = make_bench(version=0x60, SAGAW=0).driver
    without_second_stage.prepare()
    with pytest.raises(ValueError, match="has no second stage"):
        without_second_stage.attach_pass_through(DEVICE)


def test_huge_pages_are_used_where_they_fit() -> None:
    bench = make_bench()
    bench.driver.enable()
    domain = bench.driver.create_domain()
    bench.driver.attach(DEVICE, domain)
    domain.map(PAGE_1G, 0, PAGE_1G + PAGE_2M + PAGE_4K)
    assert [page.size for page in domain.table.pages()] == [PAGE_1G, PAGE_2M, PAGE_4K]
    assert bench.port.write(PAGE_1G + DATA, b"huge").ok
    assert bench.platform.read(DATA, 4) == b"huge"
