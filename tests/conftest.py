"""Settings every test shares."""

import os

from hypothesis import HealthCheck, settings

# Time is asserted in benchmarks only: a busy machine must not fail a property.
settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run of CI, so that a red run can be repeated.
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
