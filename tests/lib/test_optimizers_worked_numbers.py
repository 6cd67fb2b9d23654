"""Numbers about optimizers that the source documents' claims come down to."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from course_lib.averaging import IterateAverage
from course_lib.descent import DivergenceWarning, descend
from course_lib.momentum_rates import (
    heavy_ball_factors,
    heavy_ball_largest_stable_step,
    heavy_ball_tuning,
)
from course_lib.objectives import FunctionObjective, Quadratic, double_well, rosenbrock, saddle
from course_lib.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AMSGrad,
    GradientDescent,
    Momentum,
    Nesterov,
    RMSProp,
    accelerated_momentum,
    accumulate,
    chain,
    clip_by_norm,
    clip_by_value,
    direction_of,
    scale_by_step_size,
)
from course_lib.schedules import InverseTime, Piecewise, PowerLaw


def steps_under(optimizer, gradients, theta=0.0):
    """The steps, and the points, of one coordinate under given gradients."""
    theta = np.array([float(theta)])
    state, steps, points = optimizer.init(theta), [], []
    for gradient in gradients:
        step = optimizer.update(np.array([float(gradient)]), state, theta)
        steps.append(float(step[0]))
        theta += step
        points.append(float(theta[0]))
    return np.array(steps), np.array(points)


def iterations_to(trace, error):
    return int(np.argmax(np.abs(trace.theta).max(axis=1) <= error))


@pytest.mark.parametrize(
    ("condition", "descent", "momentum"), [(1000, 6908, 321), (100, 691, 95)], ids=["C054", "C222"]
)
def test_momentum_needs_the_root_of_the_condition_number(condition, descent, momentum):
    bowl, start = Quadratic(np.diag([1.0, condition])), [1.0, 1.0]
    slow = descend(bowl, start, GradientDescent(2 / (1 + condition)), max_iterations=7000)
    tuning = heavy_ball_tuning(1.0, condition)
    heavy_ball = Momentum(tuning.step_size, tuning.momentum)
    fast = descend(bowl, start, heavy_ball, max_iterations=400)
    assert (iterations_to(slow, 1e-6), iterations_to(fast, 1e-6)) == (descent, momentum)


def test_momentum_is_a_discounted_sum_c054():
    gradients = [1.0, -2.0, 0.5, 4.0]
    steps, _ = steps_under(Momentum(1.0, 0.9), gradients)
    expected = -sum(0.9 ** (3 - j) * g for j, g in enumerate(gradients))
    assert steps[-1] == pytest.approx(expected, rel=1e-14)


def test_momentum_helps_slow_directions_and_hinders_fast_ones_c055():
    alone = heavy_ball_factors(0.01, 0.0, [1.0, 100.0])
    with_momentum = heavy_ball_factors(0.01, 0.9, [1.0, 100.0])
    np.testing.assert_allclose(alone, [0.99, 0.0], atol=1e-15)
    np.testing.assert_allclose(with_momentum, sqrt(0.9), rtol=1e-14)


@pytest.mark.parametrize("size", [0.01, 1.0, 100.0])
def test_adagrad_steps_by_the_root_of_time_whatever_the_gradient_c056(size):
    steps, _ = steps_under(AdaGrad(0.1), [size] * 100)
    assert -steps[0] == pytest.approx(0.1, rel=1e-6)
    assert -steps[-1] == pytest.approx(0.01, rel=1e-6)


def test_rmsprop_forgets_and_adagrad_does_not_c057():
    steady = [-steps_under(rule, [1.0] * 1000)[0][-1] for rule in (RMSProp(0.1), AdaGrad(0.1))]
    np.testing.assert_allclose(steady, [0.1, 0.1 / sqrt(1000)], rtol=1e-6)
    fallen = [100.0] * 500 + [1.0] * 100
    after = [-steps_under(rule, fallen)[0][-1] for rule in (RMSProp(0.1), AdaGrad(0.1))]
    np.testing.assert_allclose(after, [0.0889, 4.5e-5], rtol=0.01)


def test_nothing_leaves_an_exact_saddle_and_momentum_leaves_sooner_c068():
    escapes = []
    for optimizer in (GradientDescent(0.05), Momentum(0.05, 0.9), Adam(0.05)):
        at_rest = descend(saddle(), [0.0, 0.0], optimizer, max_iterations=50)
        np.testing.assert_array_equal(at_rest.final, [0.0, 0.0])
        nearly = descend(saddle(), [0.0, 1e-6], optimizer, max_iterations=400)
        escapes.append(int(np.argmax(np.abs(nearly.theta[:, 1]) > 0.9)))
    assert escapes == [297, 79, 19]


def test_large_momentum_rings_c071():
    bowl = Quadratic([[1.0]])
    plain = descend(bowl, [1.0], GradientDescent(0.01), max_iterations=500)
    heavy = descend(bowl, [1.0], Momentum(0.01, 0.99), max_iterations=500)
    changes = [np.count_nonzero(np.diff(np.sign(t.theta[:, 0]))) for t in (plain, heavy)]
    assert changes == [0, 16]
    assert abs(heavy.final[0]) > abs(plain.final[0])


def test_velocity_grows_when_gradients_agree_and_shrinks_when_they_do_not_c081():
    agreeing, _ = steps_under(Momentum(1.0, 0.9), [1.0] * 500)
    alternating, _ = steps_under(Momentum(1.0, 0.9), [1.0, -1.0] * 250)
    assert -agreeing[-1] == pytest.approx(10.0)
    assert abs(alternating[-1]) == pytest.approx(0.526316, abs=1e-6)


def test_weight_decay_is_the_gradient_of_a_penalty_and_shrinks_weights_c083():
    optimizer = SGD(0.05, weight_decay=0.1, rescale=1 / 32)
    _, points = steps_under(optimizer, [0.0] * 100, theta=1.0)
    assert points[-1] == pytest.approx((1 - 0.05 * 0.1) ** 100, rel=1e-12)
    assert points[-1] == pytest.approx(0.605770, abs=1e-6)
    # The step is minus the step size times the gradient of mean loss plus half λ times the square.
    step, _ = steps_under(optimizer, [64.0], theta=3.0)
    assert step[0] == pytest.approx(-0.05 * (64.0 / 32 + 0.1 * 3.0), rel=1e-14)


def test_clipping_each_entry_turns_the_direction_and_clipping_the_norm_does_not_c023_c084():
    gradient = np.array([1.0, 100.0])

    def cosine(link):
        clipped = link.update(gradient, link.init(gradient), gradient)
        return clipped @ gradient / np.linalg.norm(clipped) / np.linalg.norm(gradient)

    assert cosine(clip_by_norm(1.0)) == pytest.approx(1.0, abs=1e-15)
    assert cosine(clip_by_value(1.0)) == pytest.approx(0.714, abs=1e-3)


def test_a_clipping_bound_of_zero_is_refused_where_the_listing_loses_the_gradient_c084():
    with pytest.raises(ValueError, match="clip must be a finite number > 0"):
        SGD(clip=0.0)


def test_the_listing_clips_before_it_rescales_and_decays_c084():
    optimizer = SGD(0.1, momentum=0.9, weight_decay=0.01, rescale=0.5, clip=2.0)
    steps, points = steps_under(optimizer, [10.0, -3.0], theta=4.0)
    first = -0.1 * (0.5 * 2.0 + 0.01 * 4.0)
    second = 0.9 * first - 0.1 * (0.5 * -2.0 + 0.01 * points[0])
    np.testing.assert_allclose(steps, [first, second], rtol=1e-13)


def test_adam_records_squares_and_not_a_variance_c098():
    optimizer = Adam(0.01)
    theta = np.zeros(1)
    state = optimizer.init(theta)
    for _ in range(50):
        step = optimizer.update(np.array([3.0]), state, theta)
    assert optimizer.means(state)[1][0] == pytest.approx(9.0, rel=1e-12)
    assert step[0] == pytest.approx(-0.01, rel=1e-8)


def test_adam_starts_with_the_sign_of_the_gradient_c099():
    for gradient in (-7.0, 1e-3, 50.0):
        steps, _ = steps_under(Adam(0.01, epsilon=1e-12), [gradient])
        assert steps[0] == pytest.approx(-0.01 * np.sign(gradient), rel=1e-6)
    # Without bias correction the first step would be 3.16 times as long.
    uncorrected, _ = steps_under(AMSGrad(0.01, epsilon=1e-12, correction="none"), [50.0])
    assert uncorrected[0] == pytest.approx(-0.0316, abs=1e-4)


def test_adam_is_not_momentum_on_rescaled_gradients_c099():
    gradients = np.random.default_rng(0).standard_normal(30) * np.geomspace(1, 100, 30)
    adam, _ = steps_under(Adam(0.01, 0.9, 0.99), gradients)
    other = chain(direction_of(RMSProp(decay=0.99)), accumulate(0.9), scale_by_step_size(0.001))
    rescaled, _ = steps_under(other, gradients)
    assert np.abs(adam - rescaled).max() > 1e-3


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_heavy_ball_is_stable_up_to_its_bound_c100(momentum):
    bowl, bound = Quadratic([[4.0]]), heavy_ball_largest_stable_step(4.0, momentum)
    assert bound == 2 * (1 + momentum) / 4.0
    inside = descend(bowl, [1.0], Momentum(0.99 * bound, momentum), max_iterations=3000)
    assert abs(inside.final[0]) < 1e-6
    with pytest.warns(DivergenceWarning):
        outside = descend(bowl, [1.0], Momentum(1.01 * bound, momentum), max_iterations=20000)
    assert outside.diverged


def test_nesterovs_bound_holds_and_the_loss_may_be_shifted_c114():
    bowl, start = Quadratic(np.diag([1.0, 100.0])), np.array([1.0, 1.0])
    optimizer = Nesterov(1 / 100, accelerated_momentum, form="sutskever")
    trace = descend(bowl, start, optimizer, max_iterations=400)
    k = np.arange(401)
    assert (trace.value <= 2 * 100 * (start @ start) / (k + 1) ** 2).all()
    shifted = Quadratic(np.diag([1.0, 100.0]), minimum=7.0)
    same = descend(shifted, start, optimizer, max_iterations=400)
    np.testing.assert_array_equal(same.theta, trace.theta)


def test_nesterovs_own_sequence_against_descent_c114():
    weights = [1.0]
    for _ in range(200):
        weights.append((1 + sqrt(1 + 4 * weights[-1] ** 2)) / 2)
    bowl, start = Quadratic(np.diag([1.0, 100.0])), [1.0, 1.0]
    slow = descend(bowl, start, GradientDescent(1 / 100), max_iterations=200)
    fast = descend(
        bowl,
        start,
        Nesterov(1 / 100, lambda k: (weights[k - 1] - 1) / weights[k] if k else 0.0,
                 form="sutskever"),
        max_iterations=200,
    )  # fmt: skip
    assert slow.value[-1] == pytest.approx(0.00898, abs=1e-5)
    assert fast.value[-1] == pytest.approx(6.7e-6, abs=5e-8)


def test_adagrad_gives_rare_features_longer_steps_c115():
    rng = np.random.default_rng(0)
    gradients = np.column_stack([np.ones(10_000), rng.permutation(10_000) < 100])
    optimizer, theta = AdaGrad(0.1), np.zeros(2)
    state = optimizer.init(theta)
    for gradient in gradients:
        optimizer.update(gradient, state, theta)
    dense, rare = 0.1 / np.sqrt(state["squares"])
    assert rare / dense == pytest.approx(10.0, rel=1e-6)


def test_adadelta_speeds_up_while_its_distance_grows_c116():
    steps, points = steps_under(AdaDelta(), [1.0] * 2000)
    np.testing.assert_allclose(-steps[[0, 99, 1999]], [0.00447, 0.00524, 0.0111], rtol=5e-3)
    assert -points[-1] == pytest.approx(16.7, abs=0.06)


def test_adadelta_with_a_frozen_numerator_is_rmsprop_c117():
    gradients = np.random.default_rng(0).standard_normal(50)
    frozen, theta = AdaDelta(decay=0.9, epsilon=1e-6), np.zeros(1)
    state = frozen.init(theta)
    frozen_steps = []
    for gradient in gradients:
        state["squared_steps"].fill(0.3**2 - 1e-6)
        frozen_steps.append(float(frozen.update(np.array([gradient]), state, theta)[0]))
    plain, _ = steps_under(RMSProp(0.3, 0.9, epsilon=1e-6, epsilon_inside=True), gradients)
    np.testing.assert_allclose(frozen_steps, plain, rtol=1e-12)


def test_the_two_forms_of_momentum_differ_only_after_a_change_of_step_size_c223():
    bowl = Quadratic(np.diag([1.0, 10.0]))
    cut = Piecewise([0.01, 0.001], [50])
    ways = [
        descend(bowl, [1.0, 1.0], Momentum(cut, 0.9, form=form), max_iterations=100).theta
        for form in Momentum.forms
    ]
    apart = np.abs(ways[0] - ways[1]).max(axis=1)
    assert apart[:51].max() < 1e-15
    assert apart.max() > 0.03


def test_adam_can_walk_to_the_worst_point_and_amsgrad_to_the_best_c029():
    # Reddi, Kale and Kumar (2018), theorem 1: a large gradient every third time, on [-1, 1].
    large = 3.0

    def end(optimizer):
        x = np.array([0.5])
        state = optimizer.init(x)
        for t in range(1, 30_001):
            gradient = np.array([large if t % 3 == 1 else -1.0])
            x += optimizer.update(gradient, state, x)
            np.clip(x, -1.0, 1.0, out=x)
        return x[0]

    settings = {"beta1": 0.0, "beta2": 1 / (1 + large**2)}
    rate = PowerLaw(0.2, exponent=0.5)
    # One round costs (large - 2) x: the best point is -1.
    assert end(Adam(rate, **settings)) > 0.9
    assert end(AMSGrad(rate, **settings, correction="none")) < -0.9
    assert end(AMSGrad(rate, **settings)) < -0.9


def test_adam_still_needs_a_step_size_c047():
    bowl = Quadratic.with_spectrum([1.0, 10.0, 100.0], seed=0)
    final = [
        descend(bowl, [1.0, 1.0, 1.0], Adam(rate), max_iterations=500).value[-1]
        for rate in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    ]
    assert max(final) / min(final) > 1e20


def test_momentum_and_adam_need_no_network_c042():
    for optimizer in (Momentum(1e-3, 0.9), Adam(0.05)):
        trace = descend(rosenbrock(), [-1.2, 1.0], optimizer, max_iterations=5000)
        assert trace.value[-1] < 1e-3


def test_momentum_does_not_lift_out_of_a_minimum_at_rest_c222():
    well = double_well()
    bad = descend(well, [1.2], GradientDescent(0.02), max_iterations=2000).final
    assert bad[0] > 0
    resting = descend(well, bad, Momentum(0.05, 0.9), max_iterations=500)
    np.testing.assert_allclose(resting.final, bad, atol=1e-10)


def noisy_parabola(seed):
    """The gradient x - ξ of ½ (x - ξ)², with noise of variance 1."""
    rng = np.random.default_rng(seed)
    noise = iter(rng.standard_normal(500_000))
    return FunctionObjective(
        lambda x: 0.5 * float(x[0]) ** 2, lambda x: x - next(noise), n_parameters=1
    )


def late_variance(optimizer, steps=60_000):
    trace = descend(noisy_parabola(0), [0.0], optimizer, max_iterations=steps)
    return trace.theta[1000:].var()


def test_noise_floors_c028_c118():
    # A constant step leaves α / (2 - α); at the same α / (1 - μ) momentum leaves the same.
    assert late_variance(GradientDescent(0.1)) == pytest.approx(0.1 / 1.9, rel=0.08)
    assert late_variance(GradientDescent(0.01)) == pytest.approx(0.01 / 1.99, rel=0.2)
    assert late_variance(Momentum(0.01, 0.9)) == pytest.approx(0.0501, rel=0.08)


def test_steps_of_one_over_k_are_the_running_mean_c028():
    samples = np.random.default_rng(0).standard_normal(200)
    optimizer, theta = GradientDescent(InverseTime(1.0, decay=1.0)), np.array([5.0])
    state = optimizer.init(theta)
    for k, sample in enumerate(samples, start=1):
        theta += optimizer.update(theta - sample, state, theta)
        assert theta[0] == pytest.approx(samples[:k].mean(), abs=1e-12)


def test_averaging_removes_the_noise_that_a_constant_step_leaves_c119():
    average = IterateAverage(first=1000)
    trace = descend(
        noisy_parabola(1), [0.0], GradientDescent(0.1), max_iterations=40_000, callbacks=[average]
    )
    assert average.value[0] ** 2 < 0.02 * trace.theta[1000:].var()
