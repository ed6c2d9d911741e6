"""Page requests and their answers are counted by what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.inspect.coverage_run import Run
from tests.iommu.page_request_bench import Requesting
from tests.iommu.scalable_bench import FIRST, NESTED, PASID, SECOND, THROUGH
from vtd_plugin.encodings.codes import PageTableType, ResponseCode
from vtd_plugin.encodings.structures import PageGroupResponse
from vtd_plugin.inspect.coverage.bins import INVALIDATIONS, PAGE_REQUESTS, PAGE_RESPONSES
from vtd_plugin.software import descriptors
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable

PLACES: dict[str, dict[str, Any]] = {
    "not the last": {"last": False},
    "last of its group": {"last": True},
    "stop marker": {"last": True, "read": False},
}

PASIDS = {"without PASID": None, "with PASID": PASID}

BREAKS: dict[str, Callable[[Requesting], object]] = {
    "queued": lambda bench: None,
    "queue full": lambda bench: bench.fill(),
    "blocked": lambda bench: bench.change_entry(P=0),
    "translation off": lambda bench: bench.commands.run(Command.TRANSLATION, on=False),
}


@pytest.mark.parametrize(("place", "pasid", "became"), PAGE_REQUESTS.bins)
def test_each_page_request_has_its_bin(place: str, pasid: str, became: str) -> None:
    bench = Requesting()
    BREAKS[became](bench)
    run = Run(bench)
    bench.ask(pasid=PASIDS[pasid], **PLACES[place])
    assert run.counted(PAGE_REQUESTS) == {(place, pasid, became): 1}


@pytest.mark.parametrize("became", BREAKS)
def test_a_stop_marker_without_a_pasid_is_no_message_that_there_is(became: str) -> None:
    bench = Requesting()
    BREAKS[became](bench)
    run = Run(bench)
    bench.ask(pasid=None, read=False)
    assert run.counted(PAGE_REQUESTS) == {}


@pytest.mark.parametrize("code", ResponseCode)
@pytest.mark.parametrize("pasid", PASIDS)
def test_each_answer_has_its_bin(code: ResponseCode, pasid: str) -> None:
    bench = Requesting()
    queue = bench.start_queue(wide=True)
    bench.ask(pasid=PASIDS[pasid])
    run = Run(bench)
    queue.run(descriptors.page_response(bench.queued(), code))
    name = code.name.lower().replace("_", " ")
    assert run.counted(PAGE_RESPONSES) == {(name, pasid): 1}


def test_an_answer_that_nobody_waits_for_and_a_reserved_code_do_not_count() -> None:
    bench = Requesting()
    queue = bench.start_queue(wide=True)
    bench.ask()
    run = Run(bench)
    answer = descriptors.page_response(bench.queued())
    for fields in ({"PRGI": 1}, {"RC": 5}):
        queue.run(PageGroupResponse(answer.replace(**fields)))
    assert run.counted(PAGE_RESPONSES) == {}


@pytest.mark.parametrize("kind", [FIRST, SECOND, NESTED, THROUGH])
def test_what_a_page_request_implies_is_no_invalidation_of_software(kind: PageTableType) -> None:
    bench = Requesting(kind)
    queue = bench.start_queue(wide=True)
    run = Run(bench)
    bench.ask()
    bench.ask(last=False)
    assert run.counted(INVALIDATIONS) == {}
    queue.run(descriptors.iotlb())
    assert sum(run.counted(INVALIDATIONS).values()) == 1
