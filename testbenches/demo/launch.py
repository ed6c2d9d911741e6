"""Starting the demo: the process that builds the simulation, runs it and reads its report."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hdl_bridge.simulation import BUILD_ROOT, build, run
from testbenches.demo import report
from testbenches.designs import NVME_LITE

if TYPE_CHECKING:
    from collections.abc import Callable

    from hdl_bridge.simulators import Simulator
    from testbenches.demo.report import Phase

REPORT: Final = "VTD_DEMO_REPORT"
"""The environment variable that tells the simulation where its report goes."""

BUG: Final = "VTD_DEMO_BUG"
"""The environment variable that tells it which bug the unit has; unset for none."""


def run_demo(
    simulator: Simulator,
    waves: Path,
    *,
    seed: int,
    bug: str | None = None,
    progress: Callable[[str], object],
    build_root: Path = BUILD_ROOT,
) -> list[Phase]:
    """Run the demo.

    Args:
        simulator: What to run it on.
        waves: The file to write waveforms to; its suffix is `simulator.waves_suffix`. A timeline
            goes to a file beside it, `vtd_plugin.cosim.timeline_beside(waves)`.
        seed: What is on the disk, where pages lie and when the machine is reset follow from it.
        bug: The bug that the unit is to have; see `testbenches.demo.bug`.
        progress: Told in words what is being done, when that may take a while.
        build_root: Where builds are kept.

    Returns:
        The phases, up to the first that failed, which is then the last.

    Raises:
        SimulationFailed: The demo itself broke, not the machine in it.
        ValueError: `waves` has the suffix of another format.
    """
    progress(f"Building the RTL of the disk with {simulator}; the build is kept")
    top, sources = NVME_LITE.top, NVME_LITE.sources
    build(simulator, top, sources, waves=True, build_root=build_root)
    progress(f"Simulating with {simulator}")
    with tempfile.TemporaryDirectory(prefix="vtd-demo-") as folder:
        path = Path(folder) / "phases.jsonl"
        environment = {REPORT: str(path)} | ({BUG: bug} if bug else {})
        run(
            simulator,
            top,
            sources,
            "testbenches.demo.scenario",
            seed=seed,
            env=environment,
            waves=waves,
            build_root=build_root,
        )
        return report.load(path)
