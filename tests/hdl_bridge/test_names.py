from __future__ import annotations

import pytest

from hdl_bridge.names import LONGEST, file_name


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
