"""How long the randomised testbenches run, on which simulators, and with which memories."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hdl_bridge.simulation import WAVES_FOLDER
from hdl_bridge.simulators import available
from testbenches.setups import DESIGNS, setups
from vtd_plugin.cosim import COVERAGE_FOLDER


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--seeds", type=int, default=1, help="seeds to run each randomised testbench with"
    )
    parser.addoption("--first-seed", type=int, default=1, help="the first of them")
    parser.addoption(
        "--waves",
        metavar="FOLDER",
        help="write waveforms of every simulation there, and timelines of every platform",
    )
    parser.addoption(
        "--coverage",
        metavar="FOLDER",
        help="leave a coverage file of every simulation with a platform there",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Simulations are processes of their own: their environment tells them.
    for option, variable in (("--waves", WAVES_FOLDER), ("--coverage", COVERAGE_FOLDER)):
        folder = config.getoption(option)
        if folder is not None:
            path = Path(folder).resolve()
            try:
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise pytest.UsageError(f"{option} {folder}: {error}") from error
            os.environ[variable] = str(path)


@pytest.fixture(scope="session")
def seeds(pytestconfig: pytest.Config) -> range:
    """All seeds, for a testbench that takes them in one simulation."""
    return _seeds(pytestconfig)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for master in DESIGNS:
        if master in metafunc.fixturenames:
            metafunc.parametrize(master, setups(master), ids=str)
    if "simulator" in metafunc.fixturenames:
        metafunc.parametrize("simulator", available(), ids=lambda each: str(each.kind))
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", _seeds(metafunc.config))


def _seeds(config: pytest.Config) -> range:
    first = config.getoption("--first-seed")
    return range(first, first + config.getoption("--seeds"))
