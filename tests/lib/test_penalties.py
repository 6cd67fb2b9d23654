"""Penalties: values, (sub)gradients, proximal operators, masks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar

from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.penalties import L1, L2, ElasticNet, penalised_entries, soft_threshold

RNG = np.random.default_rng(12)
THETA = RNG.normal(size=9)
MASK = np.array([True, False, True, True, False, True, True, True, False])
PENALTIES = [
    L2(0.7),
    L1(0.7),
    ElasticNet(0.7, 0.3),
    L2(0.7, MASK),
    L1(0.7, MASK),
    ElasticNet(0.7, 0.3, MASK),
    ElasticNet(0.7, 0.0),
    L1(0.0),
]


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
class TestEveryPenalty:
    def test_gradient_and_hessian_by_differences(self, penalty):
        h = 1e-6
        for i, e in enumerate(h * np.eye(9)):
            slope = (penalty.value(THETA + e) - penalty.value(THETA - e)) / (2 * h)
            assert penalty.gradient(THETA)[i] == pytest.approx(slope, abs=1e-9)
            bend = (penalty.gradient(THETA + e) - penalty.gradient(THETA - e)) / (2 * h)
            assert_allclose(bend[i], penalty.hessian_diagonal(THETA)[i], atol=1e-9)

    def test_only_what_is_masked_in_is_penalised(self, penalty):
        mask = np.ones(9, bool) if penalty.mask is None else penalty.mask
        bare = penalty.with_mask(None)
        assert penalty.value(THETA) == pytest.approx(bare.value(THETA[mask]))
        assert_array_equal(penalty.gradient(THETA)[~mask], 0.0)
        assert_array_equal(penalty.hessian_diagonal(THETA)[~mask], 0.0)
        assert_array_equal(penalty.proximal(THETA, 0.4)[~mask], THETA[~mask])
        assert_allclose(penalty.proximal(THETA, 0.4)[mask], bare.proximal(THETA[mask], 0.4))

    def test_proximal_operator_minimizes_what_it_should(self, penalty):
        step = 0.4
        found = penalty.proximal(THETA, step)

        def objective(u):
            return 0.5 * ((u - THETA) ** 2).sum() + step * penalty.value(u)

        for i in range(9):

            def along(x, i=i):
                return objective(np.where(np.arange(9) == i, x, found))

            best = minimize_scalar(
                along, bounds=(-4, 4), method="bounded", options={"xatol": 1e-10}
            )
            assert found[i] == pytest.approx(best.x, abs=1e-6)
            assert objective(found) <= best.fun + 1e-15

    def test_proximal_writes_where_it_is_told(self, penalty):
        expected, theta = penalty.proximal(THETA, 0.4), THETA.copy()
        assert penalty.proximal(theta, 0.4, out=theta) is theta
        assert_array_equal(theta, expected)
        assert_array_equal(penalty.proximal(THETA, 0.0), THETA)

    def test_single_precision_stays(self, penalty):
        theta = THETA.astype(np.float32)
        for array in (
            penalty.gradient(theta),
            penalty.hessian_diagonal(theta),
            penalty.proximal(theta, 0.1),
        ):
            assert array.dtype == np.float32
            assert array.shape == theta.shape

    def test_quadratic_means_a_constant_hessian(self, penalty):
        no_l1 = isinstance(penalty, L2) or getattr(penalty, "l1_ratio", 1.0) == 0.0
        assert penalty.is_quadratic == no_l1


def test_formulas():
    w = np.array([-2.0, 0.0, 0.5])
    assert L2(0.1).value(w) == pytest.approx(0.05 * 4.25)
    assert L1(0.1).value(w) == pytest.approx(0.25)
    assert ElasticNet(0.1).l1_ratio == 0.5
    assert ElasticNet(0.1, 0.25).value(w) == pytest.approx(0.25 * 0.25 + 0.75 * 0.05 * 4.25)
    assert_allclose(L1(0.1).gradient(w), [-0.1, 0.0, 0.1])
    assert_allclose(L2(0.1).gradient(w), 0.1 * w)
    assert_allclose(ElasticNet(0.1, 0.25).gradient(w), 0.025 * np.sign(w) + 0.075 * w)
    assert_allclose(soft_threshold(w, 0.6), [-1.4, 0.0, 0.0])
    assert_allclose(L2(1.0).proximal(w, 0.25), w / 1.25)
    assert_allclose(ElasticNet(1.0, 0.5).proximal(w, 0.5), [-1.75 / 1.25, 0.0, 0.25 / 1.25])


def test_the_ends_of_the_elastic_net():
    for ratio, other in ((0.0, L2(0.7)), (1.0, L1(0.7))):
        net = ElasticNet(0.7, ratio)
        assert net.value(THETA) == pytest.approx(other.value(THETA))
        assert_allclose(net.gradient(THETA), other.gradient(THETA))
        assert_allclose(net.proximal(THETA, 0.2), other.proximal(THETA, 0.2))


def test_the_mask_that_spares_biases_and_gains():
    slices = {"0.weights": slice(0, 4), "0.bias": slice(4, 6), "1.gain": slice(6, 7)}
    assert penalised_entries(slices, 8).tolist() == [True] * 4 + [False] * 3 + [True]


def test_with_mask_leaves_the_original_alone():
    penalty = L2(0.7)
    masked = penalty.with_mask(MASK)
    assert penalty.mask is None
    assert masked.mask is not None
    assert masked.strength == 0.7


def test_proximal_steps_make_zeros_and_subgradient_steps_do_not():
    # Twenty features, three of which matter.
    X = RNG.normal(size=(100, 20))
    y = X[:, :3] @ [2.0, -3.0, 1.5] + 0.1 * RNG.normal(size=100)
    model = LinearModel(20, intercept=False)
    risk = EmpiricalRisk(model, HalfSquaredError(), X, y)
    penalty, step = L1(0.3), 0.3
    theta = np.zeros(20)
    for _ in range(500):
        penalty.proximal(theta - step * risk.gradient(theta), step, out=theta)
    assert np.count_nonzero(theta == 0.0) == 17
    lasso = EmpiricalRisk(model, HalfSquaredError(), X, y, penalty=penalty)
    trace = descend(lasso, np.zeros(20), GradientDescent(0.01), max_iterations=2000)
    assert np.count_nonzero(trace.theta[-1] == 0.0) == 0


class TestBadInput:
    def test_settings(self):
        with pytest.raises(ValueError, match="strength must be a finite number >= 0, got -1"):
            L2(-1)
        with pytest.raises(ValueError, match="l1_ratio must be a finite number >= 0 and <= 1"):
            ElasticNet(1.0, 1.5)
        with pytest.raises(ValueError, match="step_size must be"):
            L1(1.0).proximal(THETA, -0.1)

    def test_masks(self):
        for bad in ([0, 1, 2], [[True, False]]):
            with pytest.raises(TypeError, match="mask must be a 1-D array of booleans"):
                L2(1.0, bad)
            with pytest.raises(TypeError, match="mask must be a 1-D array of booleans"):
                L2(1.0).with_mask(bad)
        with pytest.raises(ValueError, match=r"mask of L2\(1\).*theta, \(3,\), got \(9,\)"):
            L2(1.0, MASK).value(np.zeros(3))

    def test_repr(self):
        assert repr(L1(0.25)) == "L1(0.25)"
        assert repr(ElasticNet(0.25, 0.1)) == "ElasticNet(0.25, l1_ratio=0.1)"
