"""Fault conditions: why requests were blocked."""

from __future__ import annotations

from typing import Final

from vtd_plugin.encodings.faults import Condition
from vtd_plugin.inspect.coverage.model import Axis, Covergroup, never

FAULTS: Final = Covergroup(
    "faults",
    (Axis("condition", tuple(condition.label for condition in Condition)),),
    (
        never(
            "the current revision of the architecture does not have it",
            condition=[each.label for each in Condition if not each.value.section],
        ),
    ),
)
