"""What every test shares: one thread, no deadlines, and the same examples on every run."""

import pytest
import torch
from hypothesis import HealthCheck, settings

# The networks of the tests are too small to gain from threads, which wait for each other in
# turns: on a busy machine that takes five times as long.
torch.set_num_threads(1)

settings.register_profile(
    "suite",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no fault of an example
)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a CUDA card are left out, with the reason, only where there is none."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("cuda"):
            item.add_marker(pytest.mark.skip(reason="this machine has no CUDA card"))
