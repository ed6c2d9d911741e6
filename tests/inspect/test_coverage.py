"""What was counted is kept and merged."""

from __future__ import annotations

from collections import Counter

from tests.inspect.coverage_run import Run
from tests.iommu.bench import IOVA, Mapped
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.bins import REQUESTS, RESETS


def test_nothing_is_counted_after_the_end() -> None:
    bench = Mapped()
    run = Run(bench)
    run.coverage.stop()
    bench.port().read(IOVA, 8)
    bench.platform.reset()
    assert not any(run.coverage.hits.values())


def test_merging_adds() -> None:
    runs = []
    for _ in range(3):
        bench = Mapped()
        runs.append(Run(bench).coverage)
        bench.port().read(IOVA, 8)
        bench.platform.reset_units()
    merged = Coverage()
    merged.merge(*runs)
    assert merged.hits[REQUESTS.name] == Counter({("read", "legacy second-stage", "4K", "walk"): 3})
    assert merged.hits[RESETS.name] == {("warm", "units only"): 3}
