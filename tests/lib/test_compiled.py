"""Loops run the same, compiled or not."""

from __future__ import annotations

import importlib.util
import inspect
import sys

import numpy as np
import pytest

from course_lib import compiled as module
from course_lib.compiled import compiled, numba_is_available

HAS_NUMBA = importlib.util.find_spec("numba") is not None


@pytest.fixture(params=["compiled", "plain"])
def way(request, monkeypatch):
    """Run a test with numba, where it is installed, and without."""
    if request.param == "plain":
        monkeypatch.setenv("COURSE_COMPILED", "0")
    elif not HAS_NUMBA:
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
