from __future__ import annotations

import pickle

import pytest

from vtd_plugin.encodings.faults import (
    ANSWER_COLUMNS,
    CONDITIONS_BY_NAME,
    Condition,
    FaultCondition,
)


def test_conditions_have_the_names_of_the_architecture() -> None:
    members = {member: condition.name for member, condition in Condition.__members__.items()}
    assert members == {name.replace(".", "_"): name for name in members.values()}
    assert repr(Condition.LRT_2).startswith("<Condition.LRT_2: ")
    assert pickle.loads(pickle.dumps(Condition.LRT_2)) is Condition.LRT_2  # noqa: S301
    assert CONDITIONS_BY_NAME["IR.29"] is Condition.IR_29
    assert len(CONDITIONS_BY_NAME) == len(Condition) == 101


def test_several_conditions_may_share_a_code() -> None:
    sharing = {condition.name for condition in Condition if condition.code == 0x03}
    assert sharing == {"LCT.4.1", "LCT.4.2", "LCT.4.3"}


@pytest.mark.parametrize("condition", Condition)
def test_a_condition_shows_its_row(condition: Condition) -> None:
    row: FaultCondition = condition.value
    assert (condition.code, condition.name) == (row.code, row.name)
    assert (condition.qualified, condition.text) == (row.qualified, row.condition)
    assert condition.answer_columns == {column: getattr(row, column) for column in ANSWER_COLUMNS}


@pytest.mark.parametrize("condition", Condition)
def test_answers_are_of_the_kinds_that_the_column_can_have(condition: Condition) -> None:
    blocked = {"NA", "UR"}
    aborted = blocked | {"CA"}
    completed = aborted | {"S0", "Seff"}
    allowed = (
        blocked,
        blocked,
        completed,
        completed,
        aborted,
        aborted,
        {"NA", "IR"},
        {"NA", "drop"},
    )
    for column, answers in zip(ANSWER_COLUMNS, allowed, strict=True):
        assert condition.answer_columns[column] in answers, column


@pytest.mark.parametrize(
    "condition",
    [item for item in Condition if item.value.mode == "legacy"],
)
def test_legacy_mode_answers_requests_with_pasid_for_one_reason_only(condition: Condition) -> None:
    with_pasid = {
        condition.answer_columns[column] for column in ("ut_pasid", "tr_pasid", "td_pasid")
    }
    assert with_pasid == ({"UR"} if condition is Condition.RTA_2 else {"NA"})


@pytest.mark.parametrize(
    ("name", "qualified"),
    [
        ("LRT.1", False),
        ("LCT.1", False),
        ("LCT.3", True),
        ("SRT.2", False),
        ("SPD.1", False),
        ("SPT.1", False),
        ("SPT.3", True),
        ("IR.21", False),
        ("IR.26", True),
    ],
)
def test_fpd_suppresses_qualified_faults_only(name: str, *, qualified: bool) -> None:
    assert CONDITIONS_BY_NAME[name].qualified is qualified
