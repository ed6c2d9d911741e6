from __future__ import annotations

import pytest

from hdl_bridge.names import LONGEST, LONGEST_TEST, file_name, name_run, name_test
from hdl_bridge.simulators import Simulator, SimulatorKind


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("counter", "", "7"), "counter-7"),
        (("WIDTH=11",), "WIDTH=11"),
        (("copies/width=32",), "copies_width=32"),
        (("TE on, data phase",), "TE_on_data_phase"),
        (("1:50",), "1_50"),
    ],
)
def test_words_become_the_name_of_a_file(words: tuple[str, ...], name: str) -> None:
    assert file_name(*words) == name


def test_long_names_are_cut_and_still_differ() -> None:
    names = {file_name("x" * 200, end) for end in "ab"}
    assert [len(name) for name in names] == [LONGEST, LONGEST]


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("copies", "copies"),
        ("copies/width=32", "copies.width=32"),
        ("a_page_that_is_long_gone_is_not_used/queue=1", "a_page_that_is_long_gone-b308.queue=1"),
    ],
)
def test_of_long_tests_the_first_words_are_kept_and_all_parameters(test: str, name: str) -> None:
    assert name_test(test) == name


def test_tests_that_begin_alike_still_differ() -> None:
    names = {name_test("a_page_that_is_long_gone_is_not_" + end) for end in ("used", "seen")}
    assert len(names) == 2
    assert max(map(len, names)) <= LONGEST_TEST


def test_a_run_of_several_tests_says_how_many_and_differs_from_one_of_others() -> None:
    names = {
        name_run(
            Simulator(SimulatorKind.ICARUS, "11.0"),
            "mine.cocotb_copies",
            testcases=testcases,
            parameters={"WIDTH": 64},
            env={},
            seed=5,
        )
        for testcases in (["one", "two"], ["one", "three"])
    }
    assert len(names) == 2
    assert {name[:-5] for name in names} == {"cocotb_copies-icarus-WIDTH=64-5-2_tests"}
