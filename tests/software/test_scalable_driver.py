"""A driver of a real unit in scalable mode: what requests with and without PASID reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.software.bench import DATA, DEVICE, IOVA, OTHER_DEVICE, SCALABLE, Bench, make_bench
from vtd_plugin.software import (
    PAGE_1G,
    PAGE_2M,
    PAGE_4K,
    FirstStageDomain,
    FrameAllocator,
    GuestMemory,
)

if TYPE_CHECKING:
    from vtd_plugin.bus import Result
    from vtd_plugin.software import Domain

GUEST = 0x300_0000
"""Where the memory of a guest lies in that of the host."""
GUEST_BYTES = 0x80_0000
GUEST_TABLES = 0x10_0000
GUEST_DATA = 0x40_0000

UNITS: dict[str, dict[str, Any]] = {
    "plain": {},
    "caching-mode": {"CM": 1},
    "no-esrtps": {"ESRTPS": 0},
    "walks-not-snooped": {"SMPWCS": 0},
    "no-page-selective": {"PSI": 0, "MAMV": 0},
    "version-6": {"version": 0x60},
}
each_unit = pytest.mark.parametrize("options", UNITS.values(), ids=UNITS.keys())
each_use = pytest.mark.parametrize("use", ["first", "second", "nested", "pass-through"])


def scalable_bench(**options: Any) -> Bench:
    bench = make_bench(**{**SCALABLE, **options})
    bench.driver.enable("scalable")
    return bench


def guest_domains(bench: Bench) -> tuple[FirstStageDomain, Domain]:
    """A first stage in the memory of a guest, and the second stage that gives it its place."""
    second = bench.driver.create_domain()
    second.map(0, GUEST, GUEST_BYTES)
    first = bench.driver.create_first_stage_domain(
        cpu=GuestMemory(bench.platform, second.table),
        frames=FrameAllocator(GUEST_TABLES, GUEST_BYTES - GUEST_TABLES),
    )
    return first, second


def attach(bench: Bench, use: str, pasid: int, address: int) -> int:
    """Let a PASID reach a page, one way or the other; the address that it does so with."""
    driver = bench.driver
    if use == "pass-through":
        driver.attach_pasid(DEVICE, pasid, pass_through=True)
        return address
    if use == "nested":
        first, second = guest_domains(bench)
        second.map(GUEST_BYTES, address, PAGE_4K)
        first.map(IOVA, GUEST_BYTES, PAGE_4K)
        driver.attach_pasid(DEVICE, pasid, first_stage=first, second_stage=second)
    elif use == "first":
        first = driver.create_first_stage_domain()
        first.map(IOVA, address, PAGE_4K)
        driver.attach_pasid(DEVICE, pasid, first_stage=first)
    else:
        second = driver.create_domain()
        second.map(IOVA, address, PAGE_4K)
        driver.attach_pasid(DEVICE, pasid, second_stage=second)
    return IOVA


def read(bench: Bench, iova: int, pasid: int, size: int = 4) -> Result:
    return bench.port.read(iova, size, pasid=pasid)


@each_unit
@each_use
def test_a_pasid_reaches_memory(options: dict[str, Any], use: str) -> None:
    bench = scalable_bench(**options)
    assert not read(bench, IOVA, 5).ok
    iova = attach(bench, use, 5, DATA)
    assert bench.port.write(iova, b"data", pasid=5).ok
    assert bench.platform.read(DATA, 4) == b"data"
    assert read(bench, iova, 5).data == b"data"
    assert not read(bench, iova, 6).ok
    assert not bench.port.read(iova, 4).ok
    assert bench.fault_names() == ["SRT.2", "SPT.2", "SPT.2"]


@each_unit
@pytest.mark.parametrize("after", ["first", "second", "nested", "pass-through"])
@pytest.mark.parametrize("before", ["first", "second", "nested", "pass-through"])
def test_a_pasid_switches_its_stage(options: dict[str, Any], before: str, after: str) -> None:
    bench = scalable_bench(**options)
    bench.platform.write(DATA, b"was here")
    bench.platform.write(DATA + PAGE_4K, b"is there")
    iova = attach(bench, before, 5, DATA)
    assert read(bench, iova, 5, 8).data == b"was here"
    iova = attach(bench, after, 5, DATA + PAGE_4K)
    assert read(bench, iova, 5, 8).data == b"is there"
    assert bench.fault_names() == []


@each_unit
@each_use
def test_a_pasid_that_is_detached_faults(options: dict[str, Any], use: str) -> None:
    bench = scalable_bench(**options)
    iova = attach(bench, use, 5, DATA)
    kept = attach(bench, use, 6, DATA)
    assert read(bench, iova, 5).ok
    bench.driver.detach_pasid(DEVICE, 5)
    assert not read(bench, iova, 5).ok
    assert read(bench, kept, 6).ok
    bench.driver.detach(DEVICE)
    assert not read(bench, kept, 6).ok
    assert bench.fault_names() == ["SPT.2", "SCT.2"]


@each_unit
@each_use
def test_requests_without_pasid_are_kept_apart(options: dict[str, Any], use: str) -> None:
    bench = scalable_bench(**options)
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA + PAGE_4K, PAGE_4K)
    bench.driver.add_device(DEVICE, RID_PASID=9)
    bench.driver.attach(DEVICE, domain)
    iova = attach(bench, use, 5, DATA)
    bench.platform.write(DATA, b"with")
    bench.platform.write(DATA + PAGE_4K, b"less")
    assert read(bench, iova, 5).data == b"with"
    assert bench.port.read(IOVA, 4).data == b"less"
    bench.driver.attach_pass_through(DEVICE)
    assert bench.port.read(DATA, 4).data == b"with"
    bench.driver.detach_pasid(DEVICE, 5)
    assert bench.port.read(DATA, 4).data == b"with"
    bench.driver.attach(DEVICE, bench.driver.create_first_stage_domain())
    assert not bench.port.read(DATA, 4).ok


@each_unit
def test_a_first_stage_changes_under_a_device(options: dict[str, Any]) -> None:
    bench = scalable_bench(**options)
    domain = bench.driver.create_first_stage_domain()
    bench.driver.attach_pasid(DEVICE, 5, first_stage=domain)
    bench.driver.attach_pasid(OTHER_DEVICE, 7, first_stage=domain)
    other = bench.platform.requester(OTHER_DEVICE)
    for turn, page_size in enumerate((PAGE_4K, PAGE_2M, PAGE_4K)):
        address = DATA + turn * PAGE_2M
        domain.map(IOVA, address, PAGE_2M, page_size=page_size)
        assert bench.port.write(IOVA + 0x12_3456, bytes([turn] * 16), pasid=5).ok
        assert other.read(IOVA + 0x12_3456, 16, pasid=7).data == bytes([turn] * 16)
        domain.protect(IOVA, PAGE_2M, write=False)
        assert not bench.port.write(IOVA + 0x12_3456, b"no", pasid=5).ok
        assert not other.write(IOVA + 0x12_3456, b"no", pasid=7).ok
        domain.unmap(IOVA, PAGE_2M)
        assert not read(bench, IOVA + 0x12_3456, 5).ok
        assert not other.read(IOVA + 0x12_3456, 4, pasid=7).ok
    assert domain.table.tables == {domain.table.root}
    assert bench.driver.fault_overflows == 0


@each_unit
def test_a_second_stage_changes_below_a_nested_one(options: dict[str, Any]) -> None:
    bench = scalable_bench(**options)
    first, second = guest_domains(bench)
    bench.driver.attach_pasid(DEVICE, 5, first_stage=first, second_stage=second)
    first.map(IOVA, GUEST_DATA, 2 * PAGE_4K)
    bench.platform.write(GUEST + GUEST_DATA, b"home")
    bench.platform.write(DATA, b"away")
    assert read(bench, IOVA, 5).data == b"home"
    second.unmap(0, GUEST_BYTES)
    assert not read(bench, IOVA, 5).ok
    second.map(0, GUEST, GUEST_DATA)
    second.map(GUEST_DATA, DATA, PAGE_4K)
    assert read(bench, IOVA, 5).data == b"away"
    assert not read(bench, IOVA + PAGE_4K, 5).ok
    first.unmap(IOVA, PAGE_4K)
    assert not read(bench, IOVA, 5).ok


@pytest.mark.parametrize("levels", [4, 5])
@pytest.mark.parametrize("page_size", [PAGE_4K, PAGE_2M, PAGE_1G])
@pytest.mark.parametrize("upper_half", [False, True])
def test_first_stages_have_the_shapes_of_processor_tables(
    levels: int, page_size: int, upper_half: bool
) -> None:
    bench = scalable_bench()
    domain = bench.driver.create_first_stage_domain(levels)
    bench.driver.attach_pasid(DEVICE, 5, first_stage=domain)
    top = 1 << (9 * levels + 11)
    iova = (1 << 64) - top if upper_half else top - PAGE_1G
    base = DATA if page_size < PAGE_1G else 0
    domain.map(iova, base, page_size, page_size=page_size)
    assert bench.port.write(iova + DATA - base, b"deep", pasid=5).ok
    assert bench.platform.read(DATA, 4) == b"deep"
    assert not read(bench, iova ^ top, 5).ok
    assert bench.fault_names() == ["SGN.1"]  # not canonical


@pytest.mark.parametrize(("sagaw", "levels"), [(0b0010, 3), (0b0100, 4), (0b1000, 5)])
@pytest.mark.parametrize("page_size", [PAGE_4K, PAGE_2M, PAGE_1G])
def test_second_stages_have_the_depths_of_the_unit(sagaw: int, levels: int, page_size: int) -> None:
    bench = scalable_bench(SAGAW=sagaw, MGAW=56 if levels == 5 else 38)
    domain = bench.driver.create_domain()
    assert domain.table.levels == levels
    bench.driver.attach_pasid(DEVICE, 5, second_stage=domain)
    iova = (1 << (9 * levels + 12)) - PAGE_1G if levels != 4 else (1 << 39) - PAGE_1G
    base = DATA if page_size < PAGE_1G else 0
    domain.map(iova, base, page_size, page_size=page_size)
    assert bench.port.write(iova + DATA - base, b"deep", pasid=5).ok
    assert bench.platform.read(DATA, 4) == b"deep"


def test_supervisor_pages_are_for_privileged_requests() -> None:
    bench = scalable_bench()
    domain = bench.driver.create_first_stage_domain()
    domain.map(IOVA, DATA, PAGE_4K, US=0)
    bench.driver.attach_pasid(DEVICE, 5, first_stage=domain, SRE=1)
    assert not read(bench, IOVA, 5).ok
    assert bench.port.read(IOVA, 4, pasid=5, privileged=True).ok
    bench.driver.attach_pasid(DEVICE, 6, first_stage=domain)
    assert not bench.port.read(IOVA, 4, pasid=6, privileged=True).ok


@each_unit
@each_use
@pytest.mark.parametrize("kind", ["warm", "cold"])
def test_a_reset_is_recovered_from(options: dict[str, Any], use: str, kind: str) -> None:
    bench = scalable_bench(**options)
    iova = attach(bench, use, 5, DATA)
    bench.platform.write(DATA, b"kept")
    assert read(bench, iova, 5).ok
    bench.platform.reset(kind)
    assert bench.port.read(DATA, 4).data == b"kept"
    bench.driver.recover_after_reset()
    assert read(bench, iova, 5).data == b"kept"
    assert not bench.port.read(DATA, 4).ok


@each_unit
def test_domains_are_torn_down_in_reverse(options: dict[str, Any]) -> None:
    bench = scalable_bench(**options)
    used = bench.frames.used
    first, second = guest_domains(bench)
    bench.driver.add_device(DEVICE, PDTS=0)
    bench.driver.attach_pasid(DEVICE, 5, first_stage=first, second_stage=second)
    first.map(IOVA, GUEST_DATA, PAGE_4K)
    assert read(bench, IOVA, 5).ok
    with pytest.raises(ValueError, match="is in use"):
        bench.driver.destroy_domain(second)
    bench.driver.detach(DEVICE)
    bench.driver.destroy_domain(first)
    bench.driver.destroy_domain(second)
    assert bench.frames.used == used + 1  # the context table of the bus stays


def test_rights_of_their_own_for_devices_below_processors() -> None:
    bench = make_bench(**SCALABLE, SSIRWS=1, version=0x60)
    bench.driver.enable("scalable", io_rights=True)
    domain = bench.driver.create_domain()
    domain.map(IOVA, DATA, PAGE_4K)
    bench.driver.attach_pasid(DEVICE, 5, second_stage=domain)
    assert bench.port.write(IOVA, b"data", pasid=5).ok
    domain.protect(IOVA, PAGE_4K, write=False)
    assert not bench.port.write(IOVA, b"gone", pasid=5).ok
    assert read(bench, IOVA, 5).data == b"data"


def test_a_driver_says_what_scalable_mode_lacks() -> None:
    bench = scalable_bench()
    driver = bench.driver
    first, second = driver.create_first_stage_domain(), driver.create_domain()
    with pytest.raises(ValueError, match="give a first stage, a second stage, both, or"):
        driver.attach_pasid(DEVICE, 5)
    with pytest.raises(ValueError, match="give a first stage, a second stage, both, or"):
        driver.attach_pasid(DEVICE, 5, second_stage=second, pass_through=True)
    with pytest.raises(ValueError, match="has no context entry"):
        driver.detach_pasid(DEVICE, 5)
    driver.add_device(DEVICE, PDTS=0)
    with pytest.raises(ValueError, match="has a context entry already"):
        driver.add_device(DEVICE)
    with pytest.raises(ValueError, match="does not use PASID 0x5"):
        driver.detach_pasid(DEVICE, 5)
    with pytest.raises(ValueError, match="PASID 0x2000 is not within 0 to 0x1fff"):
        driver.attach_pasid(DEVICE, 0x2000, first_stage=first)
    with pytest.raises(TypeError, match="pasid_table_entry has no field 'TT'"):
        driver.attach_pasid(DEVICE, 5, first_stage=first, TT=1)


@pytest.mark.parametrize("pasid", ["0x28", None, True])
def test_a_pasid_is_a_number(pasid: Any) -> None:
    driver = make_bench(**SCALABLE).driver
    driver.enable("scalable")
    for act in (driver.detach_pasid, driver.change_pasid):
        with pytest.raises(TypeError, match=f"PASID {pasid!r} is no int"):
            act(DEVICE, pasid)
    with pytest.raises(TypeError, match=f"PASID {pasid!r} is no int"):
        driver.attach_pasid(DEVICE, pasid, pass_through=True)


@pytest.mark.parametrize("options", [{}, {"CM": 1}])
def test_devices_move_to_scalable_mode_while_they_run(options: dict[str, Any]) -> None:
    bench = make_bench(**{**SCALABLE, **options})
    driver = bench.driver
    driver.enable("legacy")
    domain = driver.create_domain()
    domain.map(IOVA, DATA, 2 * PAGE_4K)
    driver.attach(DEVICE, domain)
    driver.attach_pass_through(OTHER_DEVICE)
    other = bench.platform.requester(OTHER_DEVICE)
    bench.platform.write(DATA, b"data")
    assert not read(bench, IOVA, 5).ok
    assert bench.port.read(IOVA, 4).data == b"data"
    old_tables = driver.root.address
    driver.switch_to_scalable()
    assert driver.translating
    assert bench.port.read(IOVA, 4).data == b"data"
    assert other.read(DATA, 4).data == b"data"
    assert bench.frames.allocate() == old_tables
    domain.unmap(IOVA, PAGE_4K)
    assert not bench.port.read(IOVA, 4).ok
    assert bench.port.read(IOVA + PAGE_4K, 4).ok
    iova = attach(bench, "first", 5, DATA)
    assert read(bench, iova, 5).data == b"data"
    bench.platform.reset()
    driver.recover_after_reset()
    assert read(bench, iova, 5).data == b"data"
    assert bench.fault_names() == ["RTA.2", "SSS.2"]


def test_the_rights_of_a_pasid_change_in_place() -> None:
    bench = scalable_bench()
    domain = bench.driver.create_first_stage_domain()
    domain.map(IOVA, DATA, PAGE_4K, US=0)
    bench.driver.attach_pasid(DEVICE, 5, first_stage=domain)
    assert not bench.port.read(IOVA, 4, pasid=5, privileged=True).ok
    bench.driver.change_pasid(DEVICE, 5, SRE=1)
    assert bench.port.read(IOVA, 4, pasid=5, privileged=True).ok
    domain.protect(IOVA, PAGE_4K, write=False)
    assert bench.port.write(IOVA, b"data", pasid=5, privileged=True).ok
    bench.driver.change_pasid(DEVICE, 5, WPE=1)
    assert not bench.port.write(IOVA, b"data", pasid=5, privileged=True).ok
    bench.driver.change_pasid(DEVICE, 5, FPD=1)
    assert not bench.port.write(IOVA, b"data", pasid=5, privileged=True).ok
    assert bench.fault_names() == ["SPT.6", "SGN.6"]
