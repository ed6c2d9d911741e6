"""Replaying recorded cases: what is done, what is compared, and what is no case at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from vtd_plugin.encodings.registers import GCMD, GSTS, RTADDR
from vtd_plugin.inspect.replay import Mismatch, replay
from vtd_plugin.inspect.vector import VectorError

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
MESSAGE = {"op": "msi", "bdf": "00:03.0", "addr": "0xfee03000", "data": "0x41"}


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
        "delivery_mode": "0x0",
        "trigger_mode": "0x0",
        "dest_mode": "0x0",
        "redir_hint": "0x0",
        "dest": "0x3",
    }
    assert replay(write(case, MESSAGE | {"expect": expected})).passed
    assert not replay(write(case, MESSAGE | {"expect": expected | {"dest": "0x4"}})).passed
    assert not replay(write(case, MESSAGE | {"expect": None})).passed


def test_empty_lines_are_no_steps(case: Path) -> None:
    outcome = replay(write(case, "", VERSION, ""))
    assert (outcome.steps, outcome.passed) == (1, True)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        pytest.param("{", "not JSON: Expecting property name .* at column 2", id="not-json"),
        pytest.param("[1]", r"\[1\] is no object", id="no-object"),
        pytest.param({"op": "dance"}, r"no step 'dance'; there are mem\.write", id="unknown-step"),
        pytest.param({}, "'op' is missing", id="no-step"),
        pytest.param({"op": 5}, "'op' is 5, not text", id="step-is-no-text"),
        pytest.param(
            {k: v for k, v in VERSION.items() if k != "expect"},
            r"reg\.read: 'expect' is missing",
            id="part-missing",
        ),
        pytest.param(
            VERSION | {"size": "wide"},
            "'size' is \"wide\", not a hexadecimal number",
            id="no-number",
        ),
        pytest.param(VERSION | {"size": 4}, 'is 4, not .* such as "0x1f"', id="number-is-no-text"),
        pytest.param(VERSION | {"offset": "-0x4"}, "'offset' is \"-0x4\"", id="negative"),
        pytest.param(VERSION | {"size": "0x3"}, "access of 3 bytes", id="no-such-access"),
        pytest.param(
            {"op": "mem.write", "addr": "0x0", "data": "012"}, "not bytes as pairs", id="no-bytes"
        ),
        pytest.param(
            {"op": "mem.fill", "addr": "0x0", "size": "0x1", "byte": "0x100"},
            "'byte' is \"0x100\", not a number of 8 bits",
            id="too-wide",
        ),
        pytest.param(
            {"op": "mem.fill", "addr": "0x0", "size": "0x1" + 20 * "0", "byte": "0x0"},
            r"more than the 0x100000 of the RAM",
            id="more-than-there-is",
        ),
        pytest.param(
            LOAD | {"bdf": "00:09.0"},
            r"no device '00:09\.0'; the header has 00:03\.0",
            id="unknown-device",
        ),
        pytest.param(LOAD | {"size": "0xff1"}, "not within the 0x1000", id="past-the-buffer"),
        pytest.param({"op": "reset", "kind": "soft"}, "a recorded reset is 'system'", id="reset"),
        pytest.param(MESSAGE | {"expect": "0x0"}, "msi: 'expect' .* not an object", id="no-fields"),
        pytest.param(MESSAGE | {"expect": {}}, "msi: expect: 'vector' is missing", id="no-vector"),
    ],
)
def test_a_step_the_format_does_not_have_is_refused_with_its_line(
    case: Path, step: dict[str, Any] | str, message: str
) -> None:
    with pytest.raises(VectorError, match=rf"^\S+/case\.jsonl:2: .*{message}"):
        replay(write(case, step))


def _with_config(**parts: object) -> dict[str, Any]:
    return HEADER | {"config": HEADER["config"] | parts}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        pytest.param({"name": "x"}, "no header of a vector", id="no-header"),
        pytest.param(HEADER | {"vtd_vector": 2}, "'vtd_vector': 1", id="other-format"),
        pytest.param({"vtd_vector": 1}, "'config' is missing", id="no-unit"),
        pytest.param(HEADER | {"config": "q35"}, "'config' is \"q35\", not an object", id="text"),
        pytest.param(HEADER | {"config": {"ver": "0x50"}}, "config: '.*' is missing", id="no-cap"),
        pytest.param(_with_config(haw=39), "config: 'haw' is 39, not a hexa", id="no-number"),
        pytest.param(_with_config(haw="0x10"), "width 16 is not within 32 to 52", id="too-narrow"),
        pytest.param(_with_config(ram_size=f"{1 << 90:#x}"), "no memory for", id="too-much"),
        pytest.param(HEADER | {"devices": ["x"]}, "not a list of objects", id="no-devices"),
        pytest.param(HEADER | {"devices": [{}]}, r"devices\[0\]: 'bdf' is missing", id="no-bdf"),
        pytest.param(HEADER | {"devices": [{"bdf": "x"}]}, "source-id 'x'", id="bad-requester"),
    ],
)
def test_a_file_that_is_no_case_is_refused(
    case: Path, header: dict[str, Any], message: str
) -> None:
    with pytest.raises(VectorError, match=rf"^\S+/case\.jsonl:1: .*{message}"):
        replay(write(case, header=header))


def test_an_empty_file_is_no_case(case: Path) -> None:
    case.write_text("")
    with pytest.raises(VectorError, match="empty, without the header"):
        replay(case)


def test_a_file_of_other_bytes_is_no_case(case: Path) -> None:
    case.write_bytes(b"\xff\xfe\n")
    with pytest.raises(VectorError, match=r":1: not JSON"):
        replay(case)
