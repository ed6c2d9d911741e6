"""The smallest change between what is mapped and what is wanted."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtd_plugin.bus import Mapping
from vtd_plugin.bus.mappings import MappingSet

PAGE = 0x1000
PAGES = 24

repeatable = settings(derandomize=True, max_examples=200, deadline=None)


def mapping(first: int, count: int, to: int = 0x100, writable: bool = True) -> Mapping:
    """Pages [first, first + count) of a small address space, mapped to pages from `to` on."""
    return Mapping(first * PAGE, to * PAGE, count * PAGE, writable=writable)


@st.composite
def mapping_lists(draw: st.DrawFn) -> list[Mapping]:
    """Mappings that do not overlap, cut and aimed at random, in any order."""
    cuts = sorted(draw(st.sets(st.integers(0, PAGES), max_size=8)))
    chosen = []
    for first, end in pairwise(cuts):
        if draw(st.booleans()):
            # Often the same distance, so that the same content comes in different cuts.
            to = first + draw(st.sampled_from([0x100, 0x100, 0x200]))
            chosen.append(mapping(first, end - first, to, draw(st.integers(0, 3)) > 0))
    return draw(st.permutations(chosen))


def content(mappings: list[Mapping]) -> dict[int, tuple[int, bool, bool]]:
    """Page by page: where it lies and what may be done there."""
    return {
        page: (piece.address - piece.iova + page, piece.readable, piece.writable)
        for piece in mappings
        for page in range(piece.iova, piece.last, PAGE)
    }


def overlapping(mappings: list[Mapping], first: int, last: int) -> list[Mapping]:
    return [item for item in mappings if item.iova <= last and first <= item.last]


@repeatable
@given(mapping_lists(), mapping_lists(), st.integers(0, PAGES - 1), st.integers(1, PAGES))
def test_after_a_replacement_the_range_is_new_and_the_rest_is_as_it_was(
    old: list[Mapping], tables: list[Mapping], page: int, count: int
) -> None:
    first, last = page * PAGE, (page + count) * PAGE - 1
    wanted = overlapping(tables, first, last)
    held = MappingSet(old)
    held.replace(first, last, wanted)
    changed = set(range(first, last, PAGE)) | set(content(wanted))
    expected = {at: where for at, where in content(old).items() if at not in changed}
    assert content(list(held)) == expected | content(wanted)


@repeatable
@given(mapping_lists(), mapping_lists(), st.integers(0, PAGES - 1), st.integers(1, PAGES))
def test_what_went_and_what_came_is_the_whole_difference(
    old: list[Mapping], tables: list[Mapping], page: int, count: int
) -> None:
    first, last = page * PAGE, (page + count) * PAGE - 1
    held = MappingSet(old)
    gone, come = held.replace(first, last, overlapping(tables, first, last))
    follower = MappingSet(old)
    for item in gone:
        follower.remove(item.iova, item.size)
    for item in come:
        follower.add(item)
    assert list(follower) == list(held)
    assert not set(gone) & set(come)


@repeatable
@given(mapping_lists(), st.integers(0, PAGES - 1), st.integers(1, PAGES))
def test_the_same_content_in_single_pages_changes_nothing(
    old: list[Mapping], page: int, count: int
) -> None:
    first, last = page * PAGE, (page + count) * PAGE - 1
    inside = [item.part(first, last) for item in overlapping(old, first, last)]
    pages = [
        item.part(at, at + PAGE - 1) for item in inside for at in range(item.iova, item.last, PAGE)
    ]
    held = MappingSet(old)
    assert held.replace(first, last, pages) == ([], [])
    assert list(held) == sorted(old, key=lambda item: item.iova)


def test_the_outside_of_a_held_mapping_stays_mapped() -> None:
    held = MappingSet([mapping(0, 8, 0x100)])
    gone, come = held.replace(3 * PAGE, 4 * PAGE - 1, [])
    assert gone == [mapping(0, 8, 0x100)]
    assert come == [mapping(0, 3, 0x100), mapping(4, 4, 0x104)]


def test_a_wanted_mapping_over_the_border_is_taken_whole() -> None:
    held = MappingSet([mapping(0, 1, 0x50), mapping(1, 1, 0x60), mapping(3, 1, 0x103)])
    gone, come = held.replace(PAGE, 2 * PAGE - 1, [mapping(0, 4, 0x100)])
    assert gone == [mapping(0, 1, 0x50), mapping(1, 1, 0x60)]
    assert come == [mapping(0, 3, 0x100)]
    assert list(held) == [mapping(0, 3, 0x100), mapping(3, 1, 0x103)]


def test_a_change_of_rights_is_a_change() -> None:
    held = MappingSet([mapping(0, 1)])
    gone, come = held.replace(0, PAGE - 1, [mapping(0, 1, writable=False)])
    assert (gone, come) == ([mapping(0, 1)], [mapping(0, 1, writable=False)])


@pytest.mark.parametrize(
    ("iova", "found"), [(0xFFF, False), (0x1000, True), (0x2FFF, True), (0x3000, False)]
)
def test_find_knows_the_borders(iova: int, found: bool) -> None:
    assert (MappingSet([mapping(1, 2)]).find(iova) is not None) is found


def test_overlaps_are_refused() -> None:
    held = MappingSet([mapping(1, 2)])
    with pytest.raises(ValueError, match="overlaps"):
        held.add(mapping(2, 2))
    with pytest.raises(ValueError, match="overlaps"):
        MappingSet([mapping(1, 2), mapping(0, 2)])
    with pytest.raises(ValueError, match="overlaps"):
        held.replace(0, PAGE, [mapping(4, 2), mapping(5, 1)])
    assert list(held) == [mapping(1, 2)]


@pytest.mark.parametrize(("first", "count"), [(1, 1), (2, 1), (0, 3), (5, 1), (0, 1)])
def test_only_whole_mappings_are_removed(first: int, count: int) -> None:
    held = MappingSet([mapping(1, 2), mapping(3, 2)])
    with pytest.raises(ValueError, match="nothing is mapped at exactly"):
        held.remove(first * PAGE, count * PAGE)
    assert len(held) == 2


@pytest.mark.parametrize("size", [0, -0x1000])
def test_a_mapping_is_not_empty(size: int) -> None:
    with pytest.raises(ValueError, match=f"a mapping of {size} bytes at 0x1000"):
        Mapping(0x1000, 0, size)
