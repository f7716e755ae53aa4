"""Settings of the whole suite."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Machines that are busy with other tests are slow now and then: time is no property. On CI the examples are the same
# every time; on a person's machine they are new every time, and a failure prints what reproduces it.
settings.register_profile(
    "lodeline",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("lodeline")
