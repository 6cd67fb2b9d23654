"""Checks of arguments: what passes, in which form, and what is said of the rest."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.validation import (
    check_array,
    check_batch,
    check_choice,
    check_integer,
    check_real,
    check_vector,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floating_arrays_pass_uncopied(dtype):
    array = np.arange(3, dtype=dtype)
    assert check_array("x", array) is array


@pytest.mark.parametrize("value", [[1, 2], [True, False], np.array([1, 2], np.uint8), (1, 2)])
def test_whole_numbers_and_truth_values_become_double(value):
    array = check_array("x", value)
    assert array.dtype == np.float64
    assert array.tolist() == [float(v) for v in value]


@pytest.mark.parametrize(
    ("value", "options", "error", "message"),
    [
        (["a"], {}, TypeError, r"x must hold real numbers, got an array of dtype <U1 \(list\)"),
        (None, {}, TypeError, r"x must hold real numbers, .* dtype object \(NoneType\)"),
        ([1j], {}, TypeError, r"x must hold real numbers, .* complex128"),
        ([[1], [1, 2]], {}, ValueError, r"x must be a rectangular array of numbers, but setting"),
        (1.0, {"ndim": 1}, ValueError, r"x must have 1 dimension\(s\), got shape \(\)$"),
        ([[1.0], [2.0]], {"ndim": 1}, ValueError, r"got shape \(2, 1\): flatten it with .ravel"),
        ([[1.0, 2.0]] * 2, {"ndim": 1}, ValueError, r"got shape \(2, 2\)$"),
        ([1.0], {"ndim": 2}, ValueError, r"one feature is a column, X.reshape\(-1, 1\)"),
        (1.0, {"ndim": (1, 2)}, ValueError, r"x must have 1 or 2 dimension\(s\)"),
        ([1.0], {"shape": (2,)}, ValueError, r"x must have shape \(2,\), got shape \(1,\)"),
        ([1.0], {"shape": (None, 2)}, ValueError, r"x must have shape \(any, 2\), got .*\(1,\)"),
        ([[1.0]], {"shape": (None, 2)}, ValueError, r"x must have shape \(any, 2\)"),
        ([[0, 1], [np.nan, np.inf]], {}, ValueError, r"got nan at index \(1, 0\) \(2 of 4 ent"),
    ],
)
def test_array_that_is_refused(value, options, error, message):
    with pytest.raises(error, match=message):
        check_array("x", value, **options)


def test_array_may_hold_nan_where_that_is_allowed():
    assert np.isnan(check_array("x", [np.nan], finite=False)).all()


def test_shape_with_any_length():
    assert check_array("x", np.zeros((7, 2)), shape=(None, 2)).shape == (7, 2)


def test_vector():
    assert check_vector("x", [1, 2], 2).tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match=r"x must have shape \(3,\), got shape \(2,\)"):
        check_vector("x", [1, 2], 3)
    with pytest.raises(ValueError, match="x must have 1 dimension"):
        check_vector("x", [[1, 2]])
    with pytest.raises(ValueError, match="x must hold finite numbers"):
        check_vector("x", [np.inf])
    assert check_vector("x", [np.inf], finite=False)[0] == np.inf


@pytest.mark.parametrize("value", [1, 1.0, np.float32(1), np.float64(1), np.int64(1)])
def test_real_numbers_become_float(value):
    number = check_real("a", value)
    assert type(number) is float
    assert number == 1.0


@pytest.mark.parametrize(
    ("value", "bounds", "error", "message"),
    [
        ("1", {}, TypeError, r"a must be a real number, got '1' \(str\)"),
        (True, {}, TypeError, r"a must be a real number, got True \(bool\)"),
        (np.True_, {}, TypeError, "a must be a real number"),
        (None, {}, TypeError, r"got None \(NoneType\)"),
        (1j, {}, TypeError, "a must be a real number"),
        ([1.0], {}, TypeError, r"got \[1.0\] \(list\)"),
        (np.nan, {}, ValueError, "a must be a finite number, got nan$"),
        (np.inf, {"above": 0}, ValueError, "a must be a finite number > 0, got inf$"),
        (0, {"above": 0}, ValueError, "a must be a finite number > 0, got 0$"),
        (-1, {"at_least": 0}, ValueError, "a must be a finite number >= 0, got -1$"),
        (1, {"below": 1}, ValueError, "a must be a finite number < 1, got 1$"),
        (2, {"at_most": 1.5}, ValueError, "a must be a finite number <= 1.5, got 2$"),
        (2, {"above": 0, "below": 1}, ValueError, "a must be a finite number > 0 and < 1, got 2$"),
    ],
)
def test_number_that_is_refused(value, bounds, error, message):
    with pytest.raises(error, match=message):
        check_real("a", value, **bounds)


def test_bounds_that_include_their_end():
    assert check_real("a", 0, at_least=0, at_most=0) == 0.0


def test_integer():
    assert check_integer("n", np.int32(3)) == 3
    assert type(check_integer("n", np.int32(3))) is int
    assert check_integer("n", 3, at_least=3) == 3
    for wrong in (3.0, True, "3", None):
        with pytest.raises(TypeError, match=r"n must be a whole number, got .* \(\w+\)"):
            check_integer("n", wrong)
    with pytest.raises(ValueError, match="n must be at least 3, got 2"):
        check_integer("n", 2, at_least=3)


def test_choice():
    assert check_choice("color", "red", {"red": 1}) == "red"
    with pytest.raises(ValueError, match="unknown color 'rde': choose one of 'red', 'blue'"):
        check_choice("color", "rde", ["red", "blue"])


@pytest.mark.parametrize("value", [[0, 4, 4], np.array([0, 4, 4], np.uint8), (0, 4, 4)])
def test_batch(value):
    assert check_batch("batch", value, 5).tolist() == [0, 4, 4]


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([], ValueError, "batch must name at least one sample, got an empty array"),
        (np.empty((0, 3), int), ValueError, "batch must name at least one sample"),
        (3, TypeError, r"batch must be a 1-D array of whole numbers, got .* shape \(\)"),
        ([[0, 1]], TypeError, r"got dtype int64 and shape \(1, 2\)"),
        ([0.0, 1.0], TypeError, "got dtype float64"),
        ([True, False, True, False, True], TypeError, "got dtype bool"),
        (["0"], TypeError, "got dtype <U1"),
        (slice(0, 3), TypeError, "got dtype object"),
        ([0, 5], ValueError, "batch must hold indices from 0 to 4, got values from 0 to 5"),
        ([-1, 2], ValueError, "batch must hold indices from 0 to 4, got values from -1 to 2"),
    ],
)
def test_batch_that_is_refused(value, error, message):
    with pytest.raises(error, match=message):
        check_batch("batch", value, 5)
