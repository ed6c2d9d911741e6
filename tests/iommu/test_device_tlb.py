"""Device-TLBs in scalable mode: what devices learn, what they may do, how they are told (§4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.iommu.bench import HOST, IOVA, PAGE, SOURCE, Mapped, values
from tests.iommu.scalable_bench import (
    FIRST,
    NESTED,
    PASID,
    SECOND,
    THROUGH,
    Scalable,
    scalable_config,
)
from tests.iommu.scalable_cases import WINDOW
from vtd_plugin import VtdConfig
from vtd_plugin.bus import ALL_ADDRESSES, AddressType, Fault, RequestKind, Resolution, Translation
from vtd_plugin.encodings.structures import (
    DeviceTlbInvalidate,
    HptL3e,
    HptL4e,
    PasidDeviceTlbInvalidate,
)
from vtd_plugin.iommu.events import DeviceTlbInvalidated
from vtd_plugin.software.pages import PAGE_1G, PAGE_2M

if TYPE_CHECKING:
    from vtd_plugin.encodings.codes import PageTableType

READABLE: Final = Translation.READABLE
WRITABLE: Final = Translation.WRITABLE
BOTH: Final = READABLE | WRITABLE


def granted(answer: Resolution) -> Translation:
    assert isinstance(answer, Translation), f"{answer} is no translation"
    return answer


# --- translation requests (§4.2.3)


@pytest.mark.parametrize("kind", [FIRST, SECOND, NESTED])
@pytest.mark.parametrize("pasid", [None, PASID])
def test_a_device_learns_where_its_page_lies(kind: PageTableType, pasid: int | None) -> None:
    bench = Scalable(kind=kind)
    page = granted(bench.port().request_translation(IOVA + PAGE, pasid=pasid))
    assert (page.base, page.mask, page.rights) == (HOST + PAGE, PAGE - 1, BOTH)


@pytest.mark.parametrize(
    ("kind", "change", "rights"),
    [
        pytest.param(FIRST, lambda b: b.change_first(1, RW=0), READABLE, id="first"),
        pytest.param(SECOND, lambda b: b.change_second(1, W=0), READABLE, id="second-read"),
        pytest.param(SECOND, lambda b: b.change_second(1, R=0), WRITABLE, id="second-write"),
        pytest.param(NESTED, lambda b: b.change_second(1, W=0), READABLE, id="nested-below"),
        pytest.param(NESTED, lambda b: b.change_first(1, RW=0), READABLE, id="nested-above"),
    ],
)
def test_a_device_learns_the_rights_there_are(
    kind: PageTableType, change: object, rights: int
) -> None:
    bench = Scalable(kind=kind)
    assert callable(change)
    change(bench)
    page = granted(bench.port().request_translation(IOVA, pasid=PASID))
    assert page.rights == rights
    assert not bench.fault_status.PPF


@pytest.mark.parametrize("privileged", [False, True])
def test_supervisor_pages_are_for_supervisor_requests(privileged: bool) -> None:
    bench = Scalable(kind=FIRST)
    bench.change_first(1, US=0)
    answer = bench.port().request_translation(IOVA, pasid=PASID, privileged=privileged)
    assert isinstance(answer, Translation) is privileged


@pytest.mark.parametrize("no_write", [False, True])
@pytest.mark.parametrize("kind", [FIRST, NESTED])
def test_the_page_counts_as_written_unless_the_device_will_not(
    kind: PageTableType, no_write: bool
) -> None:
    bench = Scalable(kind=kind)
    page = granted(bench.port().request_translation(IOVA, pasid=PASID, no_write=no_write))
    entry = bench.first.LEAVES[1](bench.first.read_entry(IOVA, 1) or 0)
    assert values(entry, "A", "D") == (1, int(not no_write))
    assert page.rights == (READABLE if no_write else BOTH)


def test_pass_through_answers_with_as_much_as_there_is() -> None:
    bench = Scalable(kind=THROUGH)
    page = granted(bench.port().request_translation(HOST, pasid=PASID))
    assert (page.address(HOST), page.rights) == (HOST, BOTH)
    assert page.mask >= PAGE_1G - 1


def test_a_device_learns_the_size_of_a_nested_page() -> None:
    bench = Scalable(kind=NESTED)
    bench.second.map(8 * PAGE_1G, PAGE_2M, PAGE_2M, page_size=PAGE_2M)
    bench.first.map(16 * PAGE_1G, 8 * PAGE_1G, PAGE_2M, page_size=PAGE_2M)
    page = granted(bench.port().request_translation(16 * PAGE_1G + 5 * PAGE, pasid=PASID))
    assert (page.base, page.mask) == (PAGE_2M, PAGE_2M - 1)


@pytest.mark.parametrize(("no_write", "rights"), [(False, WRITABLE), (True, 0)])
def test_a_request_without_pasid_into_the_interrupt_range_may_only_write(
    no_write: bool, rights: int
) -> None:
    bench = Scalable()
    page = granted(bench.port().request_translation(WINDOW, no_write=no_write))
    assert page.rights == rights
    assert not bench.fault_status.PPF


def test_a_request_with_pasid_there_is_one_for_memory() -> None:
    bench = Scalable()
    bench.second.map(WINDOW, HOST, PAGE)
    page = granted(bench.port().request_translation(WINDOW, pasid=PASID))
    assert (page.base, page.rights) == (HOST, BOTH)


def test_what_a_device_learns_is_not_kept_for_its_other_requests() -> None:
    bench = Scalable()
    granted(bench.port().request_translation(IOVA, pasid=PASID))
    bench.second.unmap(IOVA, PAGE)
    assert bench.lands_at(pasid=PASID) is None


# --- translated requests (§4.2.5)


@pytest.mark.parametrize("pasid", [None, PASID])
@pytest.mark.parametrize("permissions", [0, 1])
def test_a_translated_request_goes_where_it_says(pasid: int | None, permissions: int) -> None:
    bench = Scalable()
    bench.change_context(HPTE=permissions)
    result = bench.port().read(HOST, 8, pasid=pasid, address_type=AddressType.TRANSLATED)
    assert result.data == HOST.to_bytes(8, "little")


def test_without_host_permissions_the_pasid_tables_are_not_looked_at() -> None:
    bench = Scalable()
    bench.change_context(HPTE=0)
    bench.change_directory(P=0)
    assert bench.port().read(HOST, 8, address_type=AddressType.TRANSLATED).ok


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        (0, set()),
        (READABLE, {RequestKind.READ}),
        (WRITABLE, {RequestKind.WRITE}),
        (BOTH, {RequestKind.READ, RequestKind.WRITE, RequestKind.ATOMIC}),
    ],
)
@pytest.mark.parametrize("kind", list(RequestKind))
@pytest.mark.parametrize("level", [1, 2, 3])
def test_host_permissions_decide_which_kinds_of_request_pass(
    rights: int, allowed: set[RequestKind], kind: RequestKind, level: int
) -> None:
    bench = Scalable()
    permit(bench, level, rights)
    answer = bench.unit.translate(SOURCE, HOST, kind=kind, address_type=AddressType.TRANSLATED)
    assert isinstance(answer, Translation) is (kind in allowed)


def permit(bench: Scalable, level: int, rights: int) -> None:
    """Give rights to the page of `HOST` in a table of that level of the host permission table."""
    tables = [bench.permissions, *(bench.frames.allocate() for _ in range(3))]
    for table in tables[1:]:
        bench.put(table, bytes(PAGE))
    for number, shift in ((4, 41), (3, 33), (2, 25)):
        table, below = tables[4 - number], tables[5 - number]
        entry = 1 << 64 | below << 64 if number > level else 0
        bench.put(table + (HOST >> shift & 0xFF) * 16, entry.to_bytes(16, "little"))
    shift, page_shift, pages = {3: (33, 30, 8), 2: (25, 21, 16), 1: (17, 12, 32)}[level]
    entry = rights << 4 * (HOST >> page_shift & pages - 1)
    bench.put(tables[4 - level] + (HOST >> shift & 0xFF) * 16, entry.to_bytes(16, "little"))


@pytest.mark.parametrize("rights", [READABLE, WRITABLE, BOTH])
def test_a_zero_length_read_needs_any_permission(rights: int) -> None:
    bench = Scalable()
    permit(bench, 3, rights)
    answer = bench.unit.translate(SOURCE, HOST, size=0, address_type=AddressType.TRANSLATED)
    assert isinstance(answer, Translation)


@pytest.mark.parametrize(("pages", "size", "reached"), [(1, 0, False), (2, 1, True)])
def test_a_larger_permission_table_covers_more_addresses(
    pages: int, size: int, reached: bool
) -> None:
    bench = Scalable(scalable_config(host_address_width=52))
    top = bench.frames.allocate(pages)
    bench.put(top, bytes(pages * PAGE))
    lower = bench.frames.allocate()
    bench.put(lower, bytes(PAGE))
    bench.put_entry(lower, HptL3e, PP0_7=READABLE)
    bench.put_entry(top + (pages - 1) * PAGE, HptL4e, AV=1, ADDR_address=lower)
    bench.change_entry(HPTPTR_address=top, HPTSZ=size)
    answer = bench.unit.translate(SOURCE, 1 << 49, address_type=AddressType.TRANSLATED)
    assert isinstance(answer, Translation) is reached


# --- invalidations on their way to devices (§6.5.2.5)


@pytest.mark.parametrize(
    ("address", "ranged", "first", "size"),
    [
        pytest.param(0x4000_3000, 0, 0x4000_3000, PAGE, id="page"),
        pytest.param(0x4000_0000, 1, 0x4000_0000, 2 * PAGE, id="two"),
        pytest.param(0x4000_1000, 1, 0x4000_0000, 4 * PAGE, id="four"),
        pytest.param(0x400F_F000, 1, 0x4000_0000, PAGE_2M, id="2m"),
        pytest.param((1 << 63) - PAGE, 1, 0, 1 << 64, id="all"),
    ],
)
@pytest.mark.parametrize("pasid", [None, PASID])
def test_a_device_is_told_the_range_that_is_named(
    address: int, ranged: int, first: int, size: int, pasid: int | None
) -> None:
    bench = Scalable()
    seen = bench.observe(DeviceTlbInvalidated)
    fields = {"SID": SOURCE, "ADDR_address": address, "S": ranged}
    queue = bench.start_queue(wide=True)
    if pasid is None:
        queue.run(DeviceTlbInvalidate(DeviceTlbInvalidate.pack(**fields)))
    else:
        value = PasidDeviceTlbInvalidate.pack(PASID=pasid, **fields)
        queue.run(PasidDeviceTlbInvalidate(value))
    assert seen == [DeviceTlbInvalidated("vtd", SOURCE, first, size, pasid)]
    assert first + size - 1 <= ALL_ADDRESSES


def test_a_device_may_be_told_of_all_pasids_at_once() -> None:
    bench = Scalable()
    seen = bench.observe(DeviceTlbInvalidated)
    value = PasidDeviceTlbInvalidate.pack(SID=SOURCE, GI=1, PASID=PASID)
    bench.start_queue(wide=True).run(PasidDeviceTlbInvalidate(value))
    assert [event.pasid for event in seen] == [None]


def test_devices_of_legacy_mode_are_told_too() -> None:
    bench = Mapped(VtdConfig(DT=1))
    seen = bench.observe(DeviceTlbInvalidated)
    value = DeviceTlbInvalidate.pack(SID=SOURCE, ADDR_address=IOVA)
    bench.start_queue().run(DeviceTlbInvalidate(value))
    assert seen == [DeviceTlbInvalidated("vtd", SOURCE, IOVA, PAGE, None)]


def test_a_unit_that_does_not_know_the_no_write_flag_grants_all() -> None:
    bench = Scalable(scalable_config(NWFS=0))
    page = granted(bench.port().request_translation(IOVA, pasid=PASID, no_write=True))
    assert page.rights == BOTH


def test_a_blocked_translation_request_has_no_page() -> None:
    bench = Scalable()
    bench.change_context(P=0)
    assert isinstance(bench.port().request_translation(IOVA), Fault)
