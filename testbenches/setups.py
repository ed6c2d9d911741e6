"""What a testbench runs on: every DMA master with every memory, on every simulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hdl_bridge.simulation import run
from hdl_bridge.simulators import available
from testbenches.designs import NVME_LITE, NVME_LITE_NATIVE, SG_DMA, SG_DMA_NATIVE
from testbenches.memory_side import MEMORY, SERVED_BY_PYTHON, Memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from hdl_bridge.simulation import TestOutcome
    from hdl_bridge.simulators import Simulator
    from testbenches.designs import Design

DESIGNS: Final = {"nvme_lite": (NVME_LITE, NVME_LITE_NATIVE), "sg_dma": (SG_DMA, SG_DMA_NATIVE)}
"""Each master with AXI: for memory that Python serves, and with a native memory."""


@dataclass(frozen=True, slots=True)
class Setup:
    """A design on a simulator, and which memory is between the master in it and its port."""

    simulator: Simulator
    design: Design
    memory: Memory

    def __str__(self) -> str:
        return f"{self.simulator.kind}-{self.memory}"

    def run(
        self,
        module: str,
        *,
        seed: int,
        testcase: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        waves: Path | None = None,
        timeout: float = 600.0,
    ) -> list[TestOutcome]:
        """Run a testbench; see `hdl_bridge.simulation.run`.

        Args:
            module: Its name in `testbenches`.
            seed: The seed of what is random.
            testcase: The tests to run, all by default.
            env: Further environment variables.
            waves: The file for waveforms; by default there are some only if they were asked for.
            timeout: Seconds.
        """
        return run(
            self.simulator,
            self.design.top,
            self.design.sources,
            f"testbenches.{module}",
            testcase=testcase,
            seed=seed,
            env={**(env or {}), MEMORY: self.memory},
            waves=waves,
            timeout=timeout,
        )


def setups(master: str) -> list[Setup]:
    """All setups of a master.

    Args:
        master: One of `DESIGNS`.
    """
    by_python, native = DESIGNS[master]
    designs = [(by_python, memory) for memory in SERVED_BY_PYTHON]
    return [
        Setup(simulator, design, memory)
        for design, memory in (*designs, (native, Memory.NATIVE_MEMORY))
        for simulator in available()
        if design.builds_with(simulator)
    ]
