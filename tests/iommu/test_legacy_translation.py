"""What legacy mode lets through: pages of every size, pass-through, device-TLBs, interrupts."""

from __future__ import annotations

import pytest

from tests.iommu.bench import HOST, IOVA, OTHER, OTHER_HOST, PAGE, SOURCE, Bench, Mapped
from tests.iommu.legacy_cases import ATOMIC, READ, WINDOW, WRITE, change_context, change_leaf
from vtd_plugin import VtdConfig
from vtd_plugin.bus import (
    INTERRUPT,
    AddressType,
    Answer,
    Fault,
    RequestKind,
    Resolution,
    Translation,
)
from vtd_plugin.software.pages import PAGE_1G, PAGE_2M, PAGE_4K

READABLE = Translation.READABLE
WRITABLE = Translation.WRITABLE


def translation(answer: Resolution) -> Translation:
    assert isinstance(answer, Translation), f"{answer} is no translation"
    return answer


def fault(answer: Resolution) -> Fault:
    assert isinstance(answer, Fault), f"{answer} is no fault"
    return answer


@pytest.mark.parametrize("levels", [3, 4, 5])
@pytest.mark.parametrize("size", [PAGE_4K, PAGE_2M, PAGE_1G])
def test_a_page_translates_its_first_and_last_byte(levels: int, size: int) -> None:
    bench = Bench(VtdConfig(SAGAW=0b1110, MGAW=56))
    tables = bench.tables(levels)
    iova, host = 5 * PAGE_1G, 7 * PAGE_1G
    tables.map(iova, host, size, page_size=size)
    bench.attach(SOURCE, tables)
    bench.turn_on()
    for offset in (0, size - 1):
        answer = translation(bench.unit.translate(SOURCE, iova + offset))
        assert (answer.address(iova + offset), answer.mask) == (host + offset, size - 1)
    for outside in (iova - 1, iova + size):
        assert fault(bench.unit.translate(SOURCE, outside)).name == "LGN.3"


@pytest.mark.parametrize("source_id", [0x0000, 0x0007, 0x00FF, 0x0100, 0x8042, 0xFFFF])
def test_each_requester_has_its_own_tables(source_id: int) -> None:
    bench = Mapped()
    tables = bench.tables()
    tables.map(IOVA, HOST + 3 * PAGE, PAGE)
    bench.attach(source_id, tables, domain_id=9)
    assert bench.lands_at(source_id=source_id) == HOST + 3 * PAGE
    assert bench.lands_at(source_id=SOURCE) == HOST
    assert bench.lands_at(source_id=OTHER) == OTHER_HOST


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [
        ((True, True), {READ, WRITE, ATOMIC}),
        ((True, False), {READ}),
        ((False, True), {WRITE}),
    ],
)
@pytest.mark.parametrize("kind", [READ, WRITE, ATOMIC])
def test_rights_decide_which_kinds_of_request_pass(
    rights: tuple[bool, bool], allowed: set[RequestKind], kind: RequestKind
) -> None:
    bench = Mapped()
    bench.mine.protect(IOVA, PAGE, read=rights[0], write=rights[1])
    answer = bench.unit.translate(SOURCE, IOVA, kind=kind)
    assert isinstance(answer, Translation) is (kind in allowed)


def test_bytes_of_a_run_go_to_the_page_of_each() -> None:
    bench = Mapped()
    bench.remap(IOVA + PAGE, OTHER_HOST)
    data = bytes(range(64))
    assert bench.port().write(IOVA + PAGE - 32, data).ok
    assert bench.platform.read(HOST + PAGE - 32, 32) == data[:32]
    assert bench.platform.read(OTHER_HOST, 32) == data[32:]


def test_an_atomic_reads_and_writes_the_page() -> None:
    bench = Mapped()
    assert bench.port().atomic(IOVA, 5).data == HOST.to_bytes(8, "little")
    assert bench.platform.read(HOST, 8) == (HOST + 5).to_bytes(8, "little")


# --- zero-length reads (§3.14)


@pytest.mark.parametrize(("supported", "passes"), [(1, True), (0, False)])
def test_a_zero_length_read_of_a_write_only_page_needs_support(
    supported: int, passes: bool
) -> None:
    bench = Mapped(VtdConfig(ZLR=supported))
    bench.mine.protect(IOVA, PAGE, read=False)
    for _again in range(2):  # the second time from the cache
        answer = bench.unit.translate(SOURCE, IOVA, size=0)
        assert isinstance(answer, Translation) is passes
        bench.unit.translate(SOURCE, IOVA, write=True)


@pytest.mark.parametrize("caching_mode", [0, 1])
def test_a_zero_length_read_of_an_absent_page_is_a_fault(caching_mode: int) -> None:
    bench = Mapped(VtdConfig(ZLR=1, CM=caching_mode))
    for _again in range(2):
        answer = bench.unit.translate(SOURCE, 0x7000, size=0)
        assert fault(answer).name == "LGN.3"


# --- pass-through (§3.9)


def test_pass_through_keeps_the_address_and_every_right() -> None:
    bench = Mapped()
    bench.pass_through(SOURCE)
    assert bench.port().write(HOST + 8, b"straight").ok
    assert bench.port().atomic(HOST + 8, 1).data == b"straight"
    assert bench.lands_at(HOST + PAGE) == HOST + PAGE


def test_pass_through_reaches_to_the_host_width() -> None:
    bench = Mapped(VtdConfig(host_address_width=39))
    bench.pass_through(SOURCE)
    last = (1 << 39) - 1
    assert translation(bench.unit.translate(SOURCE, last)).address(last) == last
    assert fault(bench.unit.translate(SOURCE, last + 1)).name == "LGN.1.3"


@pytest.mark.parametrize("address_type", [AddressType.TRANSLATION, AddressType.TRANSLATED])
def test_pass_through_takes_no_requests_of_device_tlbs(address_type: AddressType) -> None:
    bench = Mapped(VtdConfig(DT=1))
    bench.pass_through(SOURCE)
    assert fault(bench.unit.translate(SOURCE, HOST, address_type=address_type)).name == "LCT.5"


# --- requests of device-TLBs (§4.2)


def device_tlb_bench(**capabilities: int) -> Mapped:
    bench = Mapped(VtdConfig(DT=1, NWFS=capabilities.get("NWFS", 0)))
    change_context(bench, TT=1)
    return bench


@pytest.mark.parametrize(
    ("entry", "rights"), [({}, READABLE | WRITABLE), ({"W": 0}, READABLE), ({"R": 0}, WRITABLE)]
)
def test_a_translation_request_learns_the_rights_there_are(
    entry: dict[str, int], rights: int
) -> None:
    bench = device_tlb_bench()
    change_leaf(bench, ADDR_address=HOST, **entry)
    answer = bench.port().request_translation(IOVA)
    assert (translation(answer).base, translation(answer).rights) == (HOST, rights)
    assert not bench.fault_status.PPF


@pytest.mark.parametrize(("understood", "rights"), [(1, READABLE), (0, READABLE | WRITABLE)])
def test_a_device_that_will_not_write_gets_no_right_to(understood: int, rights: int) -> None:
    bench = device_tlb_bench(NWFS=understood)
    answer = bench.port().request_translation(IOVA, no_write=True)
    assert translation(answer).rights == rights


def test_a_translation_request_learns_the_size_of_the_page() -> None:
    bench = device_tlb_bench()
    bench.mine.map(PAGE_1G * 8, PAGE_1G, PAGE_2M)
    answer = translation(bench.port().request_translation(PAGE_1G * 8 + 5 * PAGE))
    assert (answer.base, answer.mask) == (PAGE_1G, PAGE_2M - 1)


@pytest.mark.parametrize(
    ("understood", "no_write", "rights"),
    [(0, False, WRITABLE), (0, True, WRITABLE), (1, False, WRITABLE), (1, True, 0)],
)
def test_a_translation_request_into_the_interrupt_range_is_no_fault(
    understood: int, no_write: bool, rights: int
) -> None:
    bench = device_tlb_bench(NWFS=understood)
    answer = bench.port().request_translation(WINDOW + 0x3000, no_write=no_write)
    assert translation(answer).rights == rights
    assert not bench.fault_status.PPF


def test_a_translated_request_goes_where_it_says() -> None:
    bench = device_tlb_bench()
    result = bench.port().read(OTHER_HOST, 8, address_type=AddressType.TRANSLATED)
    assert result.data == OTHER_HOST.to_bytes(8, "little")


@pytest.mark.parametrize(
    ("kind", "address_type"),
    [
        (READ, AddressType.RESERVED),
        (WRITE, AddressType.RESERVED),
        (WRITE, AddressType.TRANSLATION),
        (ATOMIC, AddressType.TRANSLATION),
    ],
)
def test_what_is_no_request_of_the_bus_is_unsupported(
    kind: RequestKind, address_type: AddressType
) -> None:
    bench = device_tlb_bench()
    answer = bench.unit.translate(SOURCE, IOVA, kind=kind, address_type=address_type)
    assert fault(answer).answer is Answer.UR
    assert not bench.fault_status.PPF


@pytest.mark.parametrize("address_type", [AddressType.TRANSLATION, AddressType.TRANSLATED])
def test_while_translation_is_off_device_tlbs_are_not_served(address_type: AddressType) -> None:
    bench = Mapped(VtdConfig(DT=1), on=False)
    answer = bench.unit.translate(SOURCE, HOST, address_type=address_type)
    assert fault(answer).answer is Answer.UR
    assert not bench.fault_status.PPF


# --- the interrupt range (§3.15)


def test_a_dword_written_to_the_interrupt_range_is_an_interrupt() -> None:
    bench = Mapped()
    bench.mine.map(WINDOW, HOST, PAGE)
    assert bench.unit.translate(SOURCE, WINDOW + 4, write=True, size=4) is INTERRUPT
    assert bench.port().write(WINDOW, bytes.fromhex("41000000")).ok
    assert [message.vector for message in bench.interrupts.messages] == [0x41]
    assert bench.platform.read(HOST, 8) == HOST.to_bytes(8, "little")


@pytest.mark.provokes("IR.29")
@pytest.mark.parametrize(
    ("offset", "kind", "size"),
    [
        pytest.param(0, READ, 4, id="read"),
        pytest.param(0, ATOMIC, 4, id="atomic"),
        pytest.param(0, WRITE, 8, id="qword"),
        pytest.param(0, WRITE, 2, id="word"),
        pytest.param(2, WRITE, 4, id="misaligned"),
        pytest.param(0xFFFFC, READ, 1, id="last-dword"),
    ],
)
def test_anything_else_there_is_blocked_and_recorded(
    offset: int, kind: RequestKind, size: int
) -> None:
    bench = Mapped()
    bench.mine.map(WINDOW, HOST, 1 << 20)
    answer = bench.unit.translate(SOURCE, WINDOW + offset, kind=kind, size=size)
    assert (fault(answer).name, fault(answer).answer) == ("IR.29", Answer.UR)
    assert bench.record().FR == 0x29


def test_a_zero_length_read_there_passes() -> None:
    bench = Mapped()
    assert bench.port().read(WINDOW, 0).ok
    assert not bench.fault_status.PPF


def test_a_large_page_around_the_range_works_everywhere_else() -> None:
    bench = Mapped()
    bench.mine.map(3 * PAGE_1G, 0, PAGE_1G, page_size=PAGE_1G)
    for iova in (WINDOW - 1, WINDOW + (1 << 20)):
        answer = translation(bench.unit.translate(SOURCE, iova))
        assert answer.address(iova) == iova - 3 * PAGE_1G
        assert answer.mask == PAGE - 1
    assert fault(bench.unit.translate(SOURCE, WINDOW)).name == "IR.29"


def test_a_large_page_into_the_range_works_everywhere_else() -> None:
    bench = Mapped()
    bench.mine.map(8 * PAGE_1G, 3 * PAGE_1G, PAGE_1G, page_size=PAGE_1G)
    inside = 8 * PAGE_1G + WINDOW - 3 * PAGE_1G
    assert fault(bench.unit.translate(SOURCE, inside)).name == "LGN.4"
    for iova in (inside - 1, inside + (1 << 20)):
        answer = translation(bench.unit.translate(SOURCE, iova))
        assert answer.address(iova) == iova - 5 * PAGE_1G
