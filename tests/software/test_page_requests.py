"""Page requests: from a device of a real unit to software, and the answers back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.software.bench import DATA, DEVICE, IOVA, SCALABLE, Bench, make_bench
from vtd_plugin.encodings.codes import ResponseCode
from vtd_plugin.iommu.events import DeviceTlbInvalidated, PageGroupAnswered
from vtd_plugin.software import PAGE_4K, Event, FirstStageDomain, Timeout

if TYPE_CHECKING:
    from vtd_plugin import bus

CAPABILITIES: dict[str, Any] = {**SCALABLE, "PRS": 1, "PDS": 1, "DT": 1}


def paging_bench(order: int = 0) -> tuple[Bench, FirstStageDomain]:
    """A device that may ask for pages of a process that has none yet."""
    bench = make_bench(**CAPABILITIES)
    bench.driver.page_requests.enable(order)
    bench.driver.enable("scalable")
    domain = bench.driver.create_first_stage_domain()
    bench.driver.add_device(DEVICE, device_tlb=True, PRE=1)
    bench.driver.attach_pasid(DEVICE, 5, first_stage=domain)
    return bench, domain


def ask(bench: Bench, iova: int, group: int = 1, *, last: bool = True) -> None:
    bench.unit.request_page(DEVICE, iova, pasid=5, group=group, last=last, write=True)


def test_a_device_gets_the_page_that_it_asks_for() -> None:
    bench, domain = paging_bench()
    answers: list[bus.Event] = []
    bench.platform.add_observer(answers.append)
    assert not bench.port.write(IOVA, b"data", pasid=5).ok
    ask(bench, IOVA, group=3)
    (request,) = bench.driver.page_requests.take()
    assert (request.RID, request.PASID, request.ADDR_address) == (0x20, 5, IOVA)
    assert (request.RDR, request.WRR, request.LPIG) == (1, 1, 1)
    domain.map(request.ADDR_address, DATA, PAGE_4K)
    bench.driver.page_requests.answer(request)
    assert [event for event in answers if isinstance(event, PageGroupAnswered)] == [
        PageGroupAnswered("vtd", 0x20, 5, 3, ResponseCode.SUCCESS)
    ]
    assert bench.port.write(IOVA, b"data", pasid=5).ok
    assert bench.driver.page_requests.take() == []


def test_a_group_is_answered_once_at_its_end() -> None:
    bench, _domain = paging_bench()
    answers: list[bus.Event] = []
    bench.platform.add_observer(answers.append)
    ask(bench, IOVA, last=False)
    ask(bench, IOVA + PAGE_4K)
    first, last = bench.driver.page_requests.take()
    with pytest.raises(ValueError, match="only the last request of a group is answered"):
        bench.driver.page_requests.answer(first)
    bench.driver.page_requests.answer(last, ResponseCode.INVALID_REQUEST)
    bench.driver.page_requests.answer(last, ResponseCode.INVALID_REQUEST)
    codes = [event.code for event in answers if isinstance(event, PageGroupAnswered)]
    assert codes == [ResponseCode.INVALID_REQUEST]


@pytest.mark.parametrize(("order", "room"), [(0, 127), (1, 255)])
def test_requests_are_taken_round_the_end_of_the_ring(order: int, room: int) -> None:
    bench, _domain = paging_bench(order)
    asked = 0
    while asked < 3 * room:
        for number in range(50):
            ask(bench, (asked + number) * PAGE_4K)
        taken = bench.driver.page_requests.take()
        assert [request.ADDR_address // PAGE_4K for request in taken] == list(
            range(asked, asked + 50)
        )
        asked += 50
    for number in range(room + 10):
        ask(bench, number * PAGE_4K)
    assert len(bench.driver.page_requests.take()) == room
    assert bench.driver.page_requests.overflows == 1
    ask(bench, IOVA)
    assert len(bench.driver.page_requests.take()) == 1


@pytest.mark.parametrize("requests", [0, 3, 130])
def test_a_pasid_is_taken_away_after_its_requests_are_drained(requests: int) -> None:
    bench, _domain = paging_bench()
    for number in range(requests):
        ask(bench, number * PAGE_4K)
    told: list[bus.Event] = []
    bench.platform.add_observer(told.append)
    drained = bench.driver.page_requests.drain(DEVICE, 5)
    assert len(drained) == min(requests, 127)
    turns = 1 + (requests > 127)  # once more after an overflow
    assert [event.pasid for event in told if isinstance(event, DeviceTlbInvalidated)] == [5] * turns
    bench.driver.detach_pasid(DEVICE, 5)
    ask(bench, IOVA)
    assert bench.driver.page_requests.take() == []
    assert bench.fault_names() == ["SPT.2"]


def test_a_ring_that_overflows_for_ever_is_a_timeout() -> None:
    bench, _domain = paging_bench()
    bench.driver.registers.poller.limit = 5

    def ask_again(event: bus.Event) -> None:
        if isinstance(event, DeviceTlbInvalidated):
            for number in range(130):
                ask(bench, number * PAGE_4K)

    bench.platform.add_observer(ask_again)
    with pytest.raises(Timeout, match="PRS is 0x0 after 5 polls, wanted PRO=0x0"):
        bench.driver.page_requests.drain(DEVICE, 5)


def test_requests_are_reported_where_the_driver_wants() -> None:
    bench, _domain = paging_bench()
    messages: list[bus.InterruptMessage] = []
    bench.platform.add_interrupt_sink(messages.append)
    bench.driver.program_event(Event.PAGE_REQUEST, 0xFEE0_2000, 0x33)
    ask(bench, IOVA)
    ask(bench, IOVA + PAGE_4K)
    assert [(message.address, message.data) for message in messages] == [(0xFEE0_2000, 0x33)]
    bench.driver.page_requests.take()
    ask(bench, IOVA)
    assert len(messages) == 2


def test_a_ring_is_given_again_after_a_reset() -> None:
    bench, _domain = paging_bench()
    ask(bench, IOVA)
    bench.platform.reset()
    bench.driver.recover_after_reset()
    assert bench.driver.page_requests.take() == []
    ask(bench, IOVA + PAGE_4K)
    (request,) = bench.driver.page_requests.take()
    assert request.ADDR_address == IOVA + PAGE_4K


def test_a_ring_can_be_exchanged_for_a_larger_one() -> None:
    bench, _domain = paging_bench()
    used, old = bench.frames.used, bench.driver.page_requests.address
    bench.driver.page_requests.enable(1)
    assert (bench.frames.used, bench.driver.page_requests.address != old) == (used + 1, True)
    ask(bench, IOVA)
    assert len(bench.driver.page_requests.take()) == 1


def test_what_page_requests_lack_is_said() -> None:
    bench = make_bench(**CAPABILITIES)
    with pytest.raises(ValueError, match=r"call enable\(\) first"):
        bench.driver.page_requests.take()
    with pytest.raises(ValueError, match="order 0x8 is not within 0 to 7"):
        bench.driver.page_requests.enable(8)
    with pytest.raises(ValueError, match=r"needs ECAP\.PDS"):
        make_bench(**{**CAPABILITIES, "PDS": 0}).driver.page_requests.drain(DEVICE)
    with pytest.raises(ValueError, match=r"page requests need ECAP\.PRS"):
        make_bench().driver.page_requests.enable()
