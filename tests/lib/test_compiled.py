"""Loops run the same, compiled or not."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys

import numpy as np
import pytest

import course_lib
from course_lib import compiled as module
from course_lib import oja
from course_lib.compiled import CompiledFunction, compiled, numba_is_available

HAS_NUMBA = importlib.util.find_spec("numba") is not None


@pytest.fixture(params=["compiled", "plain"])
def way(request, monkeypatch):
    """Run a test with numba, where it is installed, and without."""
    monkeypatch.setenv("COURSE_COMPILED", "0" if request.param == "plain" else "1")
    if request.param == "compiled" and not HAS_NUMBA:
        pytest.skip("numba is not installed")
    numba_is_available.cache_clear()
    yield request.param
    numba_is_available.cache_clear()


@compiled
def decay(value, rate):
    """Return what one step leaves."""
    return value * (1.0 - rate)


@compiled
def leaky_sum(values, rate, out):
    """Sum with a leak."""
    total = 0.0
    for i in range(len(values)):
        total = decay(total, rate) + values[i]
        out[i] = total


def fresh(function):
    """The same function, decorated anew: nothing of it is compiled yet."""
    return compiled(function.python)


def test_gives_the_same_digits_compiled_and_plain(way):
    values = np.random.default_rng(0).standard_normal(1000)
    by_hand, out = np.empty_like(values), np.empty_like(values)
    leaky_sum.python(values, 0.1, by_hand)
    fresh(leaky_sum)(values, 0.1, out)
    np.testing.assert_array_equal(out, by_hand)


def test_compiles_only_where_it_can(way):
    assert numba_is_available() is (way == "compiled")
    function = fresh(leaky_sum)
    if way == "plain":
        assert function.fastest.__code__ is function.python.__code__
    else:
        assert type(function.fastest).__name__ == "CPUDispatcher"


def test_divides_by_zero_like_an_array(way):
    @compiled
    def ratio(values, out):
        for i in range(len(values)):
            out[i] = values[i] / 0.0

    out = np.empty(2)
    with np.errstate(divide="ignore"):
        ratio(np.array([1.0, -1.0]), out)
    np.testing.assert_array_equal(out, [np.inf, -np.inf])


def test_compiles_where_machine_code_cannot_be_kept(way):
    namespace = {"compiled": compiled}
    exec("@compiled\ndef twice(x):\n    return 2.0 * x\n", namespace)
    assert namespace["twice"](4.0) == 8.0


def test_ojas_rule_is_the_same_compiled_and_plain(way):
    rng = np.random.default_rng(1)
    X, order = rng.standard_normal((50, 4)), rng.permutation(50)
    steps, start = np.full(50, 0.02), np.linalg.qr(rng.standard_normal((4, 2)))[0]
    by_hand = start.copy()
    for x, eta in zip(X[order], steps, strict=True):
        y = by_hand.T @ x
        by_hand = by_hand + eta * (np.outer(x, y) - by_hand @ np.outer(y, y))
    fresh(oja.oja_pass)(X, order, steps, start)
    np.testing.assert_allclose(start, by_hand, rtol=1e-12, atol=1e-13)


# Loops of the library, and the tests that run them compiled and as written.
TESTED_BOTH_WAYS = {
    "course_lib.oja": {"oja_pass"},
    "course_lib.linear_learners.passes": {
        *("axpy", "dot", "mini_batch_pass", "one_sample_pass", "sigmoid", "slope")
    },  # test_linear_learners_passes.py
    "course_lib.optimizers.adam_loop": {"advance_adam"},  # test_optimizers_contract.py
}


def test_every_loop_of_the_library_is_tested_both_ways():
    found = {}
    for module_info in pkgutil.walk_packages(course_lib.__path__, "course_lib."):
        loaded = importlib.import_module(module_info.name)
        for name, value in vars(loaded).items():
            if isinstance(value, CompiledFunction) and value.__module__ == loaded.__name__:
                found.setdefault(loaded.__name__, set()).add(name)
    assert found == TESTED_BOTH_WAYS


def test_keeps_the_name_the_documentation_and_the_source():
    assert leaky_sum.__name__ == "leaky_sum"
    assert leaky_sum.__doc__ == "Sum with a leak."
    assert "total = decay(total, rate)" in inspect.getsource(leaky_sum)


def test_loads_nothing_before_the_first_call():
    code = (
        "import sys; from course_lib.compiled import compiled\n"
        "from course_lib import optimizers\n"
        "@compiled\ndef f(x): return x\n"
        "assert 'numba' not in sys.modules, 'numba was loaded'"
    )
    import subprocess

    root = module.__file__.rsplit("/course_lib/", 1)[0]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
