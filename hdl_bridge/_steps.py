"""The steps of cocotb's runner, each in a process group of its own (`hdl_bridge._job`)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from hdl_bridge.simulators import Simulator


class Ended(Enum):
    """How a step ended."""

    WELL = "well"
    BADLY = "badly"
    LATE = "late"
    """It took longer than it may."""


def run_step(
    simulator: Simulator, step: str, arguments: Mapping[str, object], log: Path, timeout: float
) -> Ended:
    """Run one step, and leave nothing of it alive.

    Args:
        simulator: What it is for.
        step: ``"build"`` or ``"test"``.
        arguments: Those of the runner's method of that name.
        log: The file for what it prints.
        timeout: Seconds.
    """
    with log.open("wb") as output, _lifeline() as lifeline:
        process = subprocess.Popen(
            [sys.executable, "-m", "hdl_bridge._job"],
            pass_fds=[lifeline],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_job_environment(simulator),
            start_new_session=True,
        )
        job = {
            "simulator": simulator.kind,
            "step": step,
            "arguments": arguments,
            "lifeline": lifeline,
        }
        try:
            process.communicate(json.dumps(job).encode(), timeout)
        except subprocess.TimeoutExpired:
            return Ended.LATE
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return Ended.WELL if process.returncode == 0 else Ended.BADLY


@contextmanager
def _lifeline() -> Iterator[int]:
    """The end of a pipe at which a child sees that this process is gone."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


def _job_environment(simulator: Simulator) -> dict[str, str]:
    environment = os.environ | dict(simulator.environment)
    environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    if simulator.bin is not None:
        environment["PATH"] = f"{simulator.bin}{os.pathsep}{environment['PATH']}"
    # Any of these would override what we asked the runner for.
    for name in ("PYTEST_CURRENT_TEST", "WAVES", "GUI", "COCOTB_TEST_FILTER", "VERILATOR_ROOT"):
        environment.pop(name, None)
    return environment
