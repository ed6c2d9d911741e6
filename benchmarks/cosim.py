"""What the bridge and the unit cost in co-simulation: beats per second of an RTL master.

    python -m benchmarks.cosim

The master is `testbenches/rtl/sg_dma.sv` on a 32-bit bus with bursts of 16 beats. Its rival is the
same RTL in the same simulator on a plain AxiRam of cocotbext-axi, without anything of ours.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from benchmarks._bare_simulation import BareSimulation
from benchmarks._cosim_turns import LENGTH, RESULT
from benchmarks._measure import Comparison, as_json, show, sum_up
from hdl_bridge.simulation import run
from hdl_bridge.simulators import NoSimulator, SimulatorKind, available, find
from testbenches.designs import SG_DMA, SG_DMA_NATIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from hdl_bridge.simulators import Simulator
    from testbenches.designs import Design

    TimeCopy: TypeAlias = Callable[[int], int]
    """Copies so many bytes; the nanoseconds of wall-clock time that it took."""

_TURNS: Final = "benchmarks._cosim_turns"
_RIVAL: Final = "plain AxiRam"
_IN_COCOTB: Final = {
    _RIVAL: ("plain", SG_DMA),
    "AxiRam and attach, untranslated": ("direct", SG_DMA),
    "AxiRam and attach, translated": ("translated", SG_DMA),
    "AxiMemory, translated": ("memory", SG_DMA),
    "NativeMemory, translated": ("native", SG_DMA_NATIVE),
}
"""What answers the AXI port of the engine: the cocotb test, and the design it needs."""
_BARE: Final = "no Python, memory in RTL"
SUBJECTS: Final = (*(name for name in _IN_COCOTB if name != _RIVAL), _BARE)
"""What is compared with the rival."""

_BEAT_BYTES: Final = 4
_LONGEST: Final = 1 << 20


def compare_on(simulator: Simulator, length: int, repeats: int) -> list[Comparison]:
    """Let all ways for the beats to go take turns on one simulator.

    Args:
        simulator: Where they run.
        length: Bytes of the copy.
        repeats: Turns of each; every turn is a process of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        ways = _ways(simulator, Path(folder))
        turns = [
            {name: time_copy(length) / _beats(length) for name, time_copy in ways.items()}
            for _ in range(repeats)
        ]
    return [
        sum_up(f"{simulator.kind}: {name}", _RIVAL, [(turn[name], turn[_RIVAL]) for turn in turns])
        for name in SUBJECTS
        if name in ways
    ]


def _ways(simulator: Simulator, folder: Path) -> dict[str, TimeCopy]:
    """Every way for the beats to go, by what answers the AXI port of the engine."""
    in_cocotb = {
        name: partial(_run, simulator, design, test)
        for name, (test, design) in _IN_COCOTB.items()
        if design is not SG_DMA_NATIVE or simulator.kind is SimulatorKind.VERILATOR
    }
    return in_cocotb | {_BARE: BareSimulation(simulator, folder).time_copy}


def _run(simulator: Simulator, design: Design, test: str, length: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "nanoseconds"
        environment = {LENGTH: str(length), RESULT: str(result)}
        run(simulator, design.top, design.sources, _TURNS, testcase=test, env=environment)
        return int(result.read_text())


def _beats(length: int) -> float:
    """Each word is read once and written once."""
    return 2 * length / _BEAT_BYTES


def main(
    repeats: Annotated[int, typer.Option(min=1, help="Turns of each contestant.")] = 5,
    length: Annotated[
        int, typer.Option(min=64, max=_LONGEST, help="Bytes to copy in one turn.")
    ] = 1 << 16,
    simulator: Annotated[
        SimulatorKind | None, typer.Option(help="This one only.", show_default=False)
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Measure co-simulation through the bridge, side by side with the RTL on plain memory."""
    if length % _BEAT_BYTES:
        raise typer.BadParameter(f"{length} bytes are not a multiple of {_BEAT_BYTES}")
    results = [row for each in _simulators(simulator) for row in compare_on(each, length, repeats)]
    if json_output:
        print(as_json(results, repeats=repeats, length=length))
    else:
        show("Co-simulation, beats per second of wall-clock time", results, rate="beats/s")


def _simulators(wanted: SimulatorKind | None) -> list[Simulator]:
    try:
        found = available() if wanted is None else [find(wanted)]
    except NoSimulator as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    if not found:
        typer.echo("error: no HDL simulator; `make simulator` finds or installs one", err=True)
        raise typer.Exit(1)
    return found


if __name__ == "__main__":
    typer.run(main)
