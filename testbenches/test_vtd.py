"""Runs the DMA masters behind a VT-d unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from hdl_bridge.simulation import run
from testbenches.cells import MEMORIES, NATIVE_MEMORIES, part
from testbenches.cocotb_soak import MEMORY, SEEDS
from testbenches.designs import NVME_LITE, SG_DMA_NATIVE

if TYPE_CHECKING:
    from hdl_bridge.simulators import Simulator
    from testbenches.designs import Design

ROUNDS: Final = 7
"""Seeds until every cell of the matrix has had its turn; no divisor of how many a row has."""


def test_cells_of_the_reset_matrix(simulator: Simulator, sg_dma: Design, seed: int) -> None:
    is_native = sg_dma is SG_DMA_NATIVE
    testcases = part(seed, ROUNDS, NATIVE_MEMORIES if is_native else MEMORIES)
    module = f"testbenches.cocotb_{'native_matrix' if is_native else 'matrix'}"
    outcomes = run(simulator, sg_dma.top, sg_dma.sources, module, testcase=testcases, seed=seed)
    assert len(outcomes) == len(testcases)


@pytest.mark.parametrize("theme", ["enable", "invalidation", "reset", "faults", "scalable"])
def test_sg_dma_behind_a_unit(simulator: Simulator, sg_dma: Design, theme: str, seed: int) -> None:
    run(simulator, sg_dma.top, sg_dma.sources, f"testbenches.cocotb_{theme}", seed=seed)


def test_nvme_lite_behind_a_unit(simulator: Simulator, seed: int) -> None:
    module = "testbenches.cocotb_nvme_lite_vtd"
    run(simulator, NVME_LITE.top, NVME_LITE.sources, module, seed=seed)


def test_soak(simulator: Simulator, sg_dma: Design, request: pytest.FixtureRequest) -> None:
    first, number = (request.config.getoption(name) for name in ("--first-seed", "--seeds"))
    memory = {MEMORY: NATIVE_MEMORIES[0]} if sg_dma is SG_DMA_NATIVE else {}
    run(
        simulator,
        sg_dma.top,
        sg_dma.sources,
        "testbenches.cocotb_soak",
        seed=first,
        env={SEEDS: f"{first}:{number}"} | memory,
        timeout=600 + 60 * number,
    )
