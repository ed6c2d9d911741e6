"""`vtd demo`: a machine is reset while DMA remapping is on, and must boot from its disk again.

The demo itself is `testbenches.demo`, which needs an HDL simulator; here its phases are shown. It
is imported only when the command runs, from the checkout that this package is in: the library does
without simulators, and testbenches are not installed.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vtd_plugin.cli.output import give_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from hdl_bridge.simulators import Simulator
    from testbenches.demo import Phase

FAILED: Final = 1
"""Exit status when a phase did not go as it must."""

_NEEDED: Final = ("cocotb", "cocotbext-axi")
_CHECKOUT: Final = Path(__file__).parents[2]
"""Where the testbenches are beside this package, unless it was installed without them."""
_WIDTH: Final = 110
"""Characters on a line where nobody says how many; the table needs as many to name its phases."""


class SimulatorName(StrEnum):
    """The simulators that the demo can run on."""

    ICARUS = "icarus"
    VERILATOR = "verilator"


class Bug(StrEnum):
    """What the unit can be made to do wrong."""

    NO_REFRESH_ON_RESET = "no-refresh-on-reset"


def demo(
    simulator: Annotated[
        SimulatorName | None,
        typer.Option(help="By default the one found that starts fastest.", show_default=False),
    ] = None,
    waves: Annotated[
        Path | None,
        typer.Option(
            help="Where to write waveforms, and a timeline beside them; by default build/demo.fst, "
            ".vcd with Verilator.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            min=0, metavar="NUMBER", help="Chooses data, addresses and the moment of the reset."
        ),
    ] = 1,
    bug: Annotated[
        Bug | None,
        typer.Option(help="Give the unit a bug; the demo must then fail.", show_default=False),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option(help="Save the output as a picture.", show_default=False)
    ] = None,
) -> None:
    """Reset a machine with remapping on: it must boot again.

    An NVMe disk in RTL, handed to a guest, runs in an HDL simulator behind the model. It comes with
    a checkout of the project. Exit status: 0 when all phases passed, 1 when one did not, 2 when
    the demo could not be run.
    """
    runner = _Runner(simulator, waves, bug)
    if svg is not None:
        _require_writable(svg, "--svg")
    phases = runner.run(seed)
    console = Console(record=svg is not None)
    if not console.is_terminal:
        console.width = get_terminal_size((_WIDTH, 0)).columns
    with_bug = f", bug {bug}" if bug else ""
    _show(console, phases, f"{runner.simulator}, seed {seed}{with_bug}")
    for what, path in (("Waveforms", runner.waves), ("Timeline for Perfetto", runner.trace)):
        console.print(f"{what}: {path}", highlight=False, soft_wrap=True)
    if svg is not None:
        _save(console, svg, f"vtd demo --bug {bug}" if bug else "vtd demo")
    if not phases[-1].passed:
        raise typer.Exit(FAILED)


class _Runner:
    """Runs the demo, or says in one line why it cannot."""

    def __init__(self, name: SimulatorName | None, waves: Path | None, bug: Bug | None) -> None:
        _require_testbenches()
        self.simulator = _find_simulator(name)
        self._bug = bug
        suffix = self.simulator.waves_suffix
        self.waves = waves or Path("build", f"demo-{bug}" if bug else "demo").with_suffix(suffix)
        if self.waves.suffix != suffix:
            raise typer.BadParameter(
                f"{self.simulator.kind} writes {suffix} files, not {str(self.waves)!r}",
                param_hint="--waves",
            )
        for path in (self.waves, self.trace):
            _require_writable(path, "--waves")

    @property
    def trace(self) -> Path:
        """Where the timeline goes."""
        from vtd_plugin.cosim import timeline_beside

        return timeline_beside(self.waves)

    def run(self, seed: int) -> list[Phase]:
        from hdl_bridge.simulation import SimulationFailed
        from testbenches.demo import run_demo

        try:
            with _progress() as progress:
                return run_demo(
                    self.simulator, self.waves, seed=seed, bug=self._bug, progress=progress
                )
        except (SimulationFailed, OSError) as error:
            give_up(str(error))


def _require_testbenches() -> None:
    if not Path(_CHECKOUT, "testbenches", "rtl", "nvme_lite.sv").exists():
        give_up("vtd demo is not part of an installed package: run `make demo` in a checkout")
    sys.path.insert(0, str(_CHECKOUT))
    install = f"pip install --editable '{_CHECKOUT}[sim]'"
    for name in _NEEDED:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            give_up(f"vtd demo needs {name}, which is not installed: {install}")
    try:
        import testbenches.demo  # noqa: F401
    except ModuleNotFoundError as error:
        give_up(f"vtd demo needs the Python package {error.name}, not found here: {install}")


def _require_writable(path: Path, option: str) -> None:
    """Simulators say nothing that helps of files that they cannot write; so that is tried first."""
    try:
        there = path.exists()
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        path.open("ab").close()
        if not there:
            path.unlink()
    except OSError as error:
        raise typer.BadParameter(
            f"{str(path)!r} cannot be written: {error.strerror}", param_hint=option
        ) from error


def _find_simulator(name: SimulatorName | None) -> Simulator:
    from hdl_bridge import simulators

    try:
        found = simulators.available() if name is None else []
        return found[0] if found else simulators.find(name or SimulatorName.ICARUS)
    except simulators.NoSimulator as error:
        give_up(str(error))


@contextmanager
def _progress() -> Iterator[Callable[[str], object]]:
    """What is being done now: as a line that moves on a terminal, as plain lines in a log."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: typer.echo(text, err=True)
        return
    with console.status("Starting") as status:
        yield status.update


def _show(console: Console, phases: Sequence[Phase], run: str) -> None:
    wide = console.width >= _WIDTH
    if not wide:
        for number, phase in enumerate(phases, 1):
            console.print(Text.assemble(f"{number}  ", (phase.title, "bold"), f": {phase.outcome}"))
        console.print()
    console.print(_phase_table(phases, run, named=wide), "")
    if any(phase.blocked for phase in phases):
        console.print(_fault_table(phases), "")
    if phases[-1].passed:
        console.print(_success(phases))
    else:
        console.print(_failure(len(phases), phases[-1]))


def _save(console: Console, path: Path, title: str) -> None:
    """Save what was printed as a picture, without the fonts that only web pages may load."""
    drawn = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title=title), flags=re.DOTALL)
    try:
        path.write_text(re.sub(r"\n\s*\n+", "\n", drawn))
    except OSError as error:
        give_up(f"{path}: {error.strerror}")


def _phase_table(phases: Sequence[Phase], run: str, *, named: bool) -> Table:
    table = Table(
        title="An NVMe disk in RTL, handed to a guest, behind VT-d",
        caption=run,
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("")
    if named:
        table.add_column("Phase")
    table.add_column("Until,\nµs", justify="right")
    table.add_column("Trans-\nlation")
    table.add_column("Disk sees\nmemory", no_wrap=True)
    for heading in ("Space\nswitches", "Mapped\nranges", "Faults", "Bytes\nverified"):
        table.add_column(heading, justify="right")
    table.add_column("Result")
    for number, phase in enumerate(phases, 1):
        table.add_row(*_cells(number, phase, named=named))
    return table


def _cells(number: int, phase: Phase, *, named: bool) -> Iterator[Text]:
    yield Text(str(number))
    if named:
        yield Text.assemble((phase.title, "bold"), "\n", phase.outcome)
    yield Text(f"{phase.ended_ns / 1000:.1f}")
    yield Text("on" if phase.translation else "off")
    yield Text("remapped" if phase.remapped else "as it is")
    yield Text(str(phase.switches))
    yield Text(str(phase.mappings))
    yield Text(str(len(phase.blocked)), "red" if phase.blocked else "")
    yield Text(f"{phase.verified:,}")
    yield Text("passed", "green") if phase.passed else Text("FAILED", "bold red")


def _fault_table(phases: Sequence[Phase]) -> Table:
    table = Table(
        title="Blocked requests of the disk",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title_justify="left",
    )
    for heading in ("Phase", "At, µs", "Request", "Condition"):
        table.add_column(heading)
    for number, phase in enumerate(phases, 1):
        for request in phase.blocked:
            table.add_row(
                str(number),
                f"{request.at_ns / 1000:.2f}",
                f"{request.kind} at {request.address:#x}",
                f"{request.condition}: {request.text}",
            )
    return table


def _success(phases: Sequence[Phase]) -> Text:
    verified = sum(phase.verified for phase in phases)
    switches = sum(phase.switches for phase in phases)
    return Text.assemble(
        ("Passed", "bold green"),
        ": reset with remapping on, the machine booted from its disk again. "
        f"{verified:,} bytes verified, {switches} address-space switches.",
    )


def _failure(number: int, phase: Phase) -> Text:
    why = ""
    if phase.remapped and not phase.translation:
        why = (
            "\nWhy: translation is off, but the disk's address space was not refreshed: it is "
            f"still remapped, with {phase.mappings or 'no'} mapped ranges, and DMA is blocked."
        )
    return Text.assemble(
        ("FAILED", "bold red"), f" in phase {number}, {phase.title.lower()}: {phase.outcome}.{why}"
    )
