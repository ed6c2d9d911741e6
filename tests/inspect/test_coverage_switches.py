"""State switches are counted with what is in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.inspect.coverage_run import Run, protect
from tests.iommu.bench import IOVA, PAGE
from tests.iommu.scalable_bench import Scalable, scalable_config
from vtd_plugin.inspect.coverage.bins import STATE_SWITCHES
from vtd_plugin.inspect.coverage.bins.switches import Trigger
from vtd_plugin.software import descriptors
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.encodings._layout import Layout


def _invalidate(command: Layout) -> Callable[[Scalable], None]:
    return lambda bench: bench.start_queue(wide=True).submit(command)


TRIGGERS: dict[Trigger, Callable[[Scalable], object]] = {
    Trigger.TRANSLATION_ON: lambda bench: bench.commands.start(Command.TRANSLATION, on=True),
    Trigger.TRANSLATION_OFF: lambda bench: bench.commands.start(Command.TRANSLATION, on=False),
    Trigger.ROOT_POINTER: lambda bench: bench.commands.start(Command.SET_ROOT_TABLE),
    Trigger.CONTEXT_INVALIDATION: _invalidate(descriptors.context_cache()),
    Trigger.PASID_INVALIDATION: _invalidate(descriptors.pasid_cache()),
    Trigger.PROTECTED_REGIONS: protect,
    Trigger.COLD_RESET: lambda bench: bench.platform.reset_units("cold"),
    Trigger.WARM_RESET: lambda bench: bench.platform.reset_units("warm"),
}


@pytest.mark.parametrize(("transfers", "state"), [(0, "idle"), (1, "one"), (3, "several")])
@pytest.mark.parametrize("trigger", Trigger)
def test_a_switch_is_crossed_with_what_is_in_flight(
    trigger: Trigger, transfers: int, state: str
) -> None:
    bench = Scalable(scalable_config(PLMR=1), on=trigger is not Trigger.TRANSLATION_ON)
    for number in range(transfers):
        bench.port().begin(IOVA + number * PAGE, 8)
    run = Run(bench)
    bench.port().begin(IOVA, 8).end()
    TRIGGERS[trigger](bench)
    assert run.counted(STATE_SWITCHES) == {(trigger.value, state): 1}
