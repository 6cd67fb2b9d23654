"""One pass over the samples: the same as the mathematics, in every learner."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from course_lib.activations import sigmoid
from course_lib.costs import (
    HalfSquaredError,
    HingeLoss,
    LogisticMarginLoss,
    PerceptronLoss,
    SoftmaxCrossEntropy,
)
from course_lib.gradient_check import check_gradient
from course_lib.linear_learners import by_sample, passes
from course_lib.linear_learners.by_sample import LogisticLearner, SampleLearner, step_sizes
from course_lib.linear_learners.fitting import LinearOutputs
from course_lib.linear_learners.margin_risk import HingeRisk, LogisticRisk
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.penalties import L2

COSTS = {
    passes.SQUARED: HalfSquaredError(),
    passes.PERCEPTRON: PerceptronLoss(),
    passes.HINGE: HingeLoss(),
    passes.LOGISTIC: LogisticMarginLoss(),
}


@pytest.fixture(params=["compiled", "plain"])
def way(request, monkeypatch):
    """Each test twice: with numba (where it is installed) and without."""
    monkeypatch.setenv("COURSE_COMPILED", "1" if request.param == "compiled" else "0")
    from course_lib.compiled import compiled, numba_is_available

    numba_is_available.cache_clear()
    for name in ("dot", "axpy", "sigmoid"):
        helper = getattr(passes, name)
        monkeypatch.setattr(passes, name, passes._VectorOperation(helper.python))
    for name in ("slope", "one_sample_pass", "mini_batch_pass"):
        again = compiled(getattr(passes, name).python)
        monkeypatch.setattr(passes, name, again)
        if hasattr(by_sample, name):
            monkeypatch.setattr(by_sample, name, again)
    yield request.param
    monkeypatch.undo()
    numba_is_available.cache_clear()


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 5))
    return X, np.where(X @ rng.standard_normal(5) + rng.standard_normal(60) > 0, 1.0, -1.0)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("score", [-800.0, -1.5, -0.2, 0.3, 1.0, 2.5, 800.0])
@pytest.mark.parametrize("target", [-1.0, 1.0])
def test_slopes_are_the_derivatives_of_the_costs(way, cost, score, target):
    found = passes.slope(cost, score, target)
    expected = COSTS[cost].derivative(np.array([score]), np.array([target]))[0]
    assert found == pytest.approx(expected, rel=1e-13)


def test_the_sigmoid_of_every_entry(way):
    x, out = np.array([-800.0, -1.5, 0.0, 0.3, 800.0]), np.empty(5)
    passes.sigmoid(x, out)
    np.testing.assert_allclose(out, sigmoid(x), rtol=1e-15, atol=0)
    passes.sigmoid.python(x, x)
    np.testing.assert_allclose(x, out, rtol=1e-15, atol=0)


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("intercept", [True, False])
def test_a_pass_is_gradient_steps_one_sample_at_a_time(way, data, cost, intercept):
    X, y = data
    rng = np.random.default_rng(1)
    order, weight = rng.permutation(60), rng.random(60) + 0.5
    sizes = partial(step_sizes, 0.1, decay=0.2)
    learner = SampleLearner(1, 5, X.dtype, cost, sizes, decay=0.2, intercept=intercept)
    moved = sum(learner.epoch(X, y[None], weight, order) for _ in range(2))
    w, b, count = np.zeros(5), 0.0, 0
    for k, i in enumerate([*order, *order]):
        eta = 0.1 / (1 + 0.1 * 0.2 * k)
        slope = passes.slope.python(cost, X[i] @ w + b, y[i])
        w = (1 - eta * 0.2) * w - eta * weight[i] * slope * X[i]
        b -= eta * weight[i] * slope * intercept
        count += slope != 0
    np.testing.assert_allclose(learner.theta[0], [*w, b], rtol=1e-12, atol=1e-14)
    assert moved.tolist() == [count]


def test_a_mean_of_the_points_on_the_way(way, data):
    X, y = data
    sizes = partial(step_sizes, 5.0, decay=0.2)
    learner = SampleLearner(1, 5, X.dtype, passes.HINGE, sizes, decay=0.2, averaging=True)
    points = []
    for i in range(60):
        learner.epoch(X, y[None], None, np.array([i]))
        points.append(learner.theta[0].copy())
    # The first step size is 1 / decay: it shrinks the weights to nothing, and the scale restarts.
    expected = np.average(points, axis=0, weights=np.arange(1, 61))
    np.testing.assert_allclose(learner.mean[0], expected, rtol=1e-12)
    whole = SampleLearner(1, 5, X.dtype, passes.HINGE, sizes, decay=0.2, averaging=True)
    whole.epoch(X, y[None], None, np.arange(60))
    np.testing.assert_allclose(whole.mean, learner.mean, rtol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("laid_out", [16, 512])
def test_batches_are_gradient_steps(way, data, monkeypatch, n_classes, intercept, laid_out):
    monkeypatch.setattr(by_sample, "LAID_OUT", laid_out)
    X, _ = data
    rng = np.random.default_rng(2)
    codes, weight = rng.integers(n_classes, size=60), rng.random(60) + 0.5
    order = rng.permutation(60)
    learner = LogisticLearner(
        n_classes,
        5,
        X.dtype,
        partial(step_sizes, 0.3, decay=0.1),
        decay=0.1,
        intercept=intercept,
        batch_size=8,
    )
    learner.epoch(X, codes, weight, order)
    if n_classes == 2:
        model, cost, y = LinearModel(5, intercept=intercept), LogisticMarginLoss(), 2.0 * codes - 1
    else:
        model, cost, y = LinearOutputs(5, 3, intercept=intercept), SoftmaxCrossEntropy(), codes
    theta = model.layout.zeros()
    for k in range(8):
        batch = order[8 * k : 8 * k + 8]
        risk = EmpiricalRisk(
            model, cost, X[batch], y[batch], penalty=L2(0.1), sample_weight=weight[batch]
        )
        # The weights keep the scale they have on all samples.
        step = risk.gradient(theta) - risk.penalty.gradient(theta)
        step = weight[batch].mean() * step + risk.penalty.gradient(theta)
        theta -= 0.3 / (1 + 0.03 * k) * step
    np.testing.assert_allclose(learner.flat[: len(theta)], theta, rtol=1e-11, atol=1e-14)
    if not intercept:
        assert not learner.theta[:, -1].any()


def test_single_precision_stays_where_it_is_compiled(way, data):
    X, y = data
    learner = SampleLearner(1, 5, np.dtype(np.float32), passes.LOGISTIC, partial(step_sizes, 0.1))
    learner.epoch(learner.samples(X), y[None].astype(np.float32), None, np.arange(60))
    double = SampleLearner(1, 5, X.dtype, passes.LOGISTIC, partial(step_sizes, 0.1))
    double.epoch(X, y[None], None, np.arange(60))
    from course_lib.compiled import numba_is_available

    assert learner.theta.dtype == (np.float32 if numba_is_available() else np.float64)
    np.testing.assert_allclose(learner.theta, double.theta, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 3, 4, 7, 20])
def test_loops_over_entries_are_the_blas_routines(way, n):
    x, y = np.random.default_rng(n).standard_normal((2, n))
    expected = y + 0.3 * x
    for dot in (passes.dot, passes.dot.python) if n else (passes.dot.python,):
        assert dot(x, y) == pytest.approx(x @ y, abs=1e-14)
    for axpy in (passes.axpy, passes.axpy.python) if n else (passes.axpy.python,):
        moved = y.copy()
        axpy(x, moved, n, 0.3)
        np.testing.assert_allclose(moved, expected, rtol=1e-14)


def test_step_sizes():
    np.testing.assert_allclose(step_sizes(0.5, 2, 2, decay=0.1), [0.5 / 1.1, 0.5 / 1.15])
    assert step_sizes(0.5, 0, 2).tolist() == [0.5, 0.5]
    assert step_sizes(lambda k: 1.0 / (k + 1), 1, 2).tolist() == [0.5, 1 / 3]
    with pytest.raises(ValueError, match="step_size must be a finite number > 0, got -1"):
        step_sizes(-1, 0, 1)


@pytest.mark.parametrize(
    ("kind", "cost"), [(LogisticRisk, LogisticMarginLoss()), (HingeRisk, HingeLoss())]
)
@pytest.mark.parametrize("weighted", [False, True])
class TestMarginRisks:
    def test_they_are_the_empirical_risk(self, data, kind, cost, weighted):
        X, y = data
        weight = np.random.default_rng(3).random(60) if weighted else None
        weight = None if weight is None else weight / weight.mean()
        mask = np.array([True] * 5 + [False])
        theta = np.random.default_rng(4).standard_normal(6)
        for centre in (None, X.mean(axis=0)):
            fast = kind(X, y, L2(0.3, mask), weight=weight, centre=centre)
            moved = X if centre is None else X - centre
            slow = EmpiricalRisk(
                LinearModel(5), cost, moved, y, penalty=L2(0.3), sample_weight=weight
            )
            assert fast.value(theta) == pytest.approx(slow.value(theta), rel=1e-13)
            np.testing.assert_allclose(fast.gradient(theta), slow.gradient(theta), atol=1e-14)
            check_gradient(fast, theta)

    def test_without_intercept_the_bias_stays(self, data, kind, cost, weighted):
        X, y = data
        assert kind(X, y, intercept=False).gradient(np.ones(6))[-1] == 0.0

    def test_extreme_scores(self, data, kind, cost, weighted):
        X, y = data
        fast, slow = kind(X, y), EmpiricalRisk(LinearModel(5), cost, X, y)
        theta = np.full(6, 1e4)
        assert fast.value(theta) == pytest.approx(slow.value(theta), rel=1e-13)
        np.testing.assert_allclose(fast.gradient(theta), slow.gradient(theta), rtol=1e-13)

    def test_takes_all_samples_or_says_why_not(self, data, kind, cost, weighted):
        with pytest.raises(ValueError, match="batch must be None"):
            kind(*data).value(np.zeros(6), [0, 1])


def test_several_outputs_have_the_gradient_of_their_cost():
    rng = np.random.default_rng(5)
    X, codes = rng.standard_normal((20, 3)), rng.integers(4, size=20)
    for intercept in (True, False):
        model = LinearOutputs(3, 4, intercept=intercept)
        risk = EmpiricalRisk(model, SoftmaxCrossEntropy(), X, codes, penalty=L2(0.1))
        check_gradient(risk, rng.standard_normal(risk.n_parameters))
        assert repr(model) == f"LinearOutputs(3, 4, intercept={intercept})"
