"""Named optimizers are chains of links, and the order of the links is what tells them apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.descent import descend
from course_lib.objectives import Quadratic
from course_lib.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    GradientDescent,
    Momentum,
    Nadam,
    Nesterov,
    RMSProp,
    accumulate,
    add_weight_decay,
    chain,
    clip_by_norm,
    clip_by_value,
    direction_of,
    rescale,
    scale_by_step_size,
)
from course_lib.schedules import InverseTime

RATE = InverseTime(0.05, decay=0.1)
PAIRS = {
    "gradient descent": (GradientDescent(RATE), chain(scale_by_step_size(RATE))),
    "sgd": (
        SGD(RATE, momentum=0.9, weight_decay=0.1, rescale=0.5, clip=2.0),
        chain(
            clip_by_value(2.0),
            rescale(0.5),
            add_weight_decay(0.1),
            scale_by_step_size(RATE),
            accumulate(0.9),
        ),
    ),
    "sgd that clips the rescaled gradient": (
        SGD(RATE, rescale=0.5, clip=2.0 / 0.5),
        chain(rescale(0.5), clip_by_value(2.0), scale_by_step_size(RATE)),
    ),
    "momentum, classical": (Momentum(RATE), chain(scale_by_step_size(RATE), accumulate(0.9))),
    "momentum, PyTorch's form": (
        Momentum(RATE, form="pytorch"),
        chain(accumulate(0.9), scale_by_step_size(RATE)),
    ),
    "adamw": (
        AdamW(RATE, weight_decay=0.1),
        chain(direction_of(Adam()), add_weight_decay(0.1), scale_by_step_size(RATE)),
    ),
    "adamw, spared": (
        AdamW(RATE, weight_decay=[0.1, 0.0, 0.2]),
        chain(direction_of(Adam()), add_weight_decay([0.1, 0.0, 0.2]), scale_by_step_size(RATE)),
    ),
    **{
        type(rule(0.1)).__name__.lower(): (
            rule(RATE),
            chain(direction_of(rule(0.3)), scale_by_step_size(RATE)),
        )
        for rule in (AdaGrad, AdaDelta, RMSProp, Adam, AMSGrad, Nadam)
    },
    "nesterov, PyTorch's form": (
        Nesterov(RATE, form="pytorch"),
        chain(direction_of(Nesterov(form="pytorch")), scale_by_step_size(RATE)),
    ),
    "a chain within a chain": (
        chain(rescale(2.0), clip_by_norm(1.0), Adam(RATE)),
        chain(chain(rescale(2.0), clip_by_norm(1.0)), chain(Adam(RATE))),
    ),
}


def bowl():
    return Quadratic.with_spectrum([1.0, 4.0, 9.0], minimizer=[1.0, -2.0, 0.5], seed=1)


@pytest.mark.parametrize("name", PAIRS)
def test_the_named_optimizer_is_the_chain(name):
    named, composed = PAIRS[name]
    start = [4.0, 3.0, -2.0]
    ways = [descend(bowl(), start, optimizer, max_iterations=80) for optimizer in (named, composed)]
    np.testing.assert_allclose(ways[0].theta, ways[1].theta, rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(ways[0].step_size, ways[1].step_size)


def test_the_order_decides_between_coupled_and_decoupled_decay():
    coupled = chain(add_weight_decay(0.5), direction_of(Adam()), scale_by_step_size(0.1))
    theta = np.array([3.0, 0.001])
    step = coupled.update(np.zeros(2), coupled.init(theta), theta)
    # Without gradient the coupled decay is all there is, and Adam makes its size disappear.
    np.testing.assert_allclose(step, [-0.1, -0.1], rtol=1e-4)
    decoupled = chain(direction_of(Adam()), add_weight_decay(0.5), scale_by_step_size(0.1))
    step = decoupled.update(np.zeros(2), decoupled.init(theta), theta)
    np.testing.assert_allclose(step, -0.1 * 0.5 * theta)


def through(link, gradient, theta=None):
    theta = np.zeros_like(gradient) if theta is None else theta
    return link.update(gradient, link.init(theta), theta)


vectors = arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e6, 1e6))
bounds = st.floats(1e-3, 1e3)


@given(vectors, bounds)
def test_clipping_by_norm_keeps_the_direction_and_the_bound(gradient, bound):
    clipped = through(clip_by_norm(bound), gradient)
    norm = np.linalg.norm(gradient)
    assert np.linalg.norm(clipped) <= bound * (1 + 1e-12)
    if norm <= bound:
        np.testing.assert_array_equal(clipped, gradient)
    else:
        np.testing.assert_allclose(clipped, gradient * (bound / norm), rtol=1e-12)


@given(vectors, bounds)
def test_clipping_by_value_bounds_every_entry(gradient, bound):
    np.testing.assert_array_equal(
        through(clip_by_value(bound), gradient), np.maximum(np.minimum(gradient, bound), -bound)
    )


@given(vectors, vectors, st.floats(0.0, 10.0))
def test_weight_decay_adds_the_gradient_of_the_penalty(gradient, theta, decay):
    n = min(len(gradient), len(theta))
    gradient, theta = gradient[:n], theta[:n]
    np.testing.assert_array_equal(
        through(add_weight_decay(decay), gradient, theta), gradient + decay * theta
    )


def test_clipping_by_norm_adds_pytorchs_epsilon_on_request():
    gradient = np.array([3.0, 4.0])
    np.testing.assert_allclose(
        through(clip_by_norm(1.0, epsilon=0.5), gradient), gradient / 5.5, rtol=1e-15
    )
    # The bound counts from the norm and epsilon together.
    np.testing.assert_allclose(
        through(clip_by_norm(5.2, epsilon=0.5), gradient), gradient * 5.2 / 5.5, rtol=1e-15
    )


def test_clipping_by_norm_survives_squares_that_overflow():
    exploded = np.array([3e30, -4e30], dtype=np.float32)
    clipped = through(clip_by_norm(1.0), exploded)
    assert clipped.dtype == np.float32
    np.testing.assert_allclose(clipped, [0.6, -0.8], rtol=1e-6)


def test_accumulates_with_a_scheduled_momentum():
    link = accumulate(lambda k: 0.5 * k)
    state, theta = link.init(np.zeros(1)), np.zeros(1)
    sums = [link.update(np.ones(1), state, theta)[0] for _ in range(4)]
    assert sums == [1.0, 1.5, 2.5, 4.75]


def test_leaves_the_optimizer_whose_direction_it_takes_alone():
    adam = Adam(0.3)
    link = direction_of(adam)
    assert adam.step_size(0) == 0.3
    assert link.optimizer.step_size(0) == 1.0


def test_a_chain_tells_its_step_size_to_the_trace():
    optimizer = chain(Adam(RATE), accumulate(0.5))
    trace = descend(bowl(), [1.0, 1.0, 1.0], optimizer, max_iterations=5)
    np.testing.assert_allclose(trace.step_size, RATE.values(5))


class Silent(GradientDescent):
    """An optimizer that does not say its step size."""

    def update(self, gradient, state, theta, context=None):
        step = super().update(gradient, state, theta, context)
        del state["step_size"]
        return step


def test_a_chain_without_a_step_size_says_so():
    trace = descend(bowl(), [1.0, 1.0, 1.0], chain(Silent(0.01)), max_iterations=5)
    assert np.isnan(trace.step_size).all()


def test_shows_its_links():
    assert repr(chain(clip_by_norm(1.0), clip_by_value(2), rescale(0.5), Momentum(0.1))) == (
        "chain(clip_by_norm(1), clip_by_value(2), rescale(0.5), "
        "Momentum(step_size=0.1, momentum=0.9, form='classical'))"
    )
    assert repr(chain(direction_of(SGD()), add_weight_decay(0.1), scale_by_step_size(RATE))) == (
        "chain(direction_of(SGD(step_size=1.0, momentum=0.0, weight_decay=0.0, rescale=1.0, "
        "clip=None)), add_weight_decay(0.1), "
        "scale_by_step_size(InverseTime(initial=0.05, decay=0.1)))"
    )


@pytest.mark.parametrize(
    ("links", "count"),
    [
        ((), 0),
        ((clip_by_norm(1.0),), 0),
        ((direction_of(Adam()), accumulate(0.9)), 0),
        ((Adam(), scale_by_step_size(0.1)), 2),
        ((SGD(), chain(Adam())), 2),
    ],
)
def test_exactly_one_link_takes_the_step(links, count):
    with pytest.raises(ValueError, match=f"exactly one that takes the step, got {count} in chain"):
        chain(*links).init(np.zeros(2))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: chain(Adam(), 0.1), TypeError, "links must be optimizers or links .*got 0.1"),
        (lambda: direction_of(GradientDescent(0.1)), TypeError, "with a step size to leave out"),
        (lambda: direction_of(clip_by_norm(1.0)), TypeError, "optimizer must be one with a step"),
        (lambda: clip_by_norm(0.0), ValueError, "max_norm"),
        (lambda: clip_by_norm(1.0, epsilon=-1.0), ValueError, "epsilon"),
        (lambda: clip_by_value(0.0), ValueError, "bound"),
        (lambda: rescale(0.0), ValueError, "factor"),
        (lambda: add_weight_decay(-0.1), ValueError, "weight_decay"),
        (lambda: add_weight_decay([0.1, -1]), ValueError, "weight_decay must hold numbers >= 0"),
        (lambda: accumulate(1.0), ValueError, "momentum"),
        (lambda: scale_by_step_size(0.0), ValueError, "step_size"),
    ],
)
def test_says_what_is_wrong_with_a_link(make, error, message):
    with pytest.raises(error, match=message):
        make()
