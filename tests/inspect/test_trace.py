"""The timeline of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.iommu.bench import IOVA, PAGE, Mapped
from vtd_plugin.inspect.trace import Trace
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """Nanoseconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Run:
    """The standing case, traced; rows by their names."""

    def __init__(self) -> None:
        self.bench = Mapped()
        self.bench.port()  # so that its first address space is no event of the run
        self.clock = Clock()
        self.trace = Trace(self.bench.platform, self.clock)

    def rows(self) -> dict[tuple[int, int], str]:
        return {
            (event["pid"], event["tid"]): event["args"]["name"]
            for event in self.trace.events().as_list()
            if event["name"] == "thread_name"
        }

    def slices(self, row: str) -> list[dict[str, Any]]:
        rows = self.rows()
        return [
            event
            for event in self.trace.events().as_list()
            if event["ph"] == "X" and rows[event["pid"], event["tid"]] == row
        ]

    def arrows(self, name: str) -> list[tuple[str, str]]:
        """Where the arrows of a name lead: (row, row)."""
        rows = self.rows()
        ends: dict[int, list[str]] = {}
        for event in self.trace.events().as_list():
            if event["ph"] in "sf" and event["name"] == name:
                ends.setdefault(event["id"], []).append(rows[event["pid"], event["tid"]])
        return [(origin, target) for origin, target in ends.values()]


@pytest.fixture
def run() -> Run:
    return Run()


def test_a_transfer_is_as_long_as_it_was_in_flight(run: Run) -> None:
    transfer = run.bench.port().begin(IOVA, 64, write=True)
    run.clock.now = 3500.0
    transfer.write(0, bytes(64))
    transfer.end()
    (drawn,) = run.slices("00:04.0")
    assert (drawn["name"], drawn["ts"], drawn["dur"]) == ("write", 1.0, 2.5)
    assert drawn["args"] == {"iova": f"{IOVA:#x}", "bytes": 64, "answer": "OK", "bytes_moved": 64}


def test_transfers_in_flight_together_have_rows_of_their_own(run: Run) -> None:
    transfers = [run.bench.port().begin(IOVA + number * PAGE, 8) for number in range(3)]
    transfers[1].end()
    run.bench.port().begin(IOVA, 16).end()
    for transfer in transfers:
        transfer.end()
    assert [len(run.slices(row)) for row in ("00:04.0", "00:04.0 (2)", "00:04.0 (3)")] == [1, 2, 1]


def test_an_arrow_leads_to_the_walk_and_a_hit_has_none(run: Run) -> None:
    run.bench.port().read(IOVA, 8)
    run.bench.port().read(IOVA, 8)
    assert len(run.slices("table walks")) == 1
    assert run.arrows("walk") == [("00:04.0", "table walks")]


def test_a_drain_is_drawn_until_what_it_waited_for_ended(run: Run) -> None:
    transfer = run.bench.port().begin(IOVA, 8)
    run.bench.commands.start(Command.TRANSLATION, on=False)
    run.clock.now = 9000.0
    transfer.end()
    (drawn,) = run.slices("waiting")
    assert (drawn["ts"], drawn["dur"]) == (1.0, 8.0)
    assert run.arrows("waited for") == [("00:04.0", "waiting")]


def test_what_has_not_ended_is_drawn_until_now(run: Run) -> None:
    run.bench.port().begin(IOVA, 8)
    run.bench.commands.start(Command.TRANSLATION, on=False)
    run.clock.now = 4000.0
    (transfer,) = (each for each in run.slices("00:04.0") if each["name"] == "read")
    (drain,) = run.slices("waiting")
    assert transfer["args"]["answer"] == "in flight"
    assert transfer["dur"] == drain["dur"] == 3.0


def test_faults_switches_invalidations_and_resets_are_told(run: Run) -> None:
    run.bench.port().read(IOVA - PAGE, 8)
    queue = run.bench.start_queue()
    assert queue.enabled
    run.bench.platform.reset("warm")
    names = {event["name"] for event in run.trace.events().as_list() if event["ph"] == "X"}
    assert {"LGN.3", "sees direct", "warm reset of masters", "warm reset of units"} <= names


def test_a_saved_trace_is_json_with_an_event_for_each_kind(run: Run, tmp_path: Path) -> None:
    run.bench.port().read(IOVA, 8)
    run.trace.stop()
    run.bench.port().read(IOVA + PAGE, 8)
    path = tmp_path / "trace.json"
    run.trace.save(path)
    document = json.loads(path.read_text())
    assert {event["ph"] for event in document["traceEvents"]} == {"M", "X", "s", "f"}
    assert len(run.slices("table walks")) == 1
