"""Page requests: queued, overflowing, answered; and what they invalidate (§7.4 to §7.6)."""

from __future__ import annotations

import pytest

from tests.iommu.bench import BEYOND_RAM, HOST, IOVA, PAGE, SOURCE, values
from tests.iommu.page_request_bench import (
    ENTRIES,
    ENTRY_BYTES,
    MESSAGE_ADDRESS,
    MESSAGE_DATA,
    PAGE_ASKED,
    Requesting,
)
from tests.iommu.scalable_bench import (
    FIRST,
    NESTED,
    PASID,
    RID_PASID,
    SECOND,
    THROUGH,
)
from vtd_plugin.encodings.codes import PageTableType, ResponseCode
from vtd_plugin.encodings.registers import PECTL, PQA, PQH, PQT, PRS
from vtd_plugin.encodings.structures import PageGroupResponse, PageRequest
from vtd_plugin.iommu.events import PageGroupAnswered
from vtd_plugin.iommu.page_requests import PageRequestOutcome

# --- queued (§7.4.1)


@pytest.mark.parametrize("kind", [FIRST, SECOND, NESTED, THROUGH])
def test_software_finds_what_was_asked_for(kind: PageTableType) -> None:
    bench = Requesting(kind)
    assert bench.ask(read=True, group=0x155, last=True) is PageRequestOutcome.QUEUED
    entry = bench.queued()
    assert (entry.ADDR_address, entry.RID, entry.PRGI) == (PAGE_ASKED, SOURCE, 0x155)
    assert values(entry, "TYPE", "PP", "PASID") == (PageRequest(PageRequest.pack()).TYPE, 1, PASID)
    assert bench.registers.read(PQT).value == ENTRY_BYTES
    assert not bench.fault_status.PPF


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"last": True}, "LPIG"),
        ({"write": True}, "WRR"),
        ({"read": True}, "RDR"),
        ({"privileged": True}, "PMR"),
        ({"execute": True}, "EXR"),
    ],
)
def test_each_property_of_a_request_has_its_bit(options: dict[str, bool], field: str) -> None:
    off = dict.fromkeys(("last", "write", "read", "privileged", "execute"), False)
    bench = Requesting()
    bench.ask(**off)
    bench.ask(**off | options)
    assert (getattr(bench.queued(0), field), getattr(bench.queued(1), field)) == (0, 1)
    assert bench.queued(1).value == bench.queued(0).replace(**{field: 1})


def test_a_request_without_pasid_says_so() -> None:
    bench = Requesting()
    assert bench.ask(pasid=None) is PageRequestOutcome.QUEUED
    assert values(bench.queued(), "PP", "PASID") == (0, 0)


def test_the_address_within_the_page_is_not_reported() -> None:
    bench = Requesting()
    bench.unit.request_page(SOURCE, PAGE_ASKED + 0xABC, pasid=PASID)
    assert bench.queued().ADDR_address == PAGE_ASKED


def test_the_queue_wraps_at_its_end() -> None:
    bench = Requesting()
    bench.registers.write(PQH, PAGE - ENTRY_BYTES)
    bench.registers.write(PQT, PAGE - ENTRY_BYTES)
    assert bench.ask(group=7) is PageRequestOutcome.QUEUED
    assert bench.registers.read(PQT).value == 0
    assert bench.queued(ENTRIES - 1).PRGI == 7


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_queue_is_as_large_as_software_says(order: int) -> None:
    bench = Requesting()
    at = bench.frames.allocate(1 << order)
    bench.registers.write(PQA, PQA.pack(PQA_address=at, PQS=order))
    last_slot = (PAGE << order) - ENTRY_BYTES
    bench.registers.write(PQH, last_slot)
    bench.registers.write(PQT, last_slot)
    assert bench.ask() is PageRequestOutcome.QUEUED
    assert bench.registers.read(PQT).value == 0


# --- overflow (§7.4.1)


def test_a_tail_beyond_the_queue_is_taken_within_it() -> None:
    bench = Requesting()
    before = bench.platform.read(bench.queue_at + PAGE, PAGE)
    bench.registers.write(PQT, PAGE + 3 * ENTRY_BYTES)
    assert bench.ask() is PageRequestOutcome.QUEUED
    assert bench.queued(3).PASID == PASID
    assert bench.registers.read(PQT).value == 4 * ENTRY_BYTES
    assert bench.platform.read(bench.queue_at + PAGE, PAGE) == before


def test_one_slot_of_the_queue_stays_free() -> None:
    bench = Requesting()
    bench.fill()
    assert not bench.overflowed
    assert bench.ask(last=False) is PageRequestOutcome.DROPPED
    assert bench.overflowed
    assert bench.registers.read(PQT).value == PAGE - ENTRY_BYTES


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        pytest.param({"last": True}, PageRequestOutcome.SUCCESS, id="last"),
        pytest.param({"last": False}, PageRequestOutcome.DROPPED, id="not-last"),
        pytest.param({"last": True, "read": False}, PageRequestOutcome.DROPPED, id="stop-marker"),
    ],
)
def test_what_does_not_fit_is_to_be_asked_again(
    options: dict[str, bool], outcome: PageRequestOutcome
) -> None:
    bench = Requesting()
    bench.fill()
    assert bench.ask(**options) is outcome


def test_after_an_overflow_nothing_is_queued_until_software_has_seen_it() -> None:
    bench = Requesting()
    bench.fill()
    bench.ask()
    bench.registers.write(PQH, PAGE - ENTRY_BYTES)
    assert bench.ask() is PageRequestOutcome.SUCCESS
    bench.clear(PPR=1)
    assert bench.ask() is PageRequestOutcome.SUCCESS
    assert bench.registers.read(PQT).value == PAGE - ENTRY_BYTES
    assert not bench.registers.read(PRS).PPR
    bench.clear(PRO=1)
    assert bench.ask() is PageRequestOutcome.QUEUED


def test_a_queue_out_of_memory_is_as_good_as_full() -> None:
    bench = Requesting()
    bench.registers.write(PQA, PQA.pack(PQA_address=BEYOND_RAM))
    assert bench.ask() is PageRequestOutcome.SUCCESS
    assert bench.overflowed


def test_an_overflow_leaves_the_translation_of_the_page_cached() -> None:
    bench = Requesting()
    bench.fill()
    assert bench.lands_at(PAGE_ASKED, PASID) == HOST + 0x3000
    bench.second.unmap(PAGE_ASKED, PAGE)
    bench.ask()
    assert bench.lands_at(PAGE_ASKED, PASID) == HOST + 0x3000


# --- the event (§7.5)


def test_the_first_request_is_announced_and_no_other() -> None:
    bench = Requesting()
    bench.ask()
    bench.ask()
    (message,) = bench.interrupts.messages
    assert (message.address, message.data) == (MESSAGE_ADDRESS, MESSAGE_DATA)
    assert values(bench.registers.read(PRS), "PPR", "PRO") == (1, 0)


def test_a_request_after_software_has_looked_is_announced_again() -> None:
    bench = Requesting()
    bench.ask()
    bench.clear(PPR=1)
    bench.ask()
    assert len(bench.interrupts.messages) == 2


def test_an_overflow_alone_is_announced_as_well() -> None:
    bench = Requesting()
    bench.registers.write(PQA, PQA.pack(PQA_address=BEYOND_RAM))
    bench.ask()
    assert len(bench.interrupts.messages) == 1
    assert values(bench.registers.read(PRS), "PPR", "PRO") == (0, 1)


def test_a_masked_announcement_waits_and_is_withdrawn_when_all_is_served() -> None:
    bench = Requesting()
    bench.registers.write(PECTL, PECTL.pack(IM=1))
    bench.ask()
    assert bench.registers.read(PECTL).IP
    bench.clear(PPR=1)
    assert not bench.registers.read(PECTL).IP
    bench.ask()
    bench.registers.write(PECTL, 0)
    assert len(bench.interrupts.messages) == 1
    assert not bench.registers.read(PECTL).IP


def test_with_an_overflow_left_clearing_the_other_bit_withdraws_nothing() -> None:
    bench = Requesting()
    bench.registers.write(PECTL, PECTL.pack(IM=1))
    bench.fill()
    bench.ask()
    bench.clear(PPR=1)
    assert bench.registers.read(PECTL).IP
    bench.clear(PRO=1)
    assert not bench.registers.read(PECTL).IP


def test_status_survives_a_warm_reset_and_not_a_cold_one() -> None:
    bench = Requesting()
    bench.fill()
    bench.ask()
    bench.platform.reset("warm")
    assert values(bench.registers.read(PRS), "PPR", "PRO") == (1, 1)
    bench.platform.reset("cold")
    assert values(bench.registers.read(PRS), "PPR", "PRO") == (0, 0)


# --- implied invalidation (§6.5.3.1)


def _unmap(bench: Requesting, iova: int) -> None:
    """Take a page away in the stage that the request should make the unit look at anew."""
    if bench.kind is FIRST:
        bench.first.unmap(iova, PAGE)
    else:
        bench.second.unmap(iova - IOVA + bench.second_input, PAGE)


@pytest.mark.parametrize("kind", [FIRST, SECOND, NESTED])
def test_a_request_lets_the_unit_see_the_page_anew(kind: PageTableType) -> None:
    bench = Requesting(kind)
    assert bench.lands_at(PAGE_ASKED, PASID) == HOST + 0x3000
    _unmap(bench, PAGE_ASKED)
    assert bench.lands_at(PAGE_ASKED, PASID) == HOST + 0x3000
    assert bench.ask() is PageRequestOutcome.QUEUED
    assert bench.lands_at(PAGE_ASKED, PASID) is None


@pytest.mark.parametrize(("kind", "goes"), [(FIRST, False), (SECOND, False), (NESTED, True)])
def test_only_nested_tables_lose_other_pages_as_well(kind: PageTableType, goes: bool) -> None:
    bench = Requesting(kind)
    assert bench.lands_at(IOVA, PASID) == HOST
    _unmap(bench, IOVA)
    bench.ask()
    assert bench.lands_at(IOVA, PASID) == (None if goes else HOST)


# --- the answer (§7.6)


def _answer(bench: Requesting, **fields: int) -> None:
    usual = {"RID": SOURCE, "PP": 1, "PASID": PASID, "PRGI": 9, "RC": ResponseCode.SUCCESS}
    response = PageGroupResponse.pack(**usual | fields)
    queue = bench.start_queue(wide=True)
    queue.run(PageGroupResponse(response))
    queue.disable()


@pytest.mark.parametrize("code", list(ResponseCode))
def test_the_answer_of_software_reaches_the_device(code: ResponseCode) -> None:
    bench = Requesting()
    answers = bench.observe(PageGroupAnswered)
    bench.ask(group=9, last=True)
    _answer(bench, RC=code)
    assert answers == [PageGroupAnswered("vtd", SOURCE, PASID, 9, code)]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param({"last": False}, {}, id="not-last"),
        pytest.param({"read": False}, {}, id="stop-marker"),
        pytest.param({}, {"PRGI": 8}, id="other-group"),
        pytest.param({}, {"RID": SOURCE + 8}, id="other-device"),
        pytest.param({}, {"PASID": RID_PASID}, id="other-pasid"),
        pytest.param({}, {"PP": 0}, id="without-pasid"),
    ],
)
def test_an_answer_nobody_waits_for_is_dropped(
    asked: dict[str, bool], answered: dict[str, int]
) -> None:
    bench = Requesting()
    answers = bench.observe(PageGroupAnswered)
    bench.ask(group=9, **asked)
    _answer(bench, **answered)
    assert answers == []


def test_a_group_is_answered_once() -> None:
    bench = Requesting()
    answers = bench.observe(PageGroupAnswered)
    bench.ask(group=9)
    _answer(bench)
    _answer(bench)
    assert len(answers) == 1


def test_a_reset_forgets_who_waits() -> None:
    bench = Requesting()
    answers = bench.observe(PageGroupAnswered)
    bench.ask(group=9)
    bench.platform.reset("warm")
    bench.set_root()
    _answer(bench)
    assert answers == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"address": 1 << 64}, "does not fit in 64 bits"),
        ({"pasid": 1 << 20}, "PASID 0x100000 does not fit in 20 bits"),
        ({"group": 0x200}, "group 0x200 does not fit in 9 bits"),
        ({"source_id": 0x1_0000}, "0x10000"),
    ],
)
def test_a_request_out_of_range_is_the_callers_mistake(
    arguments: dict[str, int], message: str
) -> None:
    bench = Requesting()
    with pytest.raises(ValueError, match=message):
        bench.unit.request_page(**{"source_id": SOURCE, "address": 0} | arguments)  # type: ignore[arg-type]
