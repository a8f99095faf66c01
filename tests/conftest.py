"""What every test gets: servers' fixtures, one Hypothesis profile, this source's kernels, no user's settings."""

import os

from hypothesis import HealthCheck, settings

from flows import kernel_cache

pytest_plugins = ["tests.servers.fixtures"]

settings.register_profile(
    "default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile(
    "search", parent=settings.get_profile("default"), derandomize=False, max_examples=2_000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

kernel_cache.use()

KEPT = {
    f"TITAN_{name}"
    for name in (
        "CHAOS_SEED",
        "REQUIRE_KAFKA",
        "TEST_BROKER",
        "TEST_BROKER_ERASE",
        "TEST_CACHE",
        "TEST_REGISTRY",
    )
}

for name in [name for name in os.environ if name.startswith("TITAN_") and name not in KEPT]:
    del os.environ[name]
