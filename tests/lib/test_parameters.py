"""The flat vector and the names of its parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.parameters import ParameterLayout

shapes = st.dictionaries(
    st.text("abc", min_size=1, max_size=3),
    st.lists(st.integers(1, 3), max_size=3).map(tuple),
    min_size=1,
    max_size=4,
)


@given(shapes)
def test_parts_tile_the_vector_in_order(shapes):
    layout = ParameterLayout(shapes)
    theta = np.arange(layout.size, dtype=float)
    parts = layout.views(theta)
    assert list(parts) == list(shapes)
    assert [part.shape for part in parts.values()] == list(shapes.values())
    np.testing.assert_array_equal(np.concatenate([p.ravel() for p in parts.values()]), theta)
    for name, part in parts.items():
        np.testing.assert_array_equal(theta[layout.slices[name]], part.ravel())


@given(shapes)
def test_flatten_undoes_views(shapes):
    layout = ParameterLayout(shapes)
    theta = np.random.default_rng(0).standard_normal(layout.size)
    flat = layout.flatten(layout.views(theta))
    np.testing.assert_array_equal(flat, theta)
    assert not np.shares_memory(flat, theta)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_views_write_through_and_keep_the_type(dtype):
    layout = ParameterLayout({"w": (2, 2), "b": ()})
    theta = layout.zeros(dtype)
    parts = layout.views(theta)
    parts["b"][...] = 7
    parts["w"][1, 0] = 5
    assert theta.dtype == dtype
    assert theta.tolist() == [0, 0, 5, 0, 7]
    assert all(part.dtype == dtype for part in parts.values())
    assert layout.flatten(parts).dtype == dtype


def test_parts_are_flattened_in_the_order_of_the_layout():
    layout = ParameterLayout({"w": (2,), "b": (1,)})
    assert layout.flatten({"b": [3], "w": [1, 2]}).tolist() == [1, 2, 3]


def test_repr_shows_the_shapes():
    assert repr(ParameterLayout({"w": (2,)})) == "ParameterLayout({'w': (2,)})"


@pytest.mark.parametrize(
    ("shapes", "error", "message"),
    [
        ({}, ValueError, "shapes must name at least one part"),
        ({"w": 3}, TypeError, r"shapes\['w'\] must be a tuple such as \(3,\).*got 3"),
        ({"w": "33"}, TypeError, r"shapes\['w'\] must be a tuple"),
        ({"w": (0,)}, ValueError, r"shapes\['w'\] must be at least 1, got 0"),
        ({"w": (2.0,)}, TypeError, r"shapes\['w'\] must be a whole number, got 2.0"),
    ],
)
def test_layout_that_is_refused(shapes, error, message):
    with pytest.raises(error, match=message):
        ParameterLayout(shapes)


@pytest.mark.parametrize(
    ("theta", "message"),
    [
        (
            np.zeros(4),
            r"theta must be an array of shape \(3,\) holding w \(2,\), b \(\), got .*\(4,",
        ),
        (np.zeros((3, 1)), r"got shape \(3, 1\)"),
        ([0.0, 0.0, 0.0], "got a list"),
        (np.zeros(6)[::2], "theta must be contiguous.*ascontiguousarray"),
    ],
)
def test_vector_that_is_refused(theta, message):
    with pytest.raises(ValueError, match=message):
        ParameterLayout({"w": (2,), "b": ()}).views(theta)


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ({"w": [1, 2]}, ValueError, "parts must be named w, b, got w$"),
        ({}, ValueError, "parts must be named w, b, got none$"),
        ({"w": [1, 2], "b": 1, "c": 1}, ValueError, "parts must be named w, b, got w, b, c"),
        ({"w": [1], "b": 1}, ValueError, r"parts\['w'\] must have shape \(2,\), got shape \(1,\)"),
        ({"w": [1, np.nan], "b": 1}, ValueError, r"parts\['w'\] must hold finite numbers"),
        ({"w": ["1", "2"], "b": 1}, TypeError, r"parts\['w'\] must hold real numbers"),
    ],
)
def test_parts_that_are_refused(parts, error, message):
    with pytest.raises(error, match=message):
        ParameterLayout({"w": (2,), "b": ()}).flatten(parts)
