"""sg_dma and memory in a simulator and nothing else: what there is without any Python.

The top is `rtl/tb_sg_dma_bare.sv`. It is built and run without cocotb, and timed by the lines it
prints at both ends of the copy.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final

from benchmarks._designs import ENGINE
from hdl_bridge.simulators import SimulatorKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hdl_bridge.simulators import Simulator

_RTL: Final = Path(__file__).parent / "rtl"
_TOP: Final = "tb_sg_dma_bare"
_SOURCES: Final = [*ENGINE, _RTL / "axi_memory.sv", _RTL / f"{_TOP}.sv"]
_TIMEOUT: Final = 600


class BareSimulation:
    """The design, built for one simulator.

    Args:
        simulator: Where it runs.
        folder: Where to build it.
    """

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self._environment = os.environ | dict(simulator.environment)
        if simulator.bin is not None:
            self._environment["PATH"] = f"{simulator.bin}{os.pathsep}{os.environ['PATH']}"
        program = folder / _TOP
        sources = [str(path) for path in _SOURCES]
        if simulator.kind is SimulatorKind.ICARUS:
            self._build(["iverilog", "-g2012", "-s", _TOP, "-o", str(program), *sources])
            self._command = ["vvp", "-n", str(program)]
        else:
            places = ["-Mdir", str(folder), "-o", str(program)]
            self._build(["verilator", "--binary", "-O3", "--top", _TOP, *places, *sources])
            self._command = [str(program)]

    def _build(self, command: Sequence[str]) -> None:
        done = subprocess.run(  # noqa: S603  the simulators' own compilers
            command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{_TOP} does not build with {command[0]}:\n{done.stdout}")

    def time_copy(self, length: int) -> int:
        """Nanoseconds of wall-clock time from the start of a copy to its interrupt.

        Args:
            length: Bytes, a multiple of 4, at most 1 MiB.
        """
        seen: dict[str, int] = {}
        with subprocess.Popen(  # noqa: S603  what we have just built
            [*self._command, f"+bytes={length}"],
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                seen[line.strip()] = perf_counter_ns()
        if "copied" not in seen:
            raise RuntimeError(f"{_TOP} did not copy {length:#x} bytes; it printed {list(seen)}")
        return seen["end"] - seen["start"]
