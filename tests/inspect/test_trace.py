"""The timeline of a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.iommu.bench import DOMAIN, HOST, IOVA, PAGE, Mapped
from tests.iommu.queue_bench import wait
from vtd_plugin.encodings.codes import IotlbGranularity
from vtd_plugin.encodings.structures import IotlbInvalidate
from vtd_plugin.inspect.trace import Trace
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    """Nanoseconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Run:
    """The standing case, traced; rows by their names."""

    def __init__(self, path: Path) -> None:
        self.bench = Mapped()
        self.bench.port()  # so that its first address space is no event of the run
        self.clock = Clock()
        self.path = path
        self.trace = Trace(self.bench.platform, path, self.clock)

    def events(self) -> list[dict[str, Any]]:
        """What has been written so far."""
        written = self.path.read_text().rstrip()
        events: list[dict[str, Any]] = json.loads(written if written[-1] == "]" else written + "]")
        return events

    def rows(self) -> dict[tuple[int, int], str]:
        return {
            (event["pid"], event["tid"]): event["args"]["name"]
            for event in self.events()
            if event["name"] == "thread_name"
        }

    def slices(self, row: str) -> list[dict[str, Any]]:
        rows = self.rows()
        return [
            event
            for event in self.events()
            if event["ph"] == "X" and rows[event["pid"], event["tid"]] == row
        ]

    def instants(self) -> dict[str, dict[str, Any]]:
        """Arguments by name."""
        return {event["name"]: event["args"] for event in self.events() if event["ph"] == "i"}

    def arrows(self, name: str) -> list[tuple[str, str]]:
        """Between which slices viewers draw the arrows of a name: "row: slice" to "row: slice"."""
        ends: dict[int, list[str]] = {}
        for event in self.events():
            if event["ph"] in "sf" and event["name"] == name:
                ends.setdefault(event["id"], []).append(self._slice_at(event))
        return [(origin, target) for origin, target in ends.values()]

    def _slice_at(self, end: dict[str, Any]) -> str:
        """The innermost slice around an end of an arrow; the end of a slice is outside of it."""
        row = self.rows()[end["pid"], end["tid"]]
        around = [
            each for each in self.slices(row) if each["ts"] <= end["ts"] < each["ts"] + each["dur"]
        ]
        return f"{row}: {min(around, key=lambda each: float(each['dur']))['name']}"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path / "run.trace.json")
    yield run
    run.trace.close()


def test_a_transfer_is_as_long_as_it_was_in_flight(run: Run) -> None:
    transfer = run.bench.port().begin(IOVA, 64, write=True)
    run.clock.now = 3500.0
    transfer.write(0, bytes(64))
    transfer.end()
    (drawn,) = run.slices("00:04.0")
    assert (drawn["name"], drawn["ts"], drawn["dur"]) == ("write", 1.0, 2.5)
    assert drawn["args"] == {"iova": f"{IOVA:#x}", "size": 64, "status": "OK", "transferred": 64}


def test_transfers_in_flight_together_have_rows_of_their_own(run: Run) -> None:
    transfers = [run.bench.port().begin(IOVA + number * PAGE, 8) for number in range(3)]
    transfers[1].end()
    run.bench.port().begin(IOVA, 16).end()
    for transfer in transfers:
        transfer.end()
    assert [len(run.slices(row)) for row in ("00:04.0", "00:04.0 (2)", "00:04.0 (3)")] == [1, 2, 1]


def test_equal_transfers_that_end_out_of_order_keep_their_lengths(run: Run) -> None:
    first = run.bench.port().begin(IOVA, 8)
    run.clock.now = 2000.0
    second = run.bench.port().begin(IOVA, 8)
    run.clock.now = 5000.0
    second.end()
    run.clock.now = 9000.0
    first.end()
    (longer,) = (each for each in run.slices("00:04.0") if each["name"] == "read")
    (shorter,) = run.slices("00:04.0 (2)")
    assert (longer["ts"], longer["dur"]) == (1.0, 8.0)
    assert (shorter["ts"], shorter["dur"]) == (2.0, 3.0)


def test_what_began_before_the_trace_is_not_drawn(tmp_path: Path) -> None:
    bench = Mapped()
    older = bench.port().begin(IOVA, 8)
    trace = Trace(bench.platform, tmp_path / "late.trace.json")
    younger = bench.port().begin(IOVA, 8)
    older.end()
    trace.close()
    younger.end()
    events = json.loads((tmp_path / "late.trace.json").read_text())
    (drawn,) = (each for each in events if each["name"] == "read")
    assert drawn["args"]["status"] == "in flight"


def test_an_arrow_leads_to_the_walk_and_a_hit_has_none(run: Run) -> None:
    run.bench.port().read(IOVA, 8)
    run.bench.port().read(IOVA, 8)
    (walk,) = run.slices("page walks")
    assert walk["args"] == {
        "requester": "00:04.0",
        "iova": f"{IOVA:#x}",
        "address": f"{HOST:#x}",
        "page_size": PAGE,
        "domain_id": DOMAIN,
        "read": True,
        "write": True,
    }
    assert run.arrows("page walk") == [("00:04.0: read", "page walks: page walk")]


def test_a_walk_that_fails_says_why(run: Run) -> None:
    run.bench.port().read(IOVA - PAGE, 8)
    (walk,) = run.slices("page walks")
    assert walk["args"]["fault"] == "LGN.3"
    assert run.instants()["fault LGN.3"]["fault_reason"] == "0x6"


def test_times_are_exact_to_a_picosecond(run: Run) -> None:
    run.clock.now = 12_345.678
    transfer = run.bench.port().begin(IOVA, 8)
    run.clock.now = 12_348.679
    transfer.end()
    (read,) = run.slices("00:04.0")
    assert '"ts":12.345678,"dur":0.003001,' in run.path.read_text()
    assert (read["ts"], read["dur"]) == (12.345678, 0.003001)


def test_whole_microseconds_are_written_without_a_fraction(run: Run) -> None:
    transfer = run.bench.port().begin(IOVA, 8)
    run.clock.now = 3000.0
    transfer.end()
    assert '"ts":1,"dur":2,' in run.path.read_text()


def test_a_drain_is_drawn_until_what_it_waited_for_ended(run: Run) -> None:
    transfer = run.bench.port().begin(IOVA, 8)
    run.bench.commands.start(Command.TRANSLATION, on=False)
    run.clock.now = 9000.0
    transfer.end()
    (drawn,) = run.slices("drains")
    assert (drawn["ts"], drawn["dur"]) == (1.0, 8.0)
    assert run.arrows("drained") == [("00:04.0: read", "drains: translation off")]


def test_a_wait_says_whether_translation_is_turned_on_or_off(run: Run) -> None:
    run.bench.commands.run(Command.TRANSLATION, on=False)
    transfer = run.bench.port().begin(HOST, 8)
    run.bench.commands.start(Command.TRANSLATION)
    transfer.end()
    assert [each["name"] for each in run.slices("drains")] == ["translation on"]


def test_a_command_that_was_taken_back_is_drawn_until_then(run: Run) -> None:
    transfer = run.bench.port().begin(IOVA, 8)
    run.bench.commands.start(Command.TRANSLATION, on=False)
    run.clock.now = 4000.0
    run.bench.commands.start(Command.TRANSLATION)
    run.clock.now = 9000.0
    transfer.end()
    off, on = run.slices("drains")
    assert (off["name"], off["dur"], off["args"]) == (
        "translation off",
        3.0,
        {"status": "superseded"},
    )
    assert (on["name"], on["dur"], on["args"]) == ("translation on", 5.0, {})


def test_a_command_that_waits_for_nothing_has_no_arrow(run: Run) -> None:
    run.bench.port().begin(IOVA, 8).end()
    run.clock.now = 2000.0
    run.bench.commands.run(Command.TRANSLATION, on=False)
    assert run.arrows("drained") == []


def test_a_reset_of_the_unit_ends_what_waits(run: Run) -> None:
    transfer = run.bench.port().begin(IOVA, 8)
    run.bench.commands.start(Command.TRANSLATION, on=False)
    run.clock.now = 4000.0
    run.bench.platform.reset_units("warm")
    run.clock.now = 9000.0
    transfer.end()
    (drawn,) = run.slices("drains")
    assert (drawn["dur"], drawn["args"]) == (3.0, {"status": "reset"})
    assert run.arrows("drained") == []


def test_a_fault_is_drawn_in_the_transfer_that_it_blocks(run: Run) -> None:
    good = run.bench.port().begin(IOVA, 8)
    run.bench.port().begin(IOVA - PAGE, 8).end()
    good.end()
    rows = run.rows()
    (fault,) = (each for each in run.events() if each["name"] == "fault LGN.3")
    assert (fault["ph"], rows[fault["pid"], fault["tid"]]) == ("i", "00:04.0 (2)")


def test_what_has_not_ended_is_drawn_until_now(run: Run) -> None:
    run.bench.port().begin(IOVA, 8)
    run.bench.commands.start(Command.TRANSLATION, on=False)
    run.clock.now = 4000.0
    run.trace.close()
    (transfer,) = (each for each in run.slices("00:04.0") if each["name"] == "read")
    (drain,) = run.slices("drains")
    assert transfer["args"]["status"] == "in flight"
    assert transfer["dur"] == drain["dur"] == 3.0


def test_faults_switches_invalidations_and_resets_are_told(run: Run) -> None:
    run.bench.port().read(IOVA - PAGE, 8)
    queue = run.bench.start_queue()
    assert queue.enabled
    run.bench.platform.reset("warm")
    instants = run.instants()
    assert {"fault LGN.3", "warm reset of masters", "warm reset of units"} <= instants.keys()
    switch = {"before": "remapped", "reason": "warm reset"}
    assert instants["address space: direct"] == switch


def test_arguments_are_plain_values(run: Run) -> None:
    run.bench.port().read(IOVA, 8)
    run.bench.port().read(IOVA - PAGE, 8)
    page = IotlbInvalidate.pack(G=IotlbGranularity.PAGE, DID=DOMAIN, ADDR_address=IOVA)
    run.bench.start_queue().submit(page, wait(), 0)
    run.bench.platform.reset("warm")
    instants = run.instants()
    covered = {"domain_id": DOMAIN, "first": f"{IOVA:#x}", "last": f"{IOVA + PAGE - 1:#x}"}
    assert instants["IOTLB invalidation: page"] == covered
    assert instants["invalidation queue error"] == {"error": "BAD_TYPE", "head": "0x20"}
    values = [value for event in run.events() for value in event.get("args", {}).values()]
    assert {type(value) for value in values} == {str, int, bool}


def test_no_row_is_a_main_thread(run: Run) -> None:
    run.bench.port().read(IOVA, 8)
    run.bench.platform.reset("warm")
    groups = {event["pid"] for event in run.events()}
    assert len(groups) == 3
    assert not groups & {row for _, row in run.rows()}


def test_after_closing_nothing_is_drawn_and_the_file_is_json(run: Run) -> None:
    run.bench.port().read(IOVA, 8)
    run.trace.close()
    run.bench.port().read(IOVA + PAGE, 8)
    events = json.loads(run.path.read_text())
    assert {event["ph"] for event in events} == {"M", "X", "s", "f"}
    assert len(run.slices("page walks")) == 1


def test_of_nothing_there_is_an_empty_file_of_json(run: Run) -> None:
    run.trace.close()
    assert json.loads(run.path.read_text()) == []
