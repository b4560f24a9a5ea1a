"""For every test: what Hypothesis may do."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "podworthy",
    # a busy machine is no failure
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    # a change is judged by the same examples each time; new ones are searched for at the desk
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("podworthy")
