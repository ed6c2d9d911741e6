"""Replaying recorded cases: what is done, what is compared, and what is no case at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from vtd_plugin.encodings.registers import GCMD, GSTS, RTADDR
from vtd_plugin.inspect.replay import Mismatch, VectorError, replay

if TYPE_CHECKING:
    from pathlib import Path

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
LOAD = {"op": "dma.load", "bdf": "00:03.0", "iova": "0x8000", "size": "0x4", "buf": "0x10"}
STORE = {"op": "dma.store", "bdf": "00:03.0", "iova": "0x9000", "size": "0x4", "buf": "0x10"}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return tmp_path / "case.jsonl"


def write(case: Path, *steps: dict[str, Any] | str, header: Any = HEADER) -> Path:
    lines = [step if isinstance(step, str) else json.dumps(step) for step in (header, *steps)]
    case.write_text("\n".join(lines) + "\n")
    return case


def memory(address: int, expected: str) -> dict[str, Any]:
    size = len(expected) // 2
    return {"op": "mem.read", "addr": hex(address), "size": hex(size), "expect": expected}


def test_a_case_that_comes_out_as_recorded_passes(case: Path) -> None:
    outcome = replay(write(case, VERSION, VERSION))
    assert (outcome.passed, outcome.steps, outcome.name) == (True, 2, "small")
    assert outcome.path == case


def test_a_difference_names_line_step_and_both_values(case: Path) -> None:
    outcome = replay(write(case, VERSION, VERSION | {"expect": "0x40"}))
    assert outcome.mismatches == [Mismatch(3, "reg.read 0x0", "0x40", "0x50")]
    assert str(outcome.mismatches[0]) == "line 3: reg.read 0x0: expected 0x40, got 0x50"
    assert not outcome.passed


def test_every_difference_is_reported(case: Path) -> None:
    wrong = VERSION | {"expect": "0x1"}
    outcome = replay(write(case, wrong, VERSION, wrong))
    assert [mismatch.line for mismatch in outcome.mismatches] == [2, 4]


def test_bits_outside_the_mask_are_not_compared(case: Path) -> None:
    assert replay(write(case, VERSION | {"expect": "0x5f", "mask": "0xf0"})).passed


def test_dma_goes_through_the_buffer_of_the_device(case: Path) -> None:
    put = {"op": "mem.write", "addr": "0x8000", "data": "11223344"}
    assert replay(write(case, put, LOAD, STORE, memory(0x9000, "11223344"))).passed


def test_memory_can_be_filled(case: Path) -> None:
    fill = {"op": "mem.fill", "addr": "0x8000", "size": "0x3", "byte": "0xab"}
    assert replay(write(case, fill, memory(0x8000, "ababab00"))).passed


def test_a_difference_in_memory_shows_the_bytes(case: Path) -> None:
    outcome = replay(write(case, memory(0x8000, "01")))
    assert outcome.mismatches == [Mismatch(2, "mem.read 0x8000", "01", "00")]


def _register(layout: type[GCMD | RTADDR], value: int) -> dict[str, Any]:
    size = layout.BITS // 8
    return {
        "op": "reg.write",
        "offset": hex(layout.OFFSET),  # type: ignore[arg-type]
        "size": hex(size),
        "value": hex(value),
    }


def _status(expected: int) -> dict[str, Any]:
    return {"op": "reg.read", "offset": "0x1c", "size": "0x4", "expect": hex(expected)}


def test_register_writes_are_obeyed_and_a_reset_undoes_them(case: Path) -> None:
    outcome = replay(
        write(
            case,
            _register(RTADDR, 0x10000),
            _register(GCMD, GCMD.pack(SRTP=1)),
            _register(GCMD, GCMD.pack(TE=1)),
            _status(GSTS.pack(TES=1, RTPS=1)),
            {"op": "reset", "kind": "system"},
            _status(0),
        )
    )
    assert outcome.mismatches == []


def test_a_message_is_compared_field_by_field(case: Path) -> None:
    expected = {
        "vector": "0x41",
        "delivery_mode": 0,
        "trigger_mode": 0,
        "dest_mode": 0,
        "redir_hint": 0,
        "dest": "0x3",
    }
    message = {"op": "msi", "bdf": "00:03.0", "addr": "0xfee03000", "data": "0x41"}
    assert replay(write(case, message | {"expect": expected})).passed
    assert not replay(write(case, message | {"expect": expected | {"dest": "0x4"}})).passed
    assert not replay(write(case, message | {"expect": None})).passed


def test_empty_lines_are_no_steps(case: Path) -> None:
    outcome = replay(write(case, "", VERSION, ""))
    assert (outcome.steps, outcome.passed) == (1, True)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        pytest.param("{", r"case\.jsonl:2: not JSON", id="not-json"),
        pytest.param("[1]", r"case\.jsonl:2: \[1\] is no object", id="no-object"),
        pytest.param({"op": "dance"}, r"no step 'dance'; there are mem\.write", id="unknown-step"),
        pytest.param({}, "no step 'None'", id="no-step"),
        pytest.param({"op": "mem.read"}, r":2: mem\.read: KeyError\('addr'\)", id="part-missing"),
        pytest.param(VERSION | {"size": "wide"}, "invalid literal", id="no-number"),
        pytest.param(VERSION | {"size": "0x3"}, "access of 3 bytes", id="no-such-access"),
        pytest.param(LOAD | {"bdf": "00:09.0"}, r"KeyError\('00:09\.0'\)", id="unknown-device"),
        pytest.param(LOAD | {"size": "0xfff"}, "not within 0x1000 bytes", id="past-the-buffer"),
        pytest.param({"op": "reset", "kind": "soft"}, "reset of kind 'soft'", id="other-reset"),
    ],
)
def test_a_step_the_format_does_not_have_is_refused_with_its_line(
    case: Path, step: dict[str, Any] | str, message: str
) -> None:
    with pytest.raises(VectorError, match=message):
        replay(write(case, step))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        pytest.param({"name": "x"}, r"no header .*vtd_vector is None", id="no-header"),
        pytest.param(HEADER | {"vtd_vector": 2}, "vtd_vector is 2", id="other-format"),
        pytest.param({"vtd_vector": 1}, "does not describe a unit", id="no-unit"),
        pytest.param(HEADER | {"config": {}}, r"KeyError\('ver'\)", id="no-registers"),
        pytest.param(HEADER | {"devices": [{}]}, r"KeyError\('bdf'\)", id="no-requester-id"),
        pytest.param(HEADER | {"devices": [{"bdf": "x"}]}, "describe a unit", id="bad-requester"),
    ],
)
def test_a_file_that_is_no_case_is_refused(
    case: Path, header: dict[str, Any], message: str
) -> None:
    with pytest.raises(VectorError, match=message):
        replay(write(case, header=header))


def test_an_empty_file_is_no_case(case: Path) -> None:
    case.write_text("")
    with pytest.raises(VectorError, match="no header"):
        replay(case)


def test_a_file_of_other_bytes_is_no_case(case: Path) -> None:
    case.write_bytes(b"\xff\xfe\n")
    with pytest.raises(VectorError, match=r":1: not JSON"):
        replay(case)
