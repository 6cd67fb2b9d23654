"""What the chapter proves of descent on a quadratic, tried on random quadratics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course_lib import rates
from course_lib.descent import DivergenceWarning, descend
from course_lib.line_search import ExactLineSearch
from course_lib.objectives import FunctionObjective, Quadratic, himmelblau
from course_lib.optimizers import ConjugateGradient, GradientDescent, Newton
from tests.lib.strategies import bowls, seeds


def _run(bowl, step_size, n, start=None):
    start = bowl.start if start is None else start
    return descend(bowl.objective, start, GradientDescent(step_size), max_iterations=n)


def _gap(bowl, trace):
    """How far every value lies above the minimum, and what rounding makes of that."""
    gap = trace.value - bowl.objective.minimum
    size = abs(bowl.objective.minimum) + trace.value[0] + bowl.curvatures[-1]
    return gap, 1e-14 * size


# The step size.


@given(bowls(max_condition=1000), st.floats(0.01, 1.999))
def test_below_two_over_l_the_objective_falls_in_every_step(bowl, share):
    trace = _run(bowl, share / bowl.objective.smoothness, 100)
    gap, rounding = _gap(bowl, trace)
    assert (np.diff(gap)[gap[:-1] > rounding] < rounding).all()
    # And it falls by at least what the descent lemma promises: α (1 - α L / 2) ‖∇f‖².
    alpha = share / bowl.objective.smoothness
    promised = alpha * (1 - share / 2) * trace.gradient_norm[:-1] ** 2
    assert (gap[:-1] - gap[1:] >= promised * (1 - 1e-9) - 10 * rounding).all()
    # Well above rounding it falls strictly.
    early = gap[:-1] > 1e6 * rounding
    assert (np.diff(gap)[early] < 0).all()


@given(bowls(max_condition=1000), st.floats(0.01, 1.999))
def test_every_error_is_multiplied_by_its_own_factor(bowl, share):
    alpha = share / bowl.objective.smoothness
    n = 20
    trace = _run(bowl, alpha, n)
    shares = (trace.theta - bowl.objective.minimizer) @ bowl.axes
    factors = rates.error_factors(alpha, bowl.curvatures)
    expected = shares[0] * factors ** np.arange(n + 1)[:, None]
    np.testing.assert_allclose(shares, expected, atol=1e-12 * np.abs(shares).max())


@given(bowls(max_condition=100), st.floats(0.05, 1.95))
def test_measured_rate_is_the_predicted_one(bowl, share):
    """To 1e-6, once the slowest direction is alone and before rounding is all that is left."""
    alpha = share / bowl.objective.smoothness
    factors = np.sort(np.abs(rates.error_factors(alpha, bowl.curvatures)))
    rate = rates.convergence_rate(alpha, bowl.curvatures)
    assert rate == factors[-1]
    # The error must not have shrunk to rounding before the other directions have died away.
    assume(rate > 0.3)
    rivals = factors[factors < rate * (1 - 1e-12)]
    rival = max(rivals.max(initial=0.0), 1e-3)
    # The share of the others is at most 6 · 4² · (rival / rate)^(2n); ask for less than 1e-8.
    n = int(np.ceil(np.log(1e-10) / (2 * np.log(rival / rate)))) + 10
    assume(rate**n > 1e-7)
    assume(n < 5000)
    trace = _run(bowl, alpha, n)
    assert trace.rate(bowl.objective.minimizer, last=5) == pytest.approx(rate, rel=1e-6)


@given(bowls(max_condition=100), st.floats(1.02, 3.0))
def test_above_two_over_l_the_run_diverges_and_says_so(bowl, excess):
    alpha = excess * rates.largest_stable_step(bowl.objective.smoothness)
    growth = rates.convergence_rate(alpha, bowl.curvatures)
    assert growth > 1
    with pytest.warns(DivergenceWarning, match="the run diverged with step size"):
        trace = _run(bowl, alpha, 100_000)
    assert trace.diverged
    assert np.isfinite(trace.theta).all()
    assert np.isfinite(trace.value).all()
    gap, _ = _gap(bowl, trace)
    assert gap[-1] > 1e20 * gap[0]
    # It grows by no more than the fastest direction alone would.
    assert 1 < np.sqrt(gap[-1] / gap[-2]) <= growth * (1 + 1e-9)


@given(bowls(min_n=2, max_condition=1000))
def test_at_two_over_l_the_steepest_direction_swings_for_ever(bowl):
    trace = _run(bowl, rates.largest_stable_step(bowl.curvatures[-1]), 51)
    shares = (trace.theta - bowl.objective.minimizer) @ bowl.axes[:, -1]
    np.testing.assert_allclose(shares[1:], -shares[:-1], rtol=1e-9)


@given(bowls(min_n=2, max_condition=100), st.floats(0.1, 1.9))
def test_best_constant_step_is_the_best(bowl, share):
    mu, L = bowl.curvatures[[0, -1]]
    best = rates.convergence_rate(rates.optimal_step(mu, L), bowl.curvatures)
    assert best == pytest.approx(rates.optimal_rate(L / mu), abs=1e-12)
    assert rates.convergence_rate(share / L, bowl.curvatures) >= best - 1e-12


@given(bowls(max_condition=50), st.floats(1e-6, 0.5))
def test_predicted_iterations_suffice(bowl, reduction):
    mu, L = bowl.curvatures[[0, -1]]
    needed = rates.iterations_to_reach(rates.optimal_rate(L / mu * (1 + 1e-12)), reduction)
    trace = _run(bowl, rates.optimal_step(mu, L), needed)
    errors = trace.errors(bowl.objective.minimizer)
    assert errors[-1] <= reduction * errors[0] * (1 + 1e-9) + 1e-12


# Invariances.


@given(bowls(), seeds)
def test_rotation_and_translation_change_nothing(bowl, seed):
    rng = np.random.default_rng(seed)
    n = len(bowl.start)
    Q, shift = np.linalg.qr(rng.standard_normal((n, n)))[0], rng.uniform(-3, 3, n)
    inner = bowl.objective
    moved = Quadratic(
        Q @ inner.hessian(bowl.start) @ Q.T, Q @ inner.minimizer + shift, inner.minimum
    )
    for optimizer in (
        GradientDescent(0.7 / inner.smoothness),
        GradientDescent(ExactLineSearch()),
        ConjugateGradient(),
        Newton(),
    ):
        here = descend(inner, bowl.start, optimizer, max_iterations=min(n, 4))
        there = descend(moved, Q @ bowl.start + shift, optimizer, max_iterations=min(n, 4))
        points = min(len(here.theta), len(there.theta))
        np.testing.assert_allclose(
            there.theta[:points], here.theta[:points] @ Q.T + shift, atol=1e-7
        )


@given(bowls(), st.floats(1e-3, 1e3), st.floats(0.05, 1.9))
def test_scaling_the_objective_is_scaling_the_step(bowl, c, share):
    inner = bowl.objective
    scaled = Quadratic(c * inner.hessian(bowl.start), inner.minimizer, c * inner.minimum)
    alpha = share / inner.smoothness
    here = descend(inner, bowl.start, GradientDescent(alpha), max_iterations=10)
    there = descend(scaled, bowl.start, GradientDescent(alpha / c), max_iterations=10)
    np.testing.assert_allclose(there.theta, here.theta, atol=1e-11)
    np.testing.assert_allclose(there.value, c * here.value, rtol=1e-9, atol=1e-11 * c)


@given(st.floats(1e-3, 1e3))
def test_exact_search_and_newton_do_not_see_the_scale(c):
    inner = himmelblau()
    scaled = FunctionObjective(
        lambda t: c * inner.value(t),
        lambda t: c * inner.gradient(t),
        hessian=lambda t: c * inner.hessian(t),
        n_parameters=2,
    )
    for optimizer in (GradientDescent(ExactLineSearch()), Newton()):
        here = descend(inner, [3.5, 2.5], optimizer, max_iterations=3)
        there = descend(scaled, [3.5, 2.5], optimizer, max_iterations=3)
        np.testing.assert_allclose(there.theta, here.theta, rtol=1e-5)


@given(bowls(), st.floats(-5, 5))
def test_adding_a_constant_changes_no_step(bowl, constant):
    inner = bowl.objective
    lifted = Quadratic(inner.hessian(bowl.start), inner.minimizer, inner.minimum + constant)
    alpha = 1 / inner.smoothness
    here, there = (
        descend(o, bowl.start, GradientDescent(alpha), max_iterations=5) for o in (inner, lifted)
    )
    np.testing.assert_array_equal(there.theta, here.theta)


# The exact line search.


@given(bowls(min_n=2, max_condition=1000))
def test_successive_gradients_of_exact_searches_are_orthogonal(bowl):
    trace = _run(bowl, ExactLineSearch(), 15)
    gradients = np.array([bowl.objective.gradient(point) for point in trace.theta])
    norms = np.linalg.norm(gradients, axis=1)
    cosines = (gradients[1:] * gradients[:-1]).sum(axis=1) / (norms[1:] * norms[:-1] + 1e-300)
    rounding = 1e-13 * bowl.curvatures[-1]
    assert (np.abs(cosines)[norms[1:] > 1e8 * rounding] < 1e-6).all()


@given(bowls(min_n=2, max_condition=1000))
def test_exact_search_contracts_at_least_by_kantorovichs_bound(bowl):
    trace = _run(bowl, ExactLineSearch(), 15)
    gap, rounding = _gap(bowl, trace)
    bound = rates.optimal_rate(bowl.curvatures[-1] / bowl.curvatures[0]) ** 2
    assert (gap[1:] <= bound * gap[:-1] * (1 + 1e-9) + 10 * rounding).all()


@given(bowls(min_n=2, max_condition=1000), st.floats(0.1, 10), st.sampled_from([-1, 1]))
def test_the_bound_is_attained_at_the_worst_start(bowl, size, sign):
    """Errors 1/μ and ±1/L along the flattest and the steepest axis, none along the others."""
    mu, L = bowl.curvatures[[0, -1]]
    assume(L / mu > 1.5)
    worst = size * mu * (bowl.axes[:, 0] / mu + sign * bowl.axes[:, -1] / L)
    start = bowl.objective.minimizer + worst
    trace = _run(bowl, ExactLineSearch(), 4, start)
    gap, rounding = _gap(bowl, trace)
    np.testing.assert_allclose(
        gap[1:], rates.optimal_rate(L / mu) ** 2 * gap[:-1], rtol=1e-5, atol=100 * rounding
    )


def _cosine(bowl, error):
    """Between the negative gradient and the way to the minimizer."""
    downhill = -bowl.objective.gradient(bowl.objective.minimizer + error)
    return downhill @ -error / np.linalg.norm(downhill) / np.linalg.norm(error)


@given(bowls(min_n=2, max_condition=1e4), seeds)
def test_kantorovichs_angle_bounds_every_point(bowl, seed):
    mu, L = bowl.curvatures[[0, -1]]
    bound = rates.kantorovich_cosine(L / mu)
    error = bowl.axes @ np.random.default_rng(seed).standard_normal(len(bowl.start))
    assert _cosine(bowl, error) >= bound - 1e-9


@given(bowls(min_n=2, max_condition=1e4))
def test_kantorovichs_angle_is_attained(bowl):
    """Where the error along the flattest axis is √κ times that along the steepest."""
    mu, L = bowl.curvatures[[0, -1]]
    error = np.sqrt(L / mu) * bowl.axes[:, 0] + bowl.axes[:, -1]
    assert _cosine(bowl, error) == pytest.approx(rates.kantorovich_cosine(L / mu), abs=1e-9)


# Curvature.


@given(bowls(min_n=2, max_condition=1000))
def test_conjugate_gradients_never_do_worse_than_exact_descent(bowl):
    """Each CG point is the lowest of a space that contains every point steepest descent reaches."""
    n = len(bowl.start)
    slow = descend(bowl.objective, bowl.start, GradientDescent(ExactLineSearch()), max_iterations=n)
    fast = descend(bowl.objective, bowl.start, ConjugateGradient(), max_iterations=n)
    k = min(len(slow.value), len(fast.value))
    rounding = 1e-12 * (abs(slow.value[0]) + 1)
    assert (fast.value[:k] <= slow.value[:k] + rounding).all()
