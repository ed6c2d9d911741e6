"""What a forgotten invalidation leaves behind in a real unit, and which one ends it.

Tables are changed behind the driver's back; then the caches are told step by step.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.software.bench import DATA, DEVICE, IOVA, SCALABLE, Bench, make_bench
from vtd_plugin.encodings.registers import RTADDR
from vtd_plugin.encodings.structures import ContextEntry, PasidTableEntry
from vtd_plugin.software import (
    PAGE_2M,
    PAGE_4K,
    Command,
    Domain,
    LegacyRootTable,
    PasidTables,
    descriptors,
)
from vtd_plugin.software.scalable import ScalableDevices

WAYS: dict[str, dict[str, Any]] = {
    "queue-128": {},
    "queue-256": {"SMTS": 1, "SSTS": 1},
    "registers": {"QI": 0},
}
each_way = pytest.mark.parametrize("options", WAYS.values(), ids=WAYS.keys())
each_cm = pytest.mark.parametrize("cm", [0, 1])


def legacy(**options: Any) -> tuple[Bench, Domain]:
    """A device that has used a page of its domain."""
    bench = make_bench(**options)
    bench.driver.enable()
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, 2 * PAGE_4K)
    bench.driver.attach(DEVICE, domain)
    bench.platform.write(DATA, b"old")
    bench.platform.write(DATA + PAGE_2M, b"new")
    assert seen(bench) == b"old"
    return bench, domain


def seen(bench: Bench, pasid: int | None = None, iova: int = IOVA) -> bytes | None:
    """What the device reads; None for a fault."""
    result = bench.port.read(iova, 3, pasid=pasid)
    return result.data if result.ok else None


@each_way
@each_cm
def test_an_unmapped_page_stays_until_its_own_page_is_invalidated(
    options: dict[str, Any], cm: int
) -> None:
    bench, domain = legacy(CM=cm, **options)
    domain.table.unmap(IOVA, PAGE_4K)
    assert seen(bench) == b"old"
    bench.driver.invalidate_iotlb(domain.domain_id, IOVA + PAGE_4K)
    bench.driver.invalidate_iotlb(domain.domain_id + 1)
    bench.driver.invalidate_context()
    assert seen(bench) == b"old"
    bench.driver.invalidate_iotlb(domain.domain_id, IOVA)
    assert seen(bench) is None


@each_way
@each_cm
def test_a_page_that_moves_is_seen_where_it_was(options: dict[str, Any], cm: int) -> None:
    bench, domain = legacy(CM=cm, **options)
    domain.table.unmap(IOVA, PAGE_4K)
    domain.table.map(IOVA, DATA + PAGE_2M, PAGE_4K)
    assert seen(bench) == b"old"
    bench.driver.invalidate_iotlb(domain.domain_id, IOVA)
    assert seen(bench) == b"new"


@each_way
@each_cm
def test_a_right_that_is_withdrawn_still_counts(options: dict[str, Any], cm: int) -> None:
    bench, domain = legacy(CM=cm, **options)
    domain.table.protect(IOVA, PAGE_4K, write=False)
    assert bench.port.write(IOVA, b"odd").ok
    bench.driver.invalidate_iotlb(domain.domain_id)
    assert not bench.port.write(IOVA, b"no!").ok
    assert seen(bench) == b"odd"


@each_way
@each_cm
def test_a_table_that_moves_needs_more_than_its_leaves(options: dict[str, Any], cm: int) -> None:
    bench, domain = legacy(CM=cm, **options)
    change = domain.table.unmap(IOVA, 2 * PAGE_4K)
    assert change.pointers_changed
    domain.table.map(IOVA, DATA + PAGE_2M, PAGE_4K)
    bench.driver.invalidate_iotlb(domain.domain_id, IOVA, leaves_only=True)
    assert seen(bench) is None  # the old table is still looked at
    bench.driver.invalidate_iotlb(domain.domain_id, IOVA)
    assert seen(bench) == b"new"


@each_way
@each_cm
def test_a_new_page_needs_telling_only_in_caching_mode(options: dict[str, Any], cm: int) -> None:
    bench, domain = legacy(CM=cm, **options)
    assert seen(bench, iova=IOVA + PAGE_2M) is None
    domain.table.map(IOVA + PAGE_2M, DATA + PAGE_2M, PAGE_4K)
    assert seen(bench, iova=IOVA + PAGE_2M) == (None if cm else b"new")
    bench.driver.invalidate_iotlb(domain.domain_id, IOVA + PAGE_2M)
    assert seen(bench, iova=IOVA + PAGE_2M) == b"new"


@each_way
@each_cm
def test_a_new_device_needs_telling_only_in_caching_mode(options: dict[str, Any], cm: int) -> None:
    bench, domain = legacy(CM=cm, **options)
    other = bench.platform.requester("00:05.0")
    assert not other.read(IOVA, 3).ok
    entry = ContextEntry.pack(P=1, AW=2, DID=domain.domain_id, SSPTPTR_address=domain.table.root)
    bench.driver.devices.root_table.write_context_entry("00:05.0", entry)
    assert other.read(IOVA, 3).ok is not bool(cm)
    bench.driver.invalidate_context(domain.domain_id, 0x28)
    assert other.read(IOVA, 3).ok is not bool(cm)  # what is absent is cached under domain-id 0
    bench.driver.invalidate_context(0, 0x28)
    bench.driver.invalidate_iotlb(domain.domain_id)
    assert other.read(IOVA, 3).ok


@each_way
@each_cm
def test_a_context_entry_is_forgotten_before_its_translations(
    options: dict[str, Any], cm: int
) -> None:
    bench, domain = legacy(CM=cm, **options)
    other = bench.driver.create_domain()
    other.map(IOVA, DATA + PAGE_2M, PAGE_4K)
    entry = ContextEntry.pack(P=1, AW=2, DID=other.domain_id, SSPTPTR_address=other.table.root)
    bench.driver.devices.root_table.write_context_entry(DEVICE, entry)
    bench.driver.invalidate_iotlb(domain.domain_id)
    assert seen(bench) == b"old"  # filled again from the old context entry
    bench.driver.invalidate_context(domain.domain_id, 0x20)
    bench.driver.invalidate_iotlb(domain.domain_id)
    assert seen(bench) == b"new"


@each_way
@pytest.mark.parametrize("esrtps", [0, 1])
def test_a_new_root_table_needs_telling_unless_the_unit_does_it(
    options: dict[str, Any], esrtps: int
) -> None:
    bench, _domain = legacy(ESRTPS=esrtps, **options)
    other = bench.driver.create_domain()
    other.map(IOVA, DATA + PAGE_2M, PAGE_4K)
    tables = LegacyRootTable(bench.platform, bench.frames)
    entry = ContextEntry.pack(P=1, AW=2, DID=other.domain_id, SSPTPTR_address=other.table.root)
    tables.write_context_entry(DEVICE, entry)
    bench.driver.registers.write(RTADDR, RTADDR.pack(RTA_address=tables.address))
    bench.driver.commands.run(Command.SET_ROOT_TABLE)
    assert seen(bench) == (b"new" if esrtps else b"old")
    bench.driver.invalidate_everything()
    assert seen(bench) == b"new"


def scalable(**options: Any) -> tuple[Bench, PasidTables]:
    """A device in scalable mode, and its PASID tables."""
    bench = make_bench(**{**SCALABLE, **options})
    bench.driver.enable("scalable")
    bench.driver.add_device(DEVICE)
    bench.platform.write(DATA, b"old")
    bench.platform.write(DATA + PAGE_2M, b"new")
    devices = bench.driver.devices
    assert isinstance(devices, ScalableDevices)
    return bench, devices.pasid_tables(0x20)


@each_cm
def test_a_first_stage_page_stays_until_its_pasid_is_told(cm: int) -> None:
    bench, _tables = scalable(CM=cm)
    domain = bench.driver.create_first_stage_domain()
    domain.map(IOVA, DATA, 2 * PAGE_4K)
    bench.driver.attach_pasid(DEVICE, 5, first_stage=domain)
    assert seen(bench, 5) == b"old"
    domain.table.unmap(IOVA, PAGE_4K)
    for other_pasid_or_page in (
        descriptors.pasid_iotlb(domain.domain_id, 6),
        descriptors.pasid_iotlb_pages(domain.domain_id, 5, IOVA + PAGE_4K, PAGE_4K),
        descriptors.iotlb(domain.domain_id + 1),
    ):
        bench.driver.invalidate(other_pasid_or_page)
        assert seen(bench, 5) == b"old"
    bench.driver.invalidate(descriptors.pasid_iotlb_pages(domain.domain_id, 5, IOVA, PAGE_4K))
    assert seen(bench, 5) is None


@each_cm
def test_what_is_new_in_a_first_stage_never_needs_telling(cm: int) -> None:
    bench, _tables = scalable(CM=cm)
    domain = bench.driver.create_first_stage_domain()
    bench.driver.attach_pasid(DEVICE, 5, first_stage=domain)
    assert seen(bench, 5) is None
    domain.table.map(IOVA, DATA, PAGE_4K)
    assert seen(bench, 5) == b"old"


@each_cm
def test_a_pasid_entry_is_forgotten_before_its_translations(cm: int) -> None:
    bench, tables = scalable(CM=cm)
    first, second = bench.driver.create_domain(), bench.driver.create_domain()
    first.map(IOVA, DATA, PAGE_4K)
    second.map(IOVA, DATA + PAGE_2M, PAGE_4K)
    bench.driver.attach_pasid(DEVICE, 5, second_stage=first)
    assert seen(bench, 5) == b"old"
    entry = tables.read_entry(5)
    tables.write_entry(5, entry.replace(DID=second.domain_id, SSPTPTR_address=second.table.root))
    assert seen(bench, 5) == b"old"
    bench.driver.invalidate(descriptors.iotlb(first.domain_id))
    assert seen(bench, 5) == b"old"  # filled again from the old PASID entry
    bench.driver.invalidate(descriptors.pasid_cache(first.domain_id, 5))
    assert seen(bench, 5) == b"old"  # the translation itself is still there
    bench.driver.invalidate(descriptors.pasid_iotlb(first.domain_id, 5))
    assert seen(bench, 5) == b"new"


@each_cm
def test_a_new_pasid_needs_telling_only_in_caching_mode(cm: int) -> None:
    bench, tables = scalable(CM=cm)
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    assert seen(bench, 5) is None
    entry = PasidTableEntry.pack(
        P=1, PGTT=2, AW=2, DID=domain.domain_id, SSPTPTR_address=domain.table.root
    )
    tables.write_entry(5, entry)
    assert seen(bench, 5) == (None if cm else b"old")
    bench.driver.invalidate(descriptors.pasid_cache(0, 5), descriptors.iotlb(domain.domain_id))
    assert seen(bench, 5) == b"old"


@pytest.mark.parametrize("any_domain_id", [0, 7])
def test_a_scalable_context_entry_is_told_by_device_alone(any_domain_id: int) -> None:
    bench, _tables = scalable()
    domain = bench.driver.create_first_stage_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    bench.driver.attach_pasid(DEVICE, 5, first_stage=domain)
    assert seen(bench, 5) == b"old"
    bench.driver.devices.root_table.write_context_entry(DEVICE, 0)
    bench.driver.invalidate(descriptors.pasid_iotlb(domain.domain_id, 5))
    assert seen(bench, 5) == b"old"
    bench.driver.invalidate(
        descriptors.context_cache(any_domain_id, 0x20),
        descriptors.pasid_iotlb(domain.domain_id, 5),
    )
    assert seen(bench, 5) is None
