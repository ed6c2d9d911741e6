from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdl_bridge.bursts import AxiProtocolError, Burst, BurstType, legal_burst

FIXED, INCR, WRAP = BurstType


@pytest.mark.parametrize(
    ("burst", "spans"),
    [
        (Burst(0x1000, 2, 4), [(0x1000, 0x1004), (0x1004, 0x1008)]),
        (Burst(0x1003, 2, 4), [(0x1003, 0x1004), (0x1004, 0x1008)]),
        (Burst(0x1002, 2, 4, FIXED), [(0x1002, 0x1004)] * 2),
        (
            Burst(0x1008, 4, 4, WRAP),
            [(0x1008, 0x100C), (0x100C, 0x1010), (0x1000, 0x1004), (0x1004, 0x1008)],
        ),
    ],
)
def test_each_beat_touches_its_bytes(burst: Burst, spans: list[tuple[int, int]]) -> None:
    assert list(burst.spans()) == spans


@given(
    address=st.integers(0, 1 << 32),
    beats=st.integers(1, 256),
    size=st.integers(0, 7),
    kind=st.sampled_from([FIXED, INCR]),
)
def test_a_burst_is_as_large_as_its_beats_together(
    address: int, beats: int, size: int, kind: BurstType
) -> None:
    burst = Burst(address, beats, 1 << size, kind)
    spans = list(burst.spans())
    assert len(spans) == beats
    assert (burst.first, burst.stop) == (spans[0][0], max(stop for _, stop in spans))


@given(slot=st.integers(0, 1 << 20), beats=st.sampled_from([2, 4, 8, 16]), size=st.integers(0, 7))
def test_a_wrapping_burst_touches_all_its_container_once(slot: int, beats: int, size: int) -> None:
    burst = Burst(slot << size, beats, 1 << size, WRAP)
    touched = [address for span in burst.spans() for address in range(*span)]
    assert sorted(touched) == list(range(burst.first, burst.stop))
    assert burst.violation(1 << size) is None


@pytest.mark.parametrize(
    ("burst", "rule"),
    [
        (Burst(0xFC0, 16, 4), None),
        (Burst(0xFC0, 17, 4), "crosses a border of 4 KiB"),
        (Burst(0xFFF, 1, 4), None),
        (Burst(0xFFC, 16, 4, FIXED), None),
        (Burst(0, 1, 8), "has beats wider than the 4 bytes of the bus"),
        (Burst(0, 16, 4, FIXED), None),
        (Burst(0, 17, 4, FIXED), "has a fixed address for more than 16 beats"),
        (Burst(4, 2, 4, WRAP), None),
        (Burst(4, 1, 4, WRAP), "wraps with other than 2, 4, 8 or 16 beats"),
        (Burst(2, 2, 4, WRAP), "wraps from an unaligned address"),
    ],
)
def test_a_broken_rule_is_told(burst: Burst, rule: str | None) -> None:
    assert burst.violation(4) == rule
    sent = (burst.address, burst.beats, burst.beat_bytes, burst.kind)
    if rule is None:
        assert legal_burst("AR", 4, *sent) == burst
    else:
        with pytest.raises(AxiProtocolError, match=rf"AR: {burst.kind.name} burst .* {rule}"):
            legal_burst("AR", 4, *sent)


@pytest.mark.parametrize(
    ("burst", "rule"),
    [
        (Burst(0x40, 16, 4), None),
        (Burst(0x80, 16, 8), None),
        (Burst(0x80, 16, 16), "is longer than an exclusive access may be"),
        (Burst(0x80, 32, 1), "is longer than an exclusive access may be"),
        (Burst(0x40, 3, 4), "is exclusive, and not aligned to a power of two of bytes"),
        (Burst(0x44, 2, 4), "is exclusive, and not aligned to a power of two of bytes"),
    ],
)
def test_exclusive_accesses_have_rules_of_their_own(burst: Burst, rule: str | None) -> None:
    assert burst.exclusive_violation == rule


def test_a_reserved_kind_of_burst_is_told() -> None:
    with pytest.raises(AxiProtocolError, match="AW: AxBURST is 3, which is reserved"):
        legal_burst("AW", 4, 0, 1, 4, 3)
