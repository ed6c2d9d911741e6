"""`vtd coverage` merges what runs saved, prints it, and writes it elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from tests.iommu.bench import IOVA, Mapped
from vtd_plugin import VtdConfig
from vtd_plugin.cli import app
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.bins import REQUESTS

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

RUNNER = CliRunner()


def _run(*arguments: object) -> Result:
    return RUNNER.invoke(app, ["coverage", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two runs: one reads, the other writes."""
    paths = [tmp_path / "read.json", tmp_path / "write.json"]
    for path in paths:
        bench = Mapped()
        coverage = Coverage(bench.platform)
        if path.stem == "read":
            bench.port().read(IOVA, 8)
        else:
            bench.port().write(IOVA, bytes(8))
        coverage.save(path)
    return paths


def _kinds(output: str) -> list[str]:
    (line,) = [line for line in output.splitlines() if "requests.kind " in line]
    return line.split()


def test_one_file_is_printed(files: list[Path]) -> None:
    result = _run(files[0])
    assert result.exit_code == 0
    assert _kinds(result.stdout) == ["requests.kind", "1", "6", "16.7", "0", "0"]
    assert "Holes" not in result.stdout


def test_several_files_are_merged(files: list[Path]) -> None:
    assert _kinds(_run(*files).stdout) == ["requests.kind", "2", "6", "33.3", "0", "0"]


def test_a_folder_means_all_coverage_files_in_it(files: list[Path], tmp_path: Path) -> None:
    nested = tmp_path / "night" / "seed-2"
    nested.mkdir(parents=True)
    files[1].rename(nested / "write.json")
    (tmp_path / "waves.trace.json").write_text("[")  # a timeline, of a run that was ended
    (tmp_path / "waves.fst").write_bytes(b"\0")
    result = _run(tmp_path)
    assert result.exit_code == 0
    assert _kinds(result.stdout) == ["requests.kind", "2", "6", "33.3", "0", "0"]
    assert "Functional coverage of 2 files" in result.stdout


def test_files_and_folders_may_be_named_together(files: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    files[1].rename(folder / "write.json")
    assert _kinds(_run(files[0], folder).stdout) == ["requests.kind", "2", "6", "33.3", "0", "0"]


def test_a_file_that_is_named_twice_counts_once(files: list[Path], tmp_path: Path) -> None:
    merged = tmp_path / "out" / "all.json"
    merged.parent.mkdir()
    assert _run(tmp_path, files[0], "--json", merged).exit_code == 0
    assert set(Coverage.load(merged).hits[REQUESTS.name].values()) == {1}


def test_what_is_saved_into_a_folder_is_not_merged_from_it_again(
    files: list[Path], tmp_path: Path
) -> None:
    merged = tmp_path / "merged.json"
    for _ in range(2):
        assert _run(files[0].parent, "--json", merged).exit_code == 0
    assert set(Coverage.load(merged).hits[REQUESTS.name].values()) == {1}


def test_a_folder_without_coverage_is_an_error(tmp_path: Path) -> None:
    result = _run(tmp_path)
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path}: no .json file with coverage in this folder\n"


def test_every_broken_file_of_a_folder_is_named_with_its_reason(
    files: list[Path], tmp_path: Path
) -> None:
    text = files[0].read_text()
    broken = {
        "cut.json": (text[:-20], "no JSON: Expecting"),
        "empty.json": ("", "no JSON: Expecting value: line 1 column 1 (char 0)"),
        "old.json": (
            text.replace('"version": 3', '"version": 1'),
            "format version 1; this program reads version 3",
        ),
        "other.json": ("{}", "no saved functional coverage"),
    }
    for name, (content, _) in broken.items():
        (tmp_path / name).write_text(content)
    result = _run(tmp_path)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) == len(broken)
    for line, (name, (_, reason)) in zip(lines, broken.items(), strict=True):
        assert line.startswith(f"error: {tmp_path / name}: {reason}")
    assert not result.stdout


def test_holes_are_listed_one_a_line(files: list[Path]) -> None:
    lines = _run("--holes", *files).stdout.splitlines()
    assert "  requests.kind: atomic" in lines
    assert "  requests.kind: write" not in lines


def test_the_merged_coverage_can_be_saved_and_exported(files: list[Path], tmp_path: Path) -> None:
    merged, xml = tmp_path / "all.json", tmp_path / "all.xml"
    assert _run(*files, "--json", merged, "--xml", xml).exit_code == 0
    assert {each[0] for each in Coverage.load(merged).hits[REQUESTS.name]} == {"read", "write"}
    point = ET.parse(xml).getroot().find("vtd/requests/kind")  # noqa: S314 - our own
    assert point is not None
    assert point.get("coverage") == "2"


@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_cannot_be_read_is_named(files: list[Path], there: bool) -> None:
    path = files[0].with_name("other.json")
    if there:
        path.write_text("{}")
    result = _run(files[0], path)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "other.json: " in result.stderr
    assert not result.stdout


@pytest.mark.parametrize("option", ["--xml", "--json"])
def test_a_file_that_cannot_be_written_is_named(files: list[Path], option: str) -> None:
    path = files[0].parent / "nowhere" / "out"
    result = _run(files[0], option, path)
    assert result.exit_code == 2
    assert result.stderr == f"error: {path}: No such file or directory\n"


@pytest.mark.parametrize("option", ["--xml", "--json"])
def test_a_file_for_which_there_is_no_space_is_named(files: list[Path], option: str) -> None:
    result = _run(files[0], option, "/dev/full")
    assert result.exit_code == 2
    assert result.stderr == "error: /dev/full: No space left on device\n"


def test_a_hit_that_cannot_be_is_an_error(files: list[Path]) -> None:
    document = json.loads(files[0].read_text())
    impossible = {"kind": "function", "order": "units only"}
    document["bins"].append({"group": "resets", "bin": impossible, "hits": 1})
    files[0].write_text(json.dumps(document))
    result = _run(files[0])
    assert result.exit_code == 1
    assert f"  {files[0]}: resets: function, units only: hit 1 times" in result.stdout


# --- what does not count


def test_what_no_unit_can_hit_is_listed_with_the_capability(files: list[Path]) -> None:
    lines = _run("--excluded", *files).stdout.splitlines()
    assert "  requests.tables: nested: needs ECAP.NEST" in lines
    assert "  interrupts.fate: posted, no notification: needs ECAP.IR and CAP.PI" in lines
    assert not [line for line in lines if "requests.cross: read, nested" in line]


def test_what_a_unit_cannot_have_hit_is_an_error_whatever_other_units_can(
    files: list[Path], tmp_path: Path
) -> None:
    document = json.loads(files[0].read_text())
    posted = {"format": "remappable", "entry": "cached", "fate": "remapped"}
    document["bins"].append({"group": "interrupts", "bin": posted, "hits": 1})
    files[0].write_text(json.dumps(document))
    bench = Mapped(VtdConfig(IR=1))
    Coverage(bench.platform).save(tmp_path / "remapping.json")
    result = _run(tmp_path)
    assert result.exit_code == 1
    assert (
        f"  {files[0]}: interrupts: remappable, cached, remapped: hit 1 times, "
        "but no unit has what it needs: ECAP.IR" in result.stdout
    )


def test_waived_bins_do_not_count(files: list[Path], tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.toml"
    waivers.write_text('[waivers]\n"requests.kind: *atomic" = "none in this design"\n')
    result = _run(*files, "--waivers", waivers, "--holes", "--excluded")
    assert result.exit_code == 0
    assert _kinds(result.stdout) == ["requests.kind", "2", "5", "40.0", "0", "1"]
    assert "  requests.kind: atomic: waived: none in this design" in result.stdout.splitlines()
    assert "  requests.kind: atomic" not in result.stdout.splitlines()
    assert "Waived, but hit" not in result.stdout


def test_a_waiver_of_what_was_hit_is_told(files: list[Path], tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.toml"
    waivers.write_text('[waivers]\n"requests.kind: write" = "it only reads"\n')
    result = _run(*files, "--waivers", waivers)
    assert result.exit_code == 0
    assert "Waived, but hit:\n  requests.kind: write: hit 1 times; waived: it only reads" in (
        result.stdout
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[waivers]\n"requests.kind: fetch" = "so"', "no bin matches 'requests.kind: fetch'"),
        ('[waivers]\n"requests.kind: read" = ""', "'requests.kind: read' has no reason, but ''"),
        ('[waivers]\n"requests.kind: read" = 1', "'requests.kind: read' has no reason, but 1"),
        ('[waiver]\n"requests.kind: read" = "so"', "a waiver file has one table, [waivers]"),
        ("waivers", "no TOML: "),
    ],
)
def test_a_waiver_file_that_means_nothing_is_an_error(
    files: list[Path], tmp_path: Path, text: str, message: str
) -> None:
    waivers = tmp_path / "waivers.toml"
    waivers.write_text(text)
    result = _run(*files, "--waivers", waivers)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {waivers}: {message}")


def test_a_waiver_file_that_is_not_there_is_named(files: list[Path], tmp_path: Path) -> None:
    result = _run(*files, "--waivers", tmp_path / "none.toml")
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path / 'none.toml'}: No such file or directory\n"
