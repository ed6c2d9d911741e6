"""The translation table mode that SRTP latched, and what it refuses at once (§3.4.4, §7.1.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.iommu.bench import HOST, IOVA, SOURCE, Mapped, values
from vtd_plugin import VtdConfig
from vtd_plugin.bus import AddressType, Answer, Fault
from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.registers import RTADDR

COLUMNS = {
    "ut": (AddressType.UNTRANSLATED, None),
    "ut_pasid": (AddressType.UNTRANSLATED, 5),
    "tr": (AddressType.TRANSLATION, None),
    "tr_pasid": (AddressType.TRANSLATION, 5),
    "td": (AddressType.TRANSLATED, None),
    "td_pasid": (AddressType.TRANSLATED, 5),
}
SCALABLE: dict[str, Any] = {"SMTS": 1, "PASID": 1, "PSS": 19, "SSTS": 1}


@dataclass(frozen=True)
class Mode:
    """A value of RTADDR, and the condition it means on a unit with some capabilities."""

    condition: Condition
    root: dict[str, int] = field(default_factory=dict)
    capabilities: dict[str, Any] = field(default_factory=dict)


MODES = (
    Mode(Condition.RTA_1_1, {"TTM": TableMode.ABORT}, SCALABLE),
    Mode(Condition.RTA_1_2, {"TTM": TableMode.RESERVED}, SCALABLE),
    Mode(Condition.RTA_1_3, {"TTM": TableMode.SCALABLE}),
    Mode(Condition.RTA_1_4, {"SSIRWE": 1}, {"SSTS": 1, "SSIRWS": 1}),
    Mode(Condition.RTA_2, {}, SCALABLE),
    Mode(Condition.RTA_4, {"TTM": TableMode.ABORT}, SCALABLE | {"ADMS": 1}),
)


def _each_column() -> list[object]:
    return [
        pytest.param(
            mode,
            column,
            id=f"{mode.condition.name}-{column}",
            marks=pytest.mark.provokes(mode.condition.name),
        )
        for mode in MODES
        for column in COLUMNS
        if mode.condition.answer_columns[column] != "NA"
    ]


@pytest.mark.parametrize(("mode", "column"), _each_column())
def test_a_mode_that_cannot_be_blocks_every_kind_of_request(mode: Mode, column: str) -> None:
    bench = Mapped(VtdConfig(DT=1, **mode.capabilities))
    bench.set_root(**mode.root)
    address_type, pasid = COLUMNS[column]
    fault = bench.unit.translate(SOURCE, IOVA, pasid=pasid, address_type=address_type)
    assert isinstance(fault, Fault)
    assert (fault.name, fault.code) == (mode.condition.name, mode.condition.code)
    assert fault.answer is Answer(mode.condition.answer_columns[column])
    assert fault.recorded
    record = bench.record()
    assert values(record, "FR", "SID", "AT") == (mode.condition.code, SOURCE, address_type)
    has_pasid = pasid is not None and "PASID" in mode.capabilities
    assert values(record, "PP", "PV") == ((1, pasid) if has_pasid else (0, 0))


def test_a_pasid_in_legacy_mode_comes_before_rights_that_mode_does_not_have() -> None:
    bench = Mapped(VtdConfig(**SCALABLE, SSIRWS=1))
    bench.set_root(SSIRWE=1)
    fault = bench.unit.translate(SOURCE, IOVA, pasid=5)
    assert isinstance(fault, Fault)
    assert fault.name == "RTA.2"


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: str(mode.condition.name))
def test_a_mode_is_not_looked_at_before_a_request_needs_it(mode: Mode) -> None:
    bench = Mapped(VtdConfig(DT=1, **mode.capabilities))
    bench.set_root(**mode.root)
    assert bench.status.RTPS
    assert values(bench.fault_status, "PPF", "IQE") == (0, 0)


def test_a_table_mode_is_latched_with_the_pointer_not_before() -> None:
    bench = Mapped(VtdConfig(ADMS=1))
    bench.registers.write(RTADDR, RTADDR.pack(TTM=TableMode.ABORT))
    assert bench.lands_at() == HOST


def test_in_abort_mode_an_interrupt_still_leaves() -> None:
    bench = Mapped(VtdConfig(ADMS=1))
    bench.set_root(TTM=TableMode.ABORT)
    assert bench.port().write(0xFEE0_0000, bytes(4)).ok
    assert len(bench.interrupts.messages) == 1
    assert bench.lands_at() is None


@pytest.mark.parametrize("mode", [TableMode.ABORT, TableMode.RESERVED])
def test_what_was_cached_before_is_not_used_in_such_a_mode(mode: TableMode) -> None:
    bench = Mapped(VtdConfig(ADMS=1, ESRTPS=0))
    assert bench.lands_at() is not None
    bench.set_root(TTM=mode)
    assert bench.lands_at() is None
