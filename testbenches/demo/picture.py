"""Drawing the waveforms of the demo, as a picture for documents.

One panel for each file, under one time axis: the signals that tell the story, unit and RTL side by
side. To look around in waveforms, open them in a viewer. The documentation's pictures are made by::

    vtd demo --svg docs/images/demo.svg
    vtd demo --bug no-refresh-on-reset --svg docs/images/demo-bug.svg
    python -m testbenches.demo.picture docs/images/demo-waves.svg build/demo*.fst
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from testbenches.demo.waves import Change, Waves

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BITS: Final = (
    ("rst", "RTL: rst"),
    ("m_axi_arvalid", "RTL: m_axi_arvalid"),
    ("m_axi_awvalid", "RTL: m_axi_awvalid"),
    ("unit.translation", "unit: GSTS.TES"),
    ("probe.remapped", "disk: remapped"),
)
NUMBERS: Final = (("probe.mappings", "disk: mapped ranges"), ("probe.faults", "disk: faults"))

LABELS: Final = 170
PLOT: Final = 900
LANE: Final = 26
HIGH: Final = 16
MARGIN: Final = 14
CHARACTER: Final = 7.3

STYLE: Final = """
text { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; fill: #24292f }
.title { font-weight: bold }
.wave { fill: none; stroke: #0969da; stroke-width: 1.2 }
.box { fill: #ddf4ff; stroke: #0969da }
.phase { fill: #eaeef2; stroke: #8c959f }
.grid { stroke: #d0d7de; stroke-dasharray: 2 3 }
"""


def main(arguments: Sequence[str]) -> int:
    """Draw; the arguments are the picture to write, and the waveforms in it."""
    if len(arguments) < 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    out, *files = map(Path, arguments)
    out.write_text(draw([(file.stem, Waves(file)) for file in files]))
    return 0


def draw(panels: Sequence[tuple[str, Waves]]) -> str:
    """An SVG picture.

    Args:
        panels: The title and the waveforms of each panel.
    """
    end_ns = max(waves.changes("clk")[-1].at_ns for _, waves in panels)
    body: list[str] = []
    top = MARGIN
    for title, waves in panels:
        panel = _Panel(waves, end_ns, top)
        body += panel.draw(title)
        top = panel.bottom + MARGIN
    body += _axis(end_ns, top)
    width, height = LABELS + PLOT + 2 * MARGIN, top + LANE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">\n<style>{STYLE}</style>\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _x(at_ns: float, end_ns: float) -> float:
    return round(MARGIN + LABELS + PLOT * at_ns / end_ns, 1)


def _axis(end_ns: float, top: int) -> Iterator[str]:
    for at_us in range(0, int(end_ns / 1000) + 1, 25):
        x = _x(at_us * 1000, end_ns)
        yield f'<text x="{x}" y="{top + 6}" text-anchor="middle">{at_us} µs</text>'


class _Panel:
    """The lanes of one file."""

    def __init__(self, waves: Waves, end_ns: float, top: int) -> None:
        self._waves = waves
        self._end_ns = end_ns
        self._last_ns = waves.changes("clk")[-1].at_ns
        self._top = top
        self.bottom = top + LANE * (2 + len(BITS) + len(NUMBERS)) + HIGH

    def draw(self, title: str) -> Iterator[str]:
        y = self._top + HIGH
        yield f'<text class="title" x="{MARGIN}" y="{y}">{escape(title)}</text>'
        notes = self._waves.notes()
        for at_ns, _ in notes:
            x = self._x(at_ns)
            yield f'<line class="grid" x1="{x}" y1="{y + 8}" x2="{x}" y2="{self.bottom}"/>'
        lane = self._top + LANE
        yield from self._phases(lane, notes)
        lane += HIGH
        for name, label in BITS:
            lane += LANE
            yield from self._wave(lane, label, self._waves.changes(name))
        for name, label in NUMBERS:
            lane += LANE
            values = [(each.at_ns, str(each.value)) for each in self._waves.changes(name)]
            yield from self._values(lane, label, values)

    def _x(self, at_ns: float) -> float:
        return _x(at_ns, self._end_ns)

    def _label(self, lane: int, label: str) -> str:
        return f'<text x="{MARGIN}" y="{lane + HIGH - 3}">{escape(label)}</text>'

    def _wave(self, lane: int, label: str, changes: Sequence[Change]) -> Iterator[str]:
        yield self._label(lane, label)
        level = lane + HIGH
        path = [f"M{self._x(0)} {level}"]
        drawn = set()
        for change in changes:
            x = self._x(change.at_ns)
            level = lane + (0 if change.value else HIGH)
            # Bursts are far narrower than what can be seen: one line at each place is enough.
            if (x, level) not in drawn:
                drawn.add((x, level))
                path.append(f"H{x}V{level}")
        yield f'<path class="wave" d="{"".join(path)}H{self._x(self._last_ns)}"/>'

    def _phases(self, lane: int, notes: Sequence[tuple[float, str]]) -> Iterator[str]:
        """The number of each phase, and below it its name, which is wider."""
        yield self._label(lane, "phase")
        for x, width, note in self._boxes(notes):
            yield f'<rect class="phase" x="{x}" y="{lane}" width="{width}" height="{2 * HIGH}"/>'
            for line, word in enumerate(note.split(), 1):
                yield self._text(x, width, lane + line * HIGH - 4, word)

    def _values(self, lane: int, label: str, values: Sequence[tuple[float, str]]) -> Iterator[str]:
        yield self._label(lane, label)
        for x, width, value in self._boxes(values):
            yield f'<rect class="box" x="{x}" y="{lane}" width="{width}" height="{HIGH}"/>'
            yield self._text(x, width, lane + HIGH - 4, value)

    def _boxes(self, values: Sequence[tuple[float, str]]) -> Iterator[tuple[float, float, str]]:
        """Where each value begins, how wide it is, and its text."""
        ends = [at_ns for at_ns, _ in values[1:]] + [self._last_ns]
        for (at_ns, text), end_ns in zip(values, ends, strict=True):
            x = self._x(at_ns)
            yield x, round(self._x(end_ns) - x, 1), text

    @staticmethod
    def _text(x: float, width: float, y: int, text: str) -> str:
        if width < CHARACTER * len(text) + 3:
            return ""
        return f'<text x="{x + 3}" y="{y}">{escape(text)}</text>'


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
