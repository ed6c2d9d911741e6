from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vtd_plugin.encodings import codes
from vtd_plugin.encodings.codes import QueueError, ResponseCode, aw_for, levels, width_bits

if TYPE_CHECKING:
    from enum import IntEnum


@pytest.mark.parametrize(("aw", "count", "width"), [(1, 3, 39), (2, 4, 48), (3, 5, 57)])
def test_address_widths_name_levels_and_bits(aw: int, count: int, width: int) -> None:
    assert levels(aw) == count
    assert width_bits(aw) == width
    assert aw_for(count) == aw


@pytest.mark.parametrize("aw", [0, 4, 7, -1])
def test_reserved_address_widths_are_refused(aw: int) -> None:
    with pytest.raises(ValueError, match=f"AW {aw:#x} is none of 1"):
        levels(aw)
    with pytest.raises(ValueError, match=f"AW {aw:#x} is none of 1"):
        width_bits(aw)


@pytest.mark.parametrize("count", [0, 2, 6])
def test_unknown_level_counts_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count:#x} levels are none of 3, 4, 5"):
        aw_for(count)


@pytest.mark.parametrize(
    ("enumeration", "values"),
    [
        (codes.TableMode, {0, 1, 2, 3}),
        (codes.TranslationType, {0, 1, 2, 3}),
        (codes.PageTableType, {1, 2, 3, 4}),
        (codes.ContextGranularity, {1, 2, 3}),
        (codes.IotlbGranularity, {1, 2, 3}),
        (codes.PasidCacheGranularity, {0, 1, 3}),
        (codes.PasidIotlbGranularity, {2, 3}),
        (codes.HptGranularity, {1, 2, 3}),
        (codes.InterruptEntryGranularity, {0, 1}),
        (codes.DescriptorType, set(range(1, 11))),
        (codes.QueueError, set(range(8))),
        (codes.ResponseCode, {0, 1, 15}),
        (codes.MemoryType, {0, 1, 4, 5, 6, 7}),
        (codes.InterruptDeliveryMode, {0, 1, 2, 4, 5, 7}),
        (codes.FaultType, {0, 1, 2, 3}),
        (codes.SourceValidation, {0, 1, 2, 3}),
    ],
)
def test_enumerations_hold_exactly_the_assigned_values(
    enumeration: type[IntEnum], values: set[int]
) -> None:
    assert {member.value for member in enumeration} == values


def test_documented_codes_are_numbers_with_a_meaning() -> None:
    assert QueueError(6) is QueueError.TAIL_MISALIGNED
    assert QueueError.TAIL_MISALIGNED.meaning == "DW=1 and IQT bit 4 set"
    assert ResponseCode.RESPONSE_FAILURE + 1 == 16
