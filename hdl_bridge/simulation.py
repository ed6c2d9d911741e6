"""Building a design and running cocotb tests on it.

A build is kept and used again for as long as its sources, parameters, simulator and cocotb are
the same, and it may be asked for by several processes at once. A run has a directory of its own,
which stays behind only when the run fails. Which simulators there are is `hdl_bridge.simulators`.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from hdl_bridge._selection import names_of, pattern, require
from hdl_bridge._steps import Ended, run_step
from hdl_bridge.names import name_run
from hdl_bridge.simulators import Simulator, SimulatorKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

BUILD_ROOT: Final = Path("build/sim")
"""Where builds and runs are kept unless told otherwise, below the working directory."""

BUILD_TIMEOUT: Final = 900.0
"""Seconds; a build by Verilator takes a minute on a busy machine."""

WAVES_FOLDER: Final = "HDL_BRIDGE_WAVES_FOLDER"
"""The environment variable that has every run write waveforms into a folder."""

WAVES_FILE: Final = "HDL_BRIDGE_WAVES_FILE"
"""The environment variable that tells a simulation where its waveforms go."""

RUN_NAME: Final = "HDL_BRIDGE_RUN_NAME"
"""The environment variable that tells a simulation what its run is called; see `names`."""

_LOG_LINES_SHOWN: Final = 25


@dataclass(frozen=True, slots=True)
class TestOutcome:
    """How one cocotb test ended.

    Attributes:
        name: ``module.test``.
        passed: Whether it passed; a skipped test has.
        message: Why it did not, else empty.
        wall_seconds: How long it took.
    """

    __test__ = False  # pytest takes every Test... for its own

    name: str
    passed: bool
    message: str
    wall_seconds: float


class SimulationFailed(AssertionError):  # noqa: N818 - an assertion about the design
    """A design did not build, or a test of it failed; the message names each with its reason.

    Attributes:
        outcomes: All tests of the run, in order; empty if it came to none.
        log: The log of the failed step.
    """

    def __init__(self, message: str, log: Path, outcomes: Sequence[TestOutcome] = ()) -> None:
        super().__init__(f"{message}\nlog: {log}")
        self.log = log
        self.outcomes = tuple(outcomes)


def run(
    simulator: Simulator,
    top: str,
    sources: Sequence[Path],
    module: str,
    *,
    testcase: str | Sequence[str] | None = None,
    parameters: Mapping[str, int] | None = None,
    seed: int | None = None,
    env: Mapping[str, str] | None = None,
    waves: Path | None = None,
    build_root: Path = BUILD_ROOT,
    timeout: float = 600.0,
) -> list[TestOutcome]:
    """Build a design if it is not built yet, and run cocotb tests on it.

    Args:
        simulator: What to run it on, one of `hdl_bridge.simulators.available()`.
        top: The top module.
        sources: All source files of the design; with Verilator, also those in C++ that its DPI
            imports are in.
        module: The importable Python module that holds the cocotb tests.
        testcase: The name of the test to run, or the names of several, as outcomes have them
            behind the module: one with parameters is ``"copies/width=32"``. All by default.
        parameters: Parameters of the top module.
        seed: The seed of Python's `random` inside the simulation, any by default.
        env: Further environment variables of the simulation. Where neither they nor this
            process set ``COCOTB_LOG_LEVEL``, it is ``WARNING``.
        waves: The file to write waveforms to; its suffix is `simulator.waves_suffix`. By default
            there is one only if the environment says so (`WAVES_FOLDER`), named after the run
            (`hdl_bridge.names`). The simulation finds both names in its own environment
            (`WAVES_FILE`, `RUN_NAME`).
        build_root: Where builds and runs are kept.
        timeout: Wall-clock seconds after which a run is killed.

    Returns:
        The outcomes of the tests, all passed.

    Raises:
        SimulationFailed: The build or a test failed, no test ran, or the time was over.
        ValueError: There is no test of a name in `testcase`; the message lists those that there
            are. Or `waves` has the suffix of another format.
    """
    names = None if testcase is None else names_of(testcase)
    name = name_run(
        simulator,
        module,
        testcases=names or (),
        parameters=parameters or {},
        env=env or {},
        seed=seed,
    )
    if waves is None and WAVES_FOLDER in os.environ:
        waves = Path(os.environ[WAVES_FOLDER]) / f"{name}{simulator.waves_suffix}"
    if waves is not None and waves.suffix != simulator.waves_suffix:
        raise ValueError(
            f"{simulator.kind} writes {simulator.waves_suffix} files, not {waves.suffix!r}"
        )
    build_dir = build(
        simulator,
        top,
        sources,
        parameters=parameters,
        waves=waves is not None,
        build_root=build_root,
    )
    runs = build_root.resolve() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    run_dir = Path(tempfile.mkdtemp(prefix=f"{top}-{simulator.kind}-", dir=runs))
    results = run_dir / "results.xml"
    arguments: dict[str, object] = {
        "test_module": module,
        "hdl_toplevel": top,
        "hdl_toplevel_lang": "verilog",
        "test_filter": None if names is None else pattern(names),
        "seed": seed,
        "extra_env": {
            "COCOTB_LOG_LEVEL": os.environ.get("COCOTB_LOG_LEVEL", "WARNING"),
            RUN_NAME: name,
        }
        | ({WAVES_FILE: str(waves.resolve())} if waves is not None else {})
        | dict(env or {}),
        "build_dir": str(build_dir),
        "test_dir": str(run_dir),
        "results_xml": str(results),
    }
    log = run_dir / "log"
    ended = run_step(
        simulator, "test", arguments | _waves_arguments(simulator, waves), log, timeout
    )
    outcomes = _read_outcomes(results)
    if names is not None and ended is not Ended.LATE:
        found = [outcome.name for outcome in outcomes]
        require(names, found, simulator, arguments, run_dir / "list")
    _check(ended, outcomes, f"{module} on {top} with {simulator}", log)
    shutil.rmtree(run_dir)
    return outcomes


def build(
    simulator: Simulator,
    top: str,
    sources: Sequence[Path],
    *,
    parameters: Mapping[str, int] | None = None,
    waves: bool = False,
    build_root: Path = BUILD_ROOT,
) -> Path:
    """Build a design, or find it built.

    Args:
        simulator: What to build it for.
        top: The top module.
        sources: All source files of the design, as for `run`.
        parameters: Parameters of the top module.
        waves: Whether runs of it can write waveforms.
        build_root: Where builds are kept.

    Returns:
        The directory of the build.

    Raises:
        SimulationFailed: It does not build; the message ends with the simulator's own.
        ValueError: There is C++ among the sources, and the simulator is not Verilator.
    """
    foreign = [source for source in sources if source.suffix == ".cpp"]
    arguments: dict[str, object] = {
        "sources": [str(source.resolve()) for source in sources if source not in foreign],
        "hdl_toplevel": top,
        "parameters": dict(parameters or {}),
        "build_args": [*simulator.build_arguments, *_foreign_arguments(simulator, foreign)],
        "timescale": ("1ns", "1ps"),
        "waves": waves,
        "always": True,
    }
    name = f"{top}-{simulator.kind}-{_identity(simulator, sources, arguments)}"
    directory = build_root.resolve() / name
    log = directory.with_suffix(".log")
    finished = directory / "finished"
    with _lock(directory.with_suffix(".lock")):
        if not finished.exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            arguments["build_dir"] = str(directory)
            ended = run_step(simulator, "build", arguments, log, BUILD_TIMEOUT)
            if ended is not Ended.WELL:
                raise SimulationFailed(f"{top} does not build:\n{_tail(log)}", log)
            finished.touch()
    return directory


def _foreign_arguments(simulator: Simulator, sources: Sequence[Path]) -> list[str]:
    if not sources:
        return []
    if simulator.kind is not SimulatorKind.VERILATOR:
        raise ValueError(f"{simulator.kind} cannot build {sources[0].name}; verilator can")
    # Python finds the functions in there among the symbols of the running simulation.
    return [
        *(str(source.resolve()) for source in sources),
        "-CFLAGS",
        "-O2",
        "-LDFLAGS",
        "-rdynamic",
    ]


def _waves_arguments(simulator: Simulator, waves: Path | None) -> dict[str, object]:
    if waves is None:
        return {}
    waves.parent.mkdir(parents=True, exist_ok=True)
    path = str(waves.resolve())
    if simulator.kind is SimulatorKind.ICARUS:
        return {"waves": True, "plusargs": [f"+dumpfile_path={path}"]}
    return {"waves": True, "test_args": ["--trace-file", path]}


def _read_outcomes(results: Path) -> list[TestOutcome]:
    if not results.exists():
        return []
    document = ET.parse(results)  # noqa: S314 - written by our own child a moment ago
    return [_outcome(case) for case in document.iter("testcase")]


def _outcome(case: ET.Element) -> TestOutcome:
    bad = [element for element in case if element.tag in ("failure", "error")]
    return TestOutcome(
        name=f"{case.get('classname')}.{case.get('name')}",
        passed=not bad,
        message="\n".join(element.get("message") or element.text or "" for element in bad).strip(),
        wall_seconds=float(case.get("time", 0)),
    )


def _check(ended: Ended, outcomes: Sequence[TestOutcome], what: str, log: Path) -> None:
    """Raise SimulationFailed unless all tests ran to their end and passed."""
    failed = [f"  {outcome.name}: {outcome.message}" for outcome in outcomes if not outcome.passed]
    if ended is Ended.LATE:
        raise SimulationFailed(f"{what}: out of time and killed\n{_tail(log)}", log, outcomes)
    if failed:
        heading = f"{what}: {len(failed)} of {len(outcomes)} tests failed"
        raise SimulationFailed("\n".join([heading, *failed]), log, outcomes)
    if ended is Ended.BADLY or not outcomes:
        raise SimulationFailed(f"{what}: the simulation broke off\n{_tail(log)}", log, outcomes)


def _identity(
    simulator: Simulator, sources: Sequence[Path], arguments: Mapping[str, object]
) -> str:
    """A digest of all that the outcome of a build depends on."""
    # A Verilator build holds the path of cocotb's libraries, hence sys.prefix.
    about: list[object] = [
        simulator.version,
        dict(simulator.environment),
        importlib.metadata.version("cocotb"),
        sys.prefix,
    ]
    digest = hashlib.sha256(json.dumps([about, arguments], sort_keys=True).encode())
    for source in sources:
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()[:16]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a file lock; the operating system lets go of it if we die."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return "\n".join(lines[-_LOG_LINES_SHOWN:])
