"""What is ruled out is ruled out for a reason, and everything else can be."""

from __future__ import annotations

import pytest

from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.inspect.coverage.bins import COVERGROUPS, FAULTS, REQUESTS
from vtd_plugin.inspect.coverage.model import Axis, Covergroup, Exclusion
from vtd_plugin.inspect.coverage.scope import Scope

EVERYTHING = Capabilities(0x80, (1 << 64) - 1, (1 << 64) - 1, 48)


@pytest.mark.parametrize("group", COVERGROUPS, ids=lambda group: group.name)
def test_rules_name_axes_and_values_that_there_are(group: Covergroup) -> None:
    values = {axis.name: set(axis.bins) for axis in group.axes}
    for bins in (
        *(rule.bins for rule in group.exclusions),
        *(rule.bins for rule in group.requirements),
    ):
        assert all(named <= values[name] for name, named in bins.items()), bins


@pytest.mark.parametrize("group", COVERGROUPS, ids=lambda group: group.name)
def test_no_rule_is_idle(group: Covergroup) -> None:
    for rule in group.exclusions:
        others = tuple(other for other in group.exclusions if other is not rule)
        assert len(Covergroup(group.name, group.axes, others).bins) > len(group.bins), rule.why


@pytest.mark.parametrize("group", COVERGROUPS, ids=lambda group: group.name)
def test_no_requirement_is_idle(group: Covergroup) -> None:
    for rule in group.requirements:
        assert any(rule in group.requirements_of(cross) for cross in group.bins), rule


@pytest.mark.parametrize("group", COVERGROUPS, ids=lambda group: group.name)
def test_a_unit_that_has_all_can_hit_all_but_what_it_must_lack(group: Covergroup) -> None:
    scope = Scope([EVERYTHING])
    missing = {why for cross in group.bins for why in scope.missing(group, cross)}
    assert all(why.startswith("no ") for why in missing)


@pytest.mark.parametrize("group", [group for group in COVERGROUPS if group is not FAULTS])
def test_every_value_can_be_hit(group: Covergroup) -> None:
    for number, axis in enumerate(group.axes):
        assert {cross[number] for cross in group.bins} == set(axis.bins)


def test_every_condition_of_the_current_revision_can_be_hit() -> None:
    assert {label for label, _, _ in FAULTS.bins} == {
        condition.name for condition in Condition if condition.value.section
    }


@pytest.mark.parametrize(
    ("cross", "why"),
    [
        (("read", "pass-through", "2M", "walk"), "addresses that are not translated have no page"),
        (("read", "nested", "4K", "fault"), "a blocked request is answered by no page"),
        (("read", "direct", "none", "walk"), "nothing is looked up while translation is off"),
        (("read", "nested", "1G", "IOTLB hit"), None),
    ],
)
def test_a_rule_says_why(cross: tuple[str, ...], why: str | None) -> None:
    assert REQUESTS.why_excluded(cross) == why


@pytest.mark.parametrize(
    ("cross", "why"),
    [
        (("LGN.2", "write", "with PASID"), "the fault table has no such case (§7.1.3)"),
        (("LGN.2", "read", "without PASID"), "reads need no right to write"),
        (("SCT.6", "page request", "without PASID"), "it is about the PASID of a request"),
        (
            ("SGN.10", "page request", "with PASID"),
            "the fault table has no such page request (§7.1.3)",
        ),
        (("IR.22", "read", "without PASID"), "an interrupt request is a write"),
        (("HPT.4", "translated request", "without PASID"), None),
    ],
)
def test_which_requests_meet_a_condition_is_as_the_fault_table_says(
    cross: tuple[str, ...], why: str | None
) -> None:
    assert FAULTS.why_excluded(cross) == why


def test_an_exclusion_needs_all_its_axes() -> None:
    axes = (Axis("colour", ("red", "blue")), Axis("shape", ("round", "square")))
    rule = Exclusion("so", {"colour": frozenset({"red"}), "shape": frozenset({"round"})})
    group = Covergroup("things", axes, (rule,))
    assert group.bins == (("red", "square"), ("blue", "round"), ("blue", "square"))


def test_names_are_those_of_identifiers() -> None:
    names = [group.name for group in COVERGROUPS]
    names += [axis.name for group in COVERGROUPS for axis in group.axes]
    assert all(name.isidentifier() for name in names)
