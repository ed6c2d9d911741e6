"""Runs the DMA masters behind a VT-d unit, with every memory there is for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from pywellen import Waveform

from testbenches import soak_seeds
from testbenches.cells import part
from vtd_plugin.cosim import timeline_beside

if TYPE_CHECKING:
    from pathlib import Path

    from testbenches.setups import Setup

ROUNDS: Final = 5
"""Seeds until every cell of the matrix has had its turn; no divisor of how many a row has."""


def test_cells_of_the_reset_matrix(sg_dma: Setup, seed: int) -> None:
    testcases = part(seed, ROUNDS, sg_dma.memory)
    outcomes = sg_dma.run("cocotb_matrix", testcase=testcases, seed=seed)
    assert len(outcomes) == len(testcases)


@pytest.mark.parametrize("theme", ["enable", "invalidation", "reset", "faults", "scalable"])
def test_sg_dma_behind_a_unit(sg_dma: Setup, theme: str, seed: int) -> None:
    sg_dma.run(f"cocotb_{theme}", seed=seed)


def test_nvme_lite_behind_a_unit(nvme_lite: Setup, seed: int) -> None:
    nvme_lite.run("cocotb_nvme_lite_vtd", seed=seed)


def test_soak(sg_dma: Setup, seeds: range) -> None:
    sg_dma.run(
        "cocotb_soak",
        seed=seeds.start,
        env=soak_seeds.environment(seeds),
        timeout=600 + 60 * len(seeds),
    )


def test_waveforms_show_port_and_unit_beside_the_rtl(sg_dma: Setup, tmp_path: Path) -> None:
    path = tmp_path / f"waves{sg_dma.simulator.waves_suffix}"
    outcomes = sg_dma.run("cocotb_faults", seed=1, waves=path)
    signals = {
        variable.full_name.removeprefix(f"{sg_dma.design.top}."): variable.signal
        for variable in Waveform(str(path)).all_vars()
    }

    def values(name: str) -> set[int]:
        return {value for _, value in signals[name]}

    assert values("unit.translation") == values("probe.remapped") == {0, 1}
    assert values("probe.faults") > {0}
    assert values("probe.request_iova") & values("m_axi_araddr") - {0}
    tests = (outcome.name.rpartition(".")[2] for outcome in outcomes)
    assert {*tmp_path.rglob("*.json")} == {timeline_beside(path, test) for test in tests}
