"""The model problem: a quadratic with a chosen spectrum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.objectives import Quadratic, random_rotation
from tests.lib.strategies import bowls, seeds


def test_values_worked_by_hand():
    bowl = Quadratic([[2.0, 1.0], [1.0, 3.0]], minimizer=[1.0, -1.0], minimum=5.0)
    value, gradient = bowl.value_and_gradient([2.0, 1.0])
    assert value == 5 + 0.5 * (2 * 1 + 2 * 2 + 3 * 4)
    assert gradient.tolist() == [4.0, 7.0]
    assert bowl.value([2.0, 1.0]) == value
    assert bowl.hessian([9.0, 9.0]).tolist() == [[2.0, 1.0], [1.0, 3.0]]
    assert bowl.hessian_vector_product([9.0, 9.0], [1.0, 0.0]).tolist() == [2.0, 1.0]
    assert bowl.value([1.0, -1.0]) == 5.0
    assert bowl.gradient([1.0, -1.0]).tolist() == [0.0, 0.0]
    assert bowl.is_quadratic


@given(bowls(max_condition=1e4))
def test_curvatures_are_found_again(bowl):
    objective = bowl.objective
    top = bowl.curvatures[-1]
    np.testing.assert_allclose(objective.curvatures, bowl.curvatures, rtol=0, atol=1e-13 * top)
    assert objective.smoothness == objective.curvatures[-1]
    assert objective.strong_convexity == objective.curvatures[0]
    assert objective.condition_number == pytest.approx(top / bowl.curvatures[0], rel=1e-8)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), seeds)
def test_spectrum_is_the_one_asked_for(curvatures, seed):
    turned = Quadratic.with_spectrum(curvatures, seed=seed)
    np.testing.assert_allclose(turned.curvatures, np.sort(curvatures), rtol=1e-10)
    straight = Quadratic.with_spectrum(curvatures)
    np.testing.assert_array_equal(straight.hessian(np.zeros(len(curvatures))), np.diag(curvatures))


def test_spectrum_keeps_minimizer_and_seed():
    first, second, other = (
        Quadratic.with_spectrum([1, 10, 100], [1, 2, 3], seed=seed) for seed in (5, 5, 6)
    )
    origin = np.zeros(3)
    np.testing.assert_array_equal(first.hessian(origin), second.hessian(origin))
    assert not np.allclose(first.hessian(origin), other.hessian(origin))
    assert first.minimizer.tolist() == [1.0, 2.0, 3.0]
    assert first.minimum == 0.0
    hessian = first.hessian(origin)
    np.testing.assert_array_equal(hessian, hessian.T)


@given(st.integers(1, 8), seeds)
def test_rotations_are_orthogonal(n, seed):
    q = random_rotation(n, seed)
    np.testing.assert_allclose(q @ q.T, np.eye(n), atol=1e-14)


def test_rotations_are_uniform():
    """Without the signs of R, the first entry would never be positive (or never negative)."""
    rng = np.random.default_rng(0)
    drawn = np.array([random_rotation(3, rng) for _ in range(2000)])
    assert np.abs(drawn.mean(axis=0)).max() < 0.05
    np.testing.assert_allclose((drawn**2).mean(axis=0), np.full((3, 3), 1 / 3), atol=0.03)
    assert abs(np.mean(np.linalg.det(drawn) > 0) - 0.5) < 0.05


def test_flat_direction_has_no_condition():
    for flat in (
        Quadratic(np.diag([0.0, 3.0])),
        Quadratic.with_spectrum([0.0, 3.0, 5.0], seed=1),
        Quadratic(np.ones((3, 3))),
        Quadratic(np.zeros((2, 2))),
        Quadratic(np.ones((3, 3), np.float32)),
    ):
        assert flat.strong_convexity == 0.0
        assert flat.condition_number == np.inf


def test_hessian_handed_out_is_a_copy():
    bowl = Quadratic(np.eye(2))
    bowl.hessian([0.0, 0.0])[:] = 7
    assert bowl.hessian([0.0, 0.0]).tolist() == np.eye(2).tolist()


def test_single_precision_products_of_data_are_accepted():
    """A.T @ A in float32 is symmetric and positive semi-definite up to float32's rounding."""
    A = np.random.default_rng(0).standard_normal((5, 20)).astype(np.float32)
    gram = A.T @ A
    gram[0, 1] *= 1 + 1e-7
    assert Quadratic(gram).strong_convexity == 0.0


def test_repr_says_how_hard_it_is():
    assert repr(Quadratic(np.diag([1.0, 25.0]))) == "Quadratic(n=2, condition_number=25)"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones((2, 3)),), ValueError, r"hessian must be square, got shape \(2, 3\)"),
        ((np.ones((0, 0)),), ValueError, r"hessian must be square, got shape \(0, 0\)"),
        ((np.ones(3),), ValueError, r"hessian must have 2 dimension"),
        ((5.0,), ValueError, r"hessian must have 2 dimension\(s\), got shape \(\)"),
        (([[1.0, np.nan], [0, 1]],), ValueError, r"hessian must hold finite numbers, got nan"),
        (("ab",), TypeError, "hessian must hold real numbers"),
        (([[1.0, 2.0], [0.0, 1.0]],), ValueError, r"hessian must be symmetric: pass \(H"),
        (([[1.0, 1e-9], [0.0, 1.0]],), ValueError, r"hessian must be symmetric"),
        ((np.diag([1.0, -1.0]),), ValueError, "no negative eigenvalue.*smallest eigenvalue is -1"),
        ((np.diag([1.0, -1e-9]),), ValueError, "no negative eigenvalue"),
        ((np.eye(2), [1.0]), ValueError, r"minimizer must have shape \(2,\), got shape \(1,\)"),
        ((np.eye(2), [1.0, np.inf]), ValueError, "minimizer must hold finite numbers"),
        ((np.eye(2), None, np.nan), ValueError, "minimum must be a finite number, got nan"),
        ((np.eye(2), None, "0"), TypeError, "minimum must be a real number, got '0'"),
    ],
)
def test_quadratic_that_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        Quadratic(*arguments)


@pytest.mark.parametrize(
    ("curvatures", "message"),
    [
        ([], r"curvatures must be at least one number >= 0, got \[\]"),
        ([1.0, -2.0], r"curvatures must be at least one number >= 0, got \[1.0, -2.0\]"),
        ([[1.0]], "curvatures must have 1 dimension"),
        ([np.nan], "curvatures must hold finite numbers"),
    ],
)
def test_spectrum_that_is_refused(curvatures, message):
    with pytest.raises(ValueError, match=message):
        Quadratic.with_spectrum(curvatures)


def test_rotation_that_is_refused():
    with pytest.raises(ValueError, match="n must be at least 1, got 0"):
        random_rotation(0, 0)
