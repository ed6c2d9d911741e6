"""A unit in front of RTL, inside a cocotb test: what it does, in waveforms, timelines and coverage.

One call, `record`, and the files `SOURCES` in the build. `hdl_bridge` has what puts the unit there.
This room needs cocotb (the extra ``sim``), and nothing else of the library needs this room.
"""

from vtd_plugin.cosim.recording import COVERAGE_FOLDER, SOURCES, record, timeline_beside
from vtd_plugin.cosim.unit_probe import NOTE_BYTES, UnitProbe

__all__ = [
    "COVERAGE_FOLDER",
    "NOTE_BYTES",
    "SOURCES",
    "UnitProbe",
    "record",
    "timeline_beside",
]
