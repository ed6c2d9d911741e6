"""How many examples a property is tried with.

Few and always the same ones by default. ``HYPOTHESIS_PROFILE=campaign`` tries many, new ones each
time; what fails is kept in ``.hypothesis`` and tried first from then on.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW_DATA = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

settings.register_profile(
    "quick",
    max_examples=40,
    stateful_step_count=20,
    derandomize=True,
    deadline=None,
    suppress_health_check=_SLOW_DATA,
)
settings.register_profile(
    "campaign",
    max_examples=500,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=_SLOW_DATA,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
