from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from hdl_bridge.simulators import NoSimulator, available, ensure, find, main, verilator_needs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on whose search path is nothing but what a test links there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_simulators_of_this_machine_can_be_found_by_name() -> None:
    assert available()
    for simulator in available():
        assert find(simulator.kind) == simulator
        assert simulator.version != "0.0"


def test_an_unknown_simulator_is_refused_with_those_allowed() -> None:
    with pytest.raises(ValueError, match="unknown simulator 'modelsim'; allowed are icarus"):
        find("modelsim")


def test_a_bare_machine_has_no_simulator(bare_machine: Path) -> None:
    assert available() == []
    assert verilator_needs() == ("perl", "make", "g++")
    with pytest.raises(NoSimulator, match=r"icarus is not installed here; install .*iverilog"):
        find("icarus")


@pytest.mark.usefixtures("bare_machine")
def test_where_none_can_be_installed_one_line_says_what_to_do(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["ensure"]) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "apt-get install iverilog" in said.err
    assert "perl, make, g++" in said.err


def test_a_perl_without_its_modules_is_not_enough_for_verilator(bare_machine: Path) -> None:
    for tool in ("make", "g++"):
        (bare_machine / tool).symlink_to(shutil.which(tool, path="/usr/bin:/bin") or "")
    perl = bare_machine / "perl"
    perl.write_text("#!/bin/sh\nexit 2\n")
    perl.chmod(0o755)
    assert verilator_needs() == ("perl-modules",)


def test_ensuring_what_is_there_installs_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert ensure() == available()[0]
    assert capfd.readouterr().err == ""
