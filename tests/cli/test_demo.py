"""`vtd demo` passes, fails with the bug, and its waveforms show what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

import vtd_plugin
from hdl_bridge.simulators import SimulatorKind, available
from testbenches.demo import picture
from testbenches.demo.waves import Waves
from vtd_plugin.cli import app

if TYPE_CHECKING:
    from typer.testing import Result

    from hdl_bridge.simulators import Simulator

RUNNER = CliRunner()
NS_PER_CYCLE = 10
FIRST_FETCH = 0x1000
"""Where firmware has its admin submission queue, which the disk reads first."""


@dataclass(frozen=True)
class Run:
    """A run of the demo: what it printed, and its waveforms."""

    simulator: Simulator
    result: Result
    waves: Waves
    path: Path
    picture: Path

    def began(self, phase: str) -> float:
        return next(at_ns for at_ns, note in self.waves.notes() if note == phase)


def _run(simulator: Simulator, folder: Path, *options: str, columns: int | None = None) -> Run:
    path = folder / f"demo{simulator.waves_suffix}"
    svg = folder / "pictures" / "demo.svg"
    arguments = ["--simulator", simulator.kind, "--waves", str(path), "--svg", str(svg), *options]
    env = {"COLUMNS": None if columns is None else str(columns)}
    result = RUNNER.invoke(app, ["demo", *arguments], env=env)
    assert path.exists(), result.output
    return Run(simulator, result, Waves(path), path, svg)


@pytest.fixture(scope="module", params=available(), ids=lambda each: str(each.kind))
def simulator(request: pytest.FixtureRequest) -> Simulator:
    found: Simulator = request.param
    return found


@pytest.fixture(scope="module")
def good(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _run(simulator, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def bad(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return _run(simulator, tmp_path_factory.mktemp("bad"), "--bug", "no-refresh-on-reset")


def test_the_machine_boots_again_after_the_reset(good: Run) -> None:
    assert good.result.exit_code == 0, good.result.output
    assert good.result.stdout.count("passed") == 5
    assert "Passed: " in good.result.stdout
    assert "69,632 bytes verified, 5" in good.result.stdout


def test_the_timeline_is_in_simulated_time(good: Run) -> None:
    path = good.path.with_suffix(".trace.json")
    assert f"Timeline for Perfetto: {path}" in good.result.stdout
    events = json.loads(path.read_text())
    (reset,) = (event for event in events if event["name"] == "warm reset of units")
    assert good.began("3 reset") < reset["ts"] * 1000 < good.began("4 firmware")
    names = {event["name"] for event in events}
    assert {"read", "write", "IOTLB invalidation: page", "address space: remapped"} <= names


def test_another_seed_is_another_run_that_passes_too(good: Run, tmp_path: Path) -> None:
    other = _run(good.simulator, tmp_path, "--seed", "2")
    assert other.result.exit_code == 0
    stopped = [run.result.stdout.partition("stopped at byte")[2][:5] for run in (good, other)]
    assert stopped[0] != stopped[1]


def test_with_the_bug_firmware_times_out_and_the_output_says_why(bad: Run) -> None:
    assert bad.result.exit_code == 1
    said = " ".join(bad.result.stdout.split())
    assert "FAILED in phase 4, firmware boots again: time-out: no completion in queue 0" in said
    assert f"read at {FIRST_FETCH:#x} HOST.1: the host has no mapping" in said
    assert "translation is off, but the disk's address space was not refreshed" in said
    assert bad.result.stdout.count("passed") == 3


def test_eighty_columns_are_enough(simulator: Simulator, tmp_path: Path) -> None:
    lines = _run(simulator, tmp_path, columns=80).result.stdout.splitlines()
    assert "1  Firmware boots from the disk: 8 boot blocks read" in lines
    shown = [line for line in lines if str(tmp_path) not in line]
    assert max(map(len, shown)) <= 80
    assert not any("…" in line for line in shown)


def test_waves_show_the_phases_in_order(good: Run, bad: Run) -> None:
    phases = ["1 firmware", "2 os", "3 reset", "4 firmware", "5 os"]
    assert [note for _, note in good.waves.notes()] == phases
    assert [note for _, note in bad.waves.notes()] == phases[:4]


def test_waves_show_translation_on_in_each_system_and_off_from_the_reset(good: Run) -> None:
    changes = good.waves.changes("unit.translation")
    assert [each.value for each in changes] == [0, 1, 0, 1]
    _, on, off, on_again = (each.at_ns for each in changes)
    assert good.began("2 os") < on < good.began("3 reset")
    in_reset = [each.at_ns for each in good.waves.changes("rst") if each.value][-1]
    assert in_reset <= off < good.began("4 firmware")
    assert good.began("5 os") < on_again


def test_waves_show_the_disk_remapped_exactly_while_translation_is_on(good: Run) -> None:
    assert good.waves.changes("probe.remapped") == good.waves.changes("unit.translation")
    assert good.waves.changes("probe.switches")[-1].value == 5
    assert good.waves.value("probe.mappings", good.began("4 firmware")) == 1


def test_waves_show_as_many_mapped_ranges_at_the_end_of_a_phase_as_the_table(good: Run) -> None:
    ends = [good.began(phase) for phase in ("2 os", "3 reset", "4 firmware", "5 os")]
    held = [good.waves.value("probe.mappings", at_ns - 1) for at_ns in ends]
    held.append(good.waves.changes("probe.mappings")[-1].value)
    rows = re.findall(r"^ ?\d .*", good.result.stdout, re.MULTILINE)
    columns = [re.split(r" {2,}", row.strip()) for row in rows]
    assert held == [int(column[6]) for column in columns]


def test_waves_show_where_the_address_of_each_burst_went(good: Run) -> None:
    """While firmware runs, where the RTL said; while the system runs, from above memory into it."""
    iovas, addresses = (good.waves.changes(f"probe.request_{name}") for name in ("iova", "address"))
    bursts = {
        each.value for name in ("araddr", "awaddr") for each in good.waves.changes(f"m_axi_{name}")
    }
    assert {each.value for each in iovas} <= bursts | {0}
    for each in iovas[1:]:
        went_to = good.waves.value("probe.request_address", each.at_ns)
        assert each.value is not None
        assert went_to is not None
        if good.waves.value("probe.remapped", each.at_ns):
            assert each.value >= 64 << 20 > went_to
            assert each.value % 4096 == went_to % 4096
        else:
            assert each.value == went_to
    assert len(addresses) > 500


def test_waves_of_the_bug_show_the_disk_remapped_with_nothing_mapped(bad: Run) -> None:
    assert [each.value for each in bad.waves.changes("unit.translation")] == [0, 1, 0]
    assert [each.value for each in bad.waves.changes("probe.remapped")] == [0, 1]
    off = bad.waves.changes("unit.translation")[-1].at_ns
    last = bad.waves.changes("probe.mappings")[-1]
    assert (last.at_ns, last.value) == (off, 0)


def test_waves_of_the_bug_show_the_fault_beside_the_burst_that_met_it(bad: Run) -> None:
    fault = bad.waves.changes("probe.faults")[-1]
    assert fault.value == 1
    assert fault.at_ns > bad.began("4 firmware")
    before = fault.at_ns - NS_PER_CYCLE
    assert bad.waves.value("m_axi_arvalid", before) == 1
    assert bad.waves.value("m_axi_araddr", before) == FIRST_FETCH
    assert bad.waves.value("probe.fault_iova", fault.at_ns) == FIRST_FETCH


def test_pictures_are_made_of_output_and_waves(good: Run, bad: Run, tmp_path: Path) -> None:
    output = good.picture.read_text()
    assert "Firmware" in "".join(ET.fromstring(output).itertext())  # noqa: S314 - our own
    assert "http" not in output.replace("http://www.w3.org/2000/svg", "").partition("<style>")[2]
    drawn = tmp_path / "waves.svg"
    assert picture.main([str(drawn), str(good.path), str(bad.path)]) == 0
    text = "".join(ET.fromstring(drawn.read_text()).itertext())  # noqa: S314 - our own
    assert text.count("unit: GSTS.TES") == 2
    assert text.count("firmware") == 4  # phases 1 and 4 of each


def test_a_simulator_that_is_missing_is_named_in_one_line() -> None:
    result = RUNNER.invoke(app, ["demo", "--simulator", "icarus"], env={"PATH": "/nowhere"})
    assert result.exit_code == 2
    assert result.stderr.startswith("error: icarus is not installed here; install the package")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("package", ["testbenches.demo", "find_libpython"])
def test_a_package_that_is_missing_is_named_in_one_line(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("testbenches.", "hdl_bridge."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    result = RUNNER.invoke(app, ["demo"])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: vtd demo needs the Python package {package}")
    assert result.stderr.count("\n") == 1


def test_waves_in_the_format_of_another_simulator_are_refused(
    simulator: Simulator, tmp_path: Path
) -> None:
    other = ".vcd" if simulator.kind is SimulatorKind.ICARUS else ".fst"
    waves = tmp_path / f"demo{other}"
    result = RUNNER.invoke(app, ["demo", "--simulator", simulator.kind, "--waves", str(waves)])
    assert result.exit_code == 2
    assert f"{simulator.kind} writes {simulator.waves_suffix} files" in result.stderr
    assert not waves.exists()


@pytest.mark.parametrize("option", ["--waves", "--svg"])
@pytest.mark.parametrize("place", ["folder", "file/demo", "/proc/demo"])
def test_what_cannot_be_written_is_said_before_anything_runs(
    simulator: Simulator, tmp_path: Path, option: str, place: str
) -> None:
    suffix = simulator.waves_suffix
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / "file").touch()
    path = tmp_path / f"{place}{suffix}"
    result = RUNNER.invoke(app, ["demo", "--simulator", simulator.kind, option, str(path)])
    assert result.exit_code == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"Error: Invalid value for {option}: '{path}' cannot be written: ")
    assert "Simulating" not in result.stderr


def test_trying_whether_a_file_can_be_written_leaves_what_is_there(
    simulator: Simulator, tmp_path: Path
) -> None:
    waves, svg = tmp_path / f"demo{simulator.waves_suffix}", tmp_path / "folder"
    waves.write_text("of another run")
    svg.mkdir()
    arguments = ["--simulator", simulator.kind, "--waves", str(waves), "--svg", str(svg)]
    assert RUNNER.invoke(app, ["demo", *arguments]).exit_code == 2
    assert waves.read_text() == "of another run"
    assert sorted(tmp_path.iterdir()) == [waves, svg]


def test_an_installed_copy_says_that_the_demo_needs_a_checkout(tmp_path: Path) -> None:
    shutil.copytree(Path(vtd_plugin.__file__).parent, tmp_path / "vtd_plugin")
    theirs = tmp_path / "testbenches" / "demo"
    theirs.mkdir(parents=True)
    for package in (theirs.parent, theirs):
        (package / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    command = [sys.executable, "-c", "from vtd_plugin.cli import app; app()", "demo"]
    done = subprocess.run(  # noqa: S603
        command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: vtd demo is not part of an installed package: run `make demo` in a checkout\n"
    )
