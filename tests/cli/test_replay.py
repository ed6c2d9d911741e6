"""`vtd replay` names what differs, sums up, and says by its exit status how it went."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from vtd_plugin.cli import app

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

RUNNER = CliRunner()

HEADER: dict[str, Any] = {
    "vtd_vector": 1,
    "name": "small",
    "config": {
        "ver": "0x50",
        "cap": "0xd2008c40660462",
        "ecap": "0xf00f4a",
        "haw": "0x27",
        "ram_size": "0x100000",
    },
    "devices": [{"bdf": "00:03.0"}],
}
VERSION = {"op": "reg.read", "offset": "0x0", "size": "0x4", "expect": "0x50"}
WRONG_VERSION = VERSION | {"expect": "0x40"}


def _case(path: Path, *steps: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in (HEADER, *steps)))
    return path


def _replay(*paths: Path) -> Result:
    return RUNNER.invoke(app, ["replay", *map(str, paths)])


def test_cases_that_pass_are_counted_in_the_last_line(tmp_path: Path) -> None:
    result = _replay(_case(tmp_path / "a.jsonl", VERSION), _case(tmp_path / "b.jsonl", VERSION))
    assert result.stdout == "2 passed, 0 failed\n"
    assert result.exit_code == 0


def test_every_mismatch_is_one_line_with_file_line_and_both_values(tmp_path: Path) -> None:
    case = _case(tmp_path / "a.jsonl", WRONG_VERSION, VERSION, WRONG_VERSION)
    result = _replay(case)
    assert result.stdout.splitlines() == [
        f"{case}: line 2: reg.read 0x0: expected 0x40, got 0x50",
        f"{case}: line 4: reg.read 0x0: expected 0x40, got 0x50",
        "0 passed, 1 failed",
    ]
    assert result.exit_code == 1


def test_folders_are_replayed_with_all_below_them(tmp_path: Path) -> None:
    _case(tmp_path / "area" / "a.jsonl", VERSION)
    _case(tmp_path / "area" / "deep" / "b.jsonl", VERSION)
    (tmp_path / "area" / "notes.md").write_text("no case")
    result = _replay(tmp_path / "area")
    assert result.stdout == "2 passed, 0 failed\n"


def test_many_cases_show_no_progress_where_there_is_no_terminal(tmp_path: Path) -> None:
    for number in range(60):
        _case(tmp_path / f"{number}.jsonl", VERSION)
    result = _replay(tmp_path)
    assert result.output == "60 passed, 0 failed\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF\xff\xfe\x00",
        b"not json\n",
        b"[1, 2]\n",
        b"[" * 100_000 + b"\n",
        b'{"vtd_vector": 2}\n',
        b'{"vtd_vector": 1}\n',
        b'{"vtd_vector": 1, "config": "q35", "devices": []}\n',
    ],
    ids=[
        "empty",
        "binary",
        "no-json",
        "no-object",
        "nested-without-end",
        "other-format",
        "no-config",
        "config-is-text",
    ],
)
def test_a_file_that_is_no_case_is_named_and_no_mismatch(tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(content)
    result = _replay(bad, _case(tmp_path / "good.jsonl", VERSION))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {bad}")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == "1 passed, 0 failed\n"


def test_a_malformed_step_is_named_by_file_line_and_what_is_allowed(tmp_path: Path) -> None:
    bad = _case(tmp_path / "bad.jsonl", VERSION, VERSION | {"op": "reg.peek"})
    result = _replay(bad, _case(tmp_path / "good.jsonl", VERSION))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {bad}:3: there is no step 'reg.peek'; there are ")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == "1 passed, 0 failed\n"


@pytest.mark.parametrize("name", ["missing.jsonl", "folder-without-cases"])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder-without-cases").mkdir()
    result = _replay(tmp_path / name)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {tmp_path / name}: ")
    assert result.stdout == "0 passed, 0 failed\n"


def test_an_unusable_file_outweighs_a_mismatch_in_the_exit_status(tmp_path: Path) -> None:
    result = _replay(tmp_path / "missing.jsonl", _case(tmp_path / "a.jsonl", WRONG_VERSION))
    assert result.exit_code == 2
    assert result.stdout.splitlines()[-1] == "0 passed, 1 failed"


def test_nothing_to_replay_is_a_usage_error() -> None:
    result = _replay()
    assert result.exit_code == 2
    assert "files" in result.stderr
