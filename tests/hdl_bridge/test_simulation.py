from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hdl_bridge.simulation import WAVES_FOLDER, SimulationFailed, TestOutcome, build, run
from hdl_bridge.simulators import Simulator, available

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MODULE = "tests.hdl_bridge.cocotb_counter"
COUNTER = """
module counter #(parameter WIDTH = 8) (input wire clk, output reg [WIDTH-1:0] count);
    initial count = 0;
    always @(posedge clk) count <= count + 1'b1;
endmodule
"""

simulators = pytest.mark.parametrize("simulator", available(), ids=lambda each: each.kind)


@pytest.fixture(scope="session")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("rtl") / "counter.v"
    source.write_text(COUNTER)
    return source


@pytest.fixture(scope="session")
def build_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("builds")


def run_counter(
    simulator: Simulator,
    source: Path,
    build_root: Path,
    testcase: str | Sequence[str],
    *,
    seed: int | None = None,
    timeout: float = 60.0,
) -> list[TestOutcome]:
    return run(
        simulator,
        "counter",
        [source],
        MODULE,
        testcase=testcase,
        seed=seed,
        build_root=build_root,
        timeout=timeout,
    )


def failure_of(
    simulator: Simulator,
    source: Path,
    build_root: Path,
    testcase: str,
    *,
    seed: int | None = None,
    timeout: float = 60.0,
) -> SimulationFailed:
    with pytest.raises(SimulationFailed) as caught:
        run_counter(simulator, source, build_root, testcase, seed=seed, timeout=timeout)
    return caught.value


@simulators
def test_a_passing_run_returns_its_outcomes(
    simulator: Simulator, counter: Path, build_root: Path
) -> None:
    (outcome,) = run_counter(simulator, counter, build_root, "counts")
    assert (outcome.name, outcome.passed, outcome.message) == (f"{MODULE}.counts", True, "")


@simulators
def test_parameters_reach_the_top_module(
    simulator: Simulator, counter: Path, build_root: Path
) -> None:
    outcomes = run(
        simulator,
        "counter",
        [counter],
        MODULE,
        testcase="is_as_wide_as_told",
        parameters={"WIDTH": 11},
        env={"EXPECTED_WIDTH": "11"},
        build_root=build_root,
    )
    assert [outcome.passed for outcome in outcomes] == [True]


@simulators
def test_a_failing_test_is_named_with_its_message(
    simulator: Simulator, counter: Path, build_root: Path
) -> None:
    failure = failure_of(simulator, counter, build_root, "draws_the_number_of_its_seed", seed=1)
    assert re.search(r"cocotb_counter\.draws_the_number_of_its_seed: .*drew \d+", str(failure))
    assert failure.log.exists()


def test_one_seed_draws_the_same_numbers_and_another_draws_others(
    counter: Path, build_root: Path
) -> None:
    simulator = available()[0]
    drawn = [
        failure_of(simulator, counter, build_root, "draws_the_number_of_its_seed", seed=seed)
        .outcomes[0]
        .message
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_run_that_hangs_is_killed(counter: Path, build_root: Path) -> None:
    failure = failure_of(available()[0], counter, build_root, "hangs", timeout=3.0)
    assert "out of time" in str(failure)


def test_a_simulation_ends_with_the_process_that_runs_it(
    counter: Path, build_root: Path, tmp_path: Path
) -> None:
    told = tmp_path / "pid"
    program = (
        "from pathlib import Path; from hdl_bridge.simulation import run\n"
        "from hdl_bridge.simulators import available\n"
        f"run(available()[0], 'counter', [Path({str(counter)!r})], {MODULE!r}, testcase='hangs',"
        f" env={{'TELL_PID': {str(told)!r}}}, build_root=Path({str(build_root)!r}))"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as process:  # noqa: S603 - our own
        until(lambda: told.exists() and bool(told.read_text()))
        process.kill()
    simulation = Path("/proc") / told.read_text()
    until(lambda: not simulation.exists() or "\nState:\tZ" in (simulation / "status").read_text())


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_tests_are_chosen_by_their_whole_names(counter: Path, build_root: Path) -> None:
    names = ["advances/by=1", "counts"]  # there are "advances/by=11" and "never_counts" as well
    outcomes = run_counter(available()[0], counter, build_root, names)
    assert {outcome.name for outcome in outcomes} == {f"{MODULE}.{name}" for name in names}


@simulators
@pytest.mark.parametrize("name", ["no_such_test", "advances", "by=1"])
def test_a_test_that_does_not_exist_is_refused_with_those_that_do(
    simulator: Simulator, counter: Path, build_root: Path, name: str
) -> None:
    wanted = f"{MODULE} has no test {re.escape(repr(name))}; it has:\n  counts\\n(.*\\n)*  hangs$"
    with pytest.raises(ValueError, match=wanted):
        run_counter(simulator, counter, build_root, ["counts", name])


def test_no_test_at_all_is_refused(counter: Path, build_root: Path) -> None:
    with pytest.raises(ValueError, match="testcase is empty"):
        run_counter(available()[0], counter, build_root, [])


def test_a_test_that_breaks_the_simulation_off_is_not_said_to_be_missing(
    counter: Path, build_root: Path
) -> None:
    failure = failure_of(available()[0], counter, build_root, "breaks_off")
    assert "broke off" in str(failure)


@simulators
def test_what_does_not_compile_shows_the_words_of_the_compiler(
    simulator: Simulator, tmp_path: Path
) -> None:
    source = tmp_path / "counter.v"
    source.write_text("module counter; not_a_module broken(); endmodule")
    with pytest.raises(SimulationFailed, match="not_a_module"):
        build(simulator, "counter", [source], build_root=tmp_path)


def test_a_build_is_used_again_until_a_source_or_parameter_changes(tmp_path: Path) -> None:
    simulator = available()[0]
    source = tmp_path / "counter.v"
    source.write_text(COUNTER)
    first = build(simulator, "counter", [source], build_root=tmp_path)
    built = (first / "finished").stat().st_mtime_ns
    source.touch()
    assert build(simulator, "counter", [source], build_root=tmp_path) == first
    assert (first / "finished").stat().st_mtime_ns == built
    wider = build(simulator, "counter", [source], parameters={"WIDTH": 9}, build_root=tmp_path)
    source.write_text(COUNTER.replace("1'b1", "2'd2"))
    changed = build(simulator, "counter", [source], build_root=tmp_path)
    assert len({first, wider, changed}) == 3


def test_a_build_that_broke_off_is_made_again(counter: Path, tmp_path: Path) -> None:
    simulator = available()[0]
    directory = build(simulator, "counter", [counter], build_root=tmp_path)
    (directory / "finished").unlink()
    (directory / "sim.vvp").unlink(missing_ok=True)
    assert build(simulator, "counter", [counter], build_root=tmp_path) == directory
    assert (directory / "finished").exists()


def test_two_builds_of_the_same_at_once_are_one(counter: Path, tmp_path: Path) -> None:
    simulator = available()[0]
    with ThreadPoolExecutor() as pool:
        jobs = [
            pool.submit(build, simulator, "counter", [counter], build_root=tmp_path)
            for _ in range(3)
        ]
    assert len({job.result() for job in jobs}) == 1


@simulators
def test_waves_are_written_where_asked(
    simulator: Simulator, counter: Path, build_root: Path, tmp_path: Path
) -> None:
    waves = tmp_path / "seen" / f"counter{simulator.waves_suffix}"
    run(
        simulator,
        "counter",
        [counter],
        MODULE,
        testcase="counts",
        waves=waves,
        build_root=build_root,
    )
    assert waves.stat().st_size > 0


def test_the_environment_can_ask_for_waves_of_every_run_each_with_its_own_name(
    counter: Path, build_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator = available()[0]
    monkeypatch.setenv(WAVES_FOLDER, str(tmp_path))

    def run_with(width: int, env: dict[str, str]) -> None:
        run(
            simulator,
            "counter",
            [counter],
            MODULE,
            testcase="counts",
            parameters={"WIDTH": width},
            env=env,
            seed=7,
            build_root=build_root,
        )

    run_with(8, {})
    run_with(9, {})
    run_with(9, {"TELL_PID": str(tmp_path), "EXPECTED_WIDTH": "9"})
    run_with(8, {})
    ends = ("8-7-counts", "9-7-counts", "9-9-7-counts", "8-7-counts-2")
    assert {path.name for path in tmp_path.iterdir()} == {
        f"cocotb_counter-{simulator.kind}-WIDTH={end}{simulator.waves_suffix}" for end in ends
    }


@simulators
def test_waves_in_the_format_of_another_simulator_are_refused(
    simulator: Simulator, counter: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"writes \.\w+ files, not '\.wlf'"):
        run(simulator, "counter", [counter], MODULE, waves=tmp_path / "counter.wlf")
