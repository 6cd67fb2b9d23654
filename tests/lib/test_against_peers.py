"""The same numbers from someone else: numpy, scipy, scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy import optimize, special
from scipy.sparse.linalg import cg
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression

from course_lib.costs import HalfSquaredError, LogisticLoss, SquaredError
from course_lib.descent import descend
from course_lib.gradient_check import finite_difference_gradient
from course_lib.line_search import BacktrackingLineSearch
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, beale, himmelblau, rosenbrock
from course_lib.optimizers import ConjugateGradient, GradientDescent, Newton
from course_lib.preprocessing import standardize
from course_lib.stopping import GradientNorm
from tests.lib.strategies import bowls, seeds


@given(bowls(min_n=2, max_condition=30))
def test_conjugate_gradients_visit_scipys_points(bowl):
    """scipy solves H x = H x*, the same problem, by the linear form of the method."""
    n = len(bowl.start)
    hessian = bowl.objective.hessian(bowl.start)
    theirs = [bowl.start]
    cg(
        hessian,
        hessian @ bowl.objective.minimizer,
        x0=bowl.start,
        maxiter=n,
        rtol=0.0,
        atol=1e-9 * bowl.curvatures[0],
        callback=lambda point: theirs.append(point.copy()),
    )
    ours = descend(bowl.objective, bowl.start, ConjugateGradient(), max_iterations=len(theirs) - 1)
    k = min(len(theirs), len(ours.theta))
    np.testing.assert_allclose(ours.theta[:k], theirs[:k], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("objective", "start"),
    [
        (rosenbrock(), [0.8, 0.7]),
        (rosenbrock(4), [0.9, 0.8, 0.7, 0.5]),
        (beale(), [1.0, 0.2]),
        (himmelblau(), [2.0, 2.0]),
        (himmelblau(), [-3.0, -3.0]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_same_minima_as_scipy(objective, start):
    theirs = optimize.minimize(objective.value, start, jac=objective.gradient, method="BFGS")
    optimizers = [
        ConjugateGradient(),
        ConjugateGradient("fletcher-reeves"),
        Newton(BacktrackingLineSearch(), damping=1.0),
    ]
    if objective.name != "Rosenbrock":  # where the gradient alone needs ten thousand steps
        optimizers.append(GradientDescent(BacktrackingLineSearch()))
    for optimizer in optimizers:
        trace = descend(
            objective,
            start,
            optimizer,
            max_iterations=30_000,
            stop=GradientNorm(1e-5),
            keep_points=False,
        )
        assert trace.converged, optimizer
        np.testing.assert_allclose(trace.final, theirs.x, atol=1e-4)
        assert trace.value[-1] <= theirs.fun + 1e-9


@pytest.mark.parametrize("method", ["BFGS", "CG", "Newton-CG", "L-BFGS-B"])
def test_scipy_minimizes_our_objectives_as_they_are(method):
    objective = rosenbrock(3)
    found = optimize.minimize(
        objective.value,
        [-1.0, 1.0, 0.5],
        jac=objective.gradient,
        hess=objective.hessian if method == "Newton-CG" else None,
        method=method,
        options={"maxiter": 1000},
    )
    np.testing.assert_allclose(found.x, 1, atol=1e-3)


def test_rosenbrock_is_scipys(rng):
    ours = rosenbrock(6)
    for _ in range(5):
        x = rng.uniform(-2, 2, 6)
        assert ours.value(x) == pytest.approx(optimize.rosen(x), rel=1e-13)
        np.testing.assert_allclose(ours.gradient(x), optimize.rosen_der(x), rtol=1e-12)
        np.testing.assert_allclose(ours.hessian(x), optimize.rosen_hess(x), rtol=1e-12)
        v = rng.standard_normal(6)
        product = optimize.rosen_hess_prod(x, v)
        np.testing.assert_allclose(ours.hessian_vector_product(x, v), product, rtol=1e-10)


@given(seeds)
def test_differences_are_scipys(seed):
    x = np.random.default_rng(seed).uniform(-2, 2, 4)
    theirs = optimize.approx_fprime(x, rosenbrock(4).value, 1e-8)
    ours = finite_difference_gradient(rosenbrock(4), x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


# Least squares, on real data.


@pytest.fixture(scope="module")
def diabetes():
    patients = load_diabetes(scaled=False)
    return standardize(patients.data).data, patients.target


@pytest.mark.parametrize("cost", [HalfSquaredError(), SquaredError()], ids=repr)
@pytest.mark.parametrize(
    "optimizer", [Newton(), ConjugateGradient(), GradientDescent(0.2)], ids=repr
)
def test_least_squares_is_numpys(diabetes, cost, optimizer):
    X, y = diabetes
    risk = EmpiricalRisk(LinearModel(X.shape[1]), cost, X, y)
    theta = np.linalg.lstsq(risk.model.design_matrix(X), y)[0]
    trace = descend(
        risk,
        np.zeros(11),
        optimizer,
        stop=GradientNorm(1e-6),
        max_iterations=20_000,
        keep_points=False,
    )
    assert trace.converged
    np.testing.assert_allclose(trace.final, theta, atol=1e-3)
    residual = y - risk.model.design_matrix(X) @ theta
    factor = 1.0 if isinstance(cost, SquaredError) else 0.5
    assert trace.value[-1] == pytest.approx(factor * np.mean(residual**2), rel=1e-9)


def test_logistic_regression_is_scikit_learns():
    data = load_breast_cancer()
    X = standardize(data.data[:, :8]).data
    theirs = LogisticRegression(C=np.inf, tol=1e-8, max_iter=10_000).fit(X, data.target)
    risk = EmpiricalRisk(LinearModel(8), LogisticLoss(), X, data.target)
    trace = descend(risk, np.zeros(9), Newton(), stop=GradientNorm(1e-10), max_iterations=50)
    assert trace.converged
    assert trace.n_iterations < 20
    np.testing.assert_allclose(trace.final, [*theirs.coef_[0], *theirs.intercept_], rtol=1e-3)


def test_log_loss_is_scipys(rng):
    z, y = rng.uniform(-40, 40, 100), rng.integers(0, 2, 100)
    loss = LogisticLoss()
    np.testing.assert_allclose(
        loss.pointwise(z, y), -special.log_expit((2 * y - 1) * z), rtol=1e-14
    )
    np.testing.assert_allclose(
        loss.derivative(z, y), -(2 * y - 1) * special.expit(-(2 * y - 1) * z), rtol=1e-14
    )
    np.testing.assert_allclose(
        loss.second_derivative(z, y), special.expit(z) * special.expit(-z), rtol=1e-14
    )
