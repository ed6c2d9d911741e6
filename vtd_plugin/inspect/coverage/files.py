"""Functional coverage in files: JSON that can be read again, and the XML of cocotb-coverage."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET

from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.inspect.coverage.bins import COVERGROUPS
from vtd_plugin.inspect.coverage.model import CROSS
from vtd_plugin.inspect.coverage.report import coverpoints, percent, sums

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vtd_plugin.inspect.coverage.model import Bin, Covergroup
    from vtd_plugin.inspect.coverage.report import Counted
    from vtd_plugin.inspect.coverage.scope import Coverpoint
    from vtd_plugin.inspect.coverage.waivers import Waiver

_FORMAT: Final = "vtd-plugin functional coverage"
_VERSION: Final = 3
_UNIT: Final = ("VER", "CAP", "ECAP", "HAW")
_XML_ROOT: Final = "top"
_XML_NODE: Final = "vtd"

# --- JSON


def write_json(counted: Counted, path: Path) -> None:
    """Write what `read_json` reads: an object for each unit, and for each bin that was hit."""
    units = sorted(
        (_unit_object(unit) for unit in counted.units), key=lambda unit: sorted(unit.items())
    )
    bins = [
        {"group": group.name, "bin": _by_axis(group, each), "hits": count}
        for group in COVERGROUPS
        for each, count in sorted(counted.hits.get(group.name, {}).items())
    ]
    document = {"format": _FORMAT, "version": _VERSION, "units": units, "bins": bins}
    path.write_text(json.dumps(document, indent=1) + "\n")


def _unit_object(unit: Capabilities) -> dict[str, str]:
    values = (f"{unit.version:#x}", f"{unit.cap:#x}", f"{unit.ecap:#x}", str(unit.haw))
    return dict(zip(_UNIT, values, strict=True))


def _by_axis(group: Covergroup, values: Bin) -> dict[str, str]:
    return dict(zip((axis.name for axis in group.axes), values, strict=True))


def read_json(path: Path) -> tuple[dict[str, Counter[Bin]], frozenset[Capabilities]]:
    """Read how often each bin was hit, and which units were observed.

    Raises:
        ValueError: The file is no saved coverage, or has bins that this version does not.
        OSError: The file cannot be read.
    """
    document = _document(path)
    hits: dict[str, Counter[Bin]] = {group.name: Counter() for group in COVERGROUPS}
    for number, row in enumerate(document["bins"], 1):
        try:
            group, values, count = _bin(row)
        except ValueError as error:
            raise ValueError(f"{path}: bin {number}: {error}") from error
        hits[group.name][values] += count
    units = set()
    for number, row in enumerate(document["units"], 1):
        try:
            units.add(_unit(row))
        except ValueError as error:
            raise ValueError(f"{path}: unit {number}: {error}") from error
    return hits, frozenset(units)


def _document(path: Path) -> dict[str, Any]:
    """What a file says, as far as all such files are alike."""
    try:
        document = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ValueError(f"{path}: no saved functional coverage")
    if document.get("version") != _VERSION:
        version = document.get("version")
        raise ValueError(f"{path}: format version {version}; this program reads version {_VERSION}")
    for name in ("units", "bins"):
        if not isinstance(document.get(name), list):
            raise ValueError(f"{path}: {name!r} is no list")  # noqa: TRY004
    return document


def _unit(row: object) -> Capabilities:
    """The capabilities that a row of a file means."""
    try:
        version, cap, ecap, haw = (int(row[name], 0) for name in _UNIT)  # type: ignore[index]
        return Capabilities(version, cap, ecap, haw)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(f"{row!r} is no object with {', '.join(_UNIT)}: {error}") from error


def _bin(row: object) -> tuple[Covergroup, Bin, int]:
    """The bin that a row of a file means, and its hits."""
    if not isinstance(row, dict) or not isinstance(row.get("bin"), dict) or "hits" not in row:
        raise ValueError(f"{row!r} is no object with 'group', 'bin' and 'hits'")
    name, by_axis, hits = row.get("group"), row["bin"], row["hits"]
    if not isinstance(hits, int) or isinstance(hits, bool) or hits < 0:
        raise ValueError(f"hits are {hits!r}, not a number from 0")
    for group in COVERGROUPS:
        if name == group.name and by_axis.keys() == {axis.name for axis in group.axes}:
            values = tuple(by_axis[axis.name] for axis in group.axes)
            if all(value in axis.bins for axis, value in zip(group.axes, values, strict=True)):
                return group, values, hits
    raise ValueError(f"there is no bin {by_axis} in a covergroup {name!r}")


# --- the XML of cocotb-coverage


def write_xml(counted: Counted, path: Path, waivers: Sequence[Waiver] = ()) -> None:
    """Write what ``coverage_db.export_to_xml`` of cocotb-coverage would: it can be merged there.

    Bins that do not count are not in it, nor are coverpoints without any that do. A bin has the
    same name in every file, whether or not those before it are there.
    """
    points = [point for point in coverpoints(counted, waivers) if point.hits]
    root = ET.Element(_XML_ROOT, _summary(_XML_ROOT, points))
    node = _child(root, _XML_NODE, points)
    for group in COVERGROUPS:
        own = [point for point in points if point.group is group]
        if not own:
            continue
        parent = _child(node, group.name, own)
        for point in own:
            element = _child(parent, point.name, [point])
            element.attrib |= {"weight": "1", "at_least": "1"}
            _add_bins(element, point)
    ET.indent(root)
    ET.ElementTree(root).write(path)


def _child(parent: ET.Element, name: str, points: Sequence[Coverpoint]) -> ET.Element:
    return ET.SubElement(parent, name, _summary(f"{parent.get('abs_name')}.{name}", points))


def _summary(abs_name: str, points: Sequence[Coverpoint]) -> dict[str, str]:
    covered, size = sums(points)
    return {
        "size": str(size),
        "coverage": str(covered),
        "cover_percentage": str(percent(covered, size)),
        "abs_name": abs_name,
    }


def _add_bins(element: ET.Element, point: Coverpoint) -> None:
    for number, values in enumerate(point.group.bins_of(point.name)):
        if values not in point.hits:
            continue
        name, hits = f"bin{number}", str(point.hits[values])
        text = values[0] if point.name != CROSS else str(values)
        abs_name = f"{element.get('abs_name')}.{name}"
        ET.SubElement(element, name, {"bin": text, "hits": hits, "abs_name": abs_name})
