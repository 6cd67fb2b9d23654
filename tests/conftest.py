"""Settings for all tests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.browser import browser  # noqa: F401

# The same examples every time: a test that fails today fails tomorrow. No deadline: shared
# machines stall. A longer search by hand: pytest --hypothesis-profile=search.
settings.register_profile(
    "course",
    derandomize=True,
    deadline=None,
    max_examples=40,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "search", settings.get_profile("course"), derandomize=False, max_examples=1000
)
# For `make mutants`: a mutant is killed by one failing example, which nobody will read. One process
# runs the tests again and again, so that a method's property meets many instances of its class.
settings.register_profile(
    "mutants",
    settings.get_profile("course"),
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.load_profile("course")


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of random numbers, the same in every test."""
    return np.random.default_rng(20)


@pytest.fixture(autouse=True)
def _nobody_seeds_or_draws_globally(request):
    """The library draws from generators that it is given, never from numpy's global one."""
    if "check" in request.fixturenames:
        # scikit-learn's own checks of an estimator permute samples with the global one.
        yield
        return
    before = np.random.get_state()[1:3]  # noqa: NPY002
    yield
    after = np.random.get_state()[1:3]  # noqa: NPY002
    assert before[1] == after[1]
    assert (before[0] == after[0]).all()
