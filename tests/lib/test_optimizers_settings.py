"""Optimizers: their defaults, what they hand on, where they write, and what they refuse."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from course_lib.line_search import StepContext, WolfeLineSearch
from course_lib.objectives import Quadratic
from course_lib.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    ConjugateGradient,
    Momentum,
    Nadam,
    Nesterov,
    Newton,
    RMSProp,
    accumulate,
    add_weight_decay,
    chain,
    classical_velocity,
    clip_by_norm,
    clip_by_value,
    direction_of,
    rescale,
    scale_by_step_size,
)
from course_lib.optimizers.base import Optimizer
from course_lib.schedules import Constant

# As documented: Kingma and Ba's for Adam and its relatives, Zeiler's for AdaDelta, and for the
# others those that PyTorch or Keras have in common with the papers.
DEFAULTS = {
    SGD: {"step_size": 0.01, "momentum": 0.0, "weight_decay": 0.0, "rescale": 1.0, "clip": None},
    Momentum: {"step_size": 0.01, "momentum": 0.9, "form": "classical"},
    Nesterov: {"step_size": 0.01, "momentum": 0.9, "form": "shifted"},
    AdaGrad: {"step_size": 0.01, "epsilon": 1e-10, "epsilon_inside": False, "initial_sum": 0.0},
    RMSProp: {
        "step_size": 0.001,
        "decay": 0.9,
        "epsilon": 1e-8,
        "epsilon_inside": False,
        "centered": False,
    },
    AdaDelta: {"step_size": 1.0, "decay": 0.95, "epsilon": 1e-6},
    Adam: {"step_size": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    AdamW: {
        "step_size": 0.001,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0.01,
    },
    AMSGrad: {
        "step_size": 0.001,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "correction": "after",
    },
    Nadam: {
        "step_size": 0.002,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "momentum_decay": 0.004,
    },
}


@pytest.mark.parametrize("kind", DEFAULTS, ids=lambda kind: kind.__name__)
def test_has_the_documented_defaults(kind):
    settings = vars(kind())
    assert settings.pop("step_size") == Constant(DEFAULTS[kind]["step_size"])
    assert settings == {k: v for k, v in DEFAULTS[kind].items() if k != "step_size"}


@pytest.mark.parametrize("correction", ["after", "before", "none"])
def test_every_correction_of_amsgrad_can_be_chosen(correction):
    assert AMSGrad(correction=correction).correction == correction


def test_epsilon_can_stand_inside_the_root_of_adagrad():
    step = AdaGrad(1.0, epsilon=7.0, epsilon_inside=True)
    assert_allclose(step.update(np.array([3.0]), step.init(np.zeros(1)), np.zeros(1)), [-0.75])


def test_nadam_without_decay_of_its_momentum_has_a_constant_one():
    # Dozat's formula with the constant momentum µ = ½ and β₂ = 0, so that v̂ = g²; by hand.
    optimizer = Nadam(1.0, 0.5, 0.0, epsilon=1e-12, momentum_decay=None)
    state = optimizer.init(np.zeros(1))
    first = optimizer.update(np.array([2.0]), state, np.zeros(1)).item()
    # m₁ = 1: ½ · 1 / (1 − ¼) + ½ · 2 / (1 − ½) = 2/3 + 2, over |g| = 2.
    assert first == pytest.approx(-4 / 3)
    second = optimizer.update(np.array([4.0]), state, np.zeros(1)).item()
    # m₂ = 2.5: ½ · 2.5 / (1 − ⅛) + ½ · 4 / (1 − ¼), over 4.
    assert second == pytest.approx(-(1.25 / 0.875 + 2 / 0.75) / 4)


class Listening(Optimizer):
    """Remembers what it was called with; a step of nothing."""

    def __init__(self) -> None:
        self.heard = []

    def init(self, theta):
        return {}

    def update(self, gradient, state, theta, context=None):
        self.heard.append((theta, context))
        return np.zeros_like(gradient)


def test_a_chain_hands_the_point_and_the_context_to_every_link():
    listening, theta, context = Listening(), np.ones(2), object()
    optimizer = chain(clip_by_norm(1.0), listening)
    optimizer.update(np.ones(2), optimizer.init(theta), theta, context)
    assert listening.heard[0][0] is theta
    assert listening.heard[0][1] is context


def test_a_direction_hands_on_the_point_and_the_context():
    # Sutskever's form needs both: it takes the gradient ahead of the point.
    objective = Quadratic(np.diag([1.0, 4.0]))
    theta = np.array([1.0, -2.0])
    walked = {}
    for name, optimizer in (
        ("plain", Nesterov(0.1, 0.5, form="sutskever")),
        (
            "link",
            chain(direction_of(Nesterov(0.7, 0.5, form="sutskever")), scale_by_step_size(0.1)),
        ),
    ):
        state, point = optimizer.init(theta), theta.copy()
        for _ in range(3):
            context = StepContext(objective, objective.value(point))
            # For a direction the velocity is that of the step size 1, so only the first agrees.
            step = optimizer.update(objective.gradient(point), state, point, context)
            walked.setdefault(name, []).append(step.copy())
            point += step
    assert_allclose(walked["link"][0], walked["plain"][0], rtol=1e-12)
    decayed = direction_of(AdamW(weight_decay=0.5))
    at_one, at_zero = (
        decayed.update(np.ones(2), decayed.init(point), point).copy()
        for point in (np.ones(2), np.zeros(2))
    )
    assert_allclose(at_one - at_zero, [0.5, 0.5])


def test_adam_hands_the_context_to_the_update_of_a_subclass():
    class Curious(Adam):
        def update(self, gradient, state, theta, context=None):
            self.context = context
            return super().update(gradient, state, theta, context)

    optimizer, theta, context = Curious(), np.ones(2), object()
    optimizer.advance(theta, np.ones(2), optimizer.init(theta), context)
    assert optimizer.context is context


def test_a_chain_refuses_a_state_of_another_chain():
    one, two = (
        chain(scale_by_step_size(0.1)),
        chain(scale_by_step_size(0.1), add_weight_decay(0.1)),
    )
    with pytest.raises(ValueError, match="zip"):
        two.update(np.ones(1), one.init(np.ones(1)), np.ones(1))


def test_a_chain_within_a_chain_is_its_links():
    inner = chain(clip_by_norm(1.0), rescale(0.5))
    outer = chain(inner, Adam())
    assert outer.links[:2] == inner.links
    assert len(outer.links) == 3
    assert outer.links[2] is not inner


@pytest.mark.parametrize(
    ("make", "setting", "expected"),
    [
        (clip_by_norm, 1.0, [0.6, -0.8]),
        (clip_by_value, 3.5, [3.0, -3.5]),
        (rescale, 0.5, [1.5, -2.0]),
        (add_weight_decay, 2.0, [23.0, 36.0]),
        (accumulate, 0.5, [3.0, -4.0]),
    ],
)
def test_a_link_writes_into_its_state_and_leaves_the_gradient_alone(make, setting, expected):
    link = make(setting)
    gradient, theta = np.array([3.0, -4.0]), np.array([10.0, 20.0])
    state = link.init(theta)
    result = link.update(gradient, state, theta)
    assert_allclose(result, expected)
    assert any(result is array for array in state.values())
    assert_array_equal(gradient, [3.0, -4.0])


def test_accumulate_adds_up_gradients_as_they_come():
    link = accumulate(0.5)
    state, theta = link.init(np.zeros(1)), np.zeros(1)
    sums = [link.update(np.array([g]), state, theta).item() for g in (1.0, 1.0, -4.0)]
    assert sums == [1.0, 1.5, -3.25]


def test_the_norm_of_a_huge_gradient_in_single_precision_is_taken_in_double():
    link = clip_by_norm(1.0)
    gradient = np.array([3e30, -4e30], np.float32)
    result = link.update(gradient, link.init(gradient), gradient)
    assert result.dtype == np.float32
    assert_allclose(result, [0.6, -0.8], rtol=1e-6)


def test_a_weight_decay_of_zero_spares_a_parameter():
    optimizer = AdamW(0.1, weight_decay=[0.0, 1.0])
    step = optimizer.update(np.zeros(2), optimizer.init(np.ones(2)), np.ones(2))
    assert_allclose(step, [0.0, -0.1])


class Sampled:
    """Its gradient is the sum of the batch, wherever it is taken."""

    def gradient(self, theta, batch=None, *, out):
        out[...] = 0.0 if batch is None else np.sum(batch)
        return out


def test_nesterov_ahead_takes_the_gradient_on_the_batch_at_hand():
    optimizer = Nesterov(0.5, form="sutskever")
    theta = np.zeros(1)
    context = StepContext(Sampled(), 0.0, np.array([1, 3]))
    step = optimizer.update(np.zeros(1), optimizer.init(theta), theta, context)
    assert_allclose(step, [-2.0])


def test_conjugate_gradients_count_iterations_and_tell_the_step_size():
    objective = Quadratic(np.diag([1.0, 4.0]))
    optimizer, theta = ConjugateGradient(), np.array([2.0, 1.0])
    state = optimizer.init(theta)
    assert state["k"] == 0
    for k in (1, 2):
        gradient = objective.gradient(theta).copy()
        context = StepContext(objective, objective.value(theta))
        step = optimizer.update(gradient, state, theta, context)
        assert state["k"] == k
        assert_allclose(step, state["step_size"] * state["direction"])
        assert state["step_size"] > 0
        theta += step
    assert_allclose(theta, 0.0, atol=1e-14)


@pytest.mark.parametrize("share", [1.0, 1.5])
def test_a_conjugate_direction_that_does_not_lead_down_is_dropped(share):
    # With equal gradients the factor of Fletcher and Reeves is 1, and with the old direction
    # share * g the new one would be (share - 1) g: it leads nowhere, or up.
    optimizer, theta, gradient = (
        ConjugateGradient("fletcher-reeves"),
        np.ones(2),
        np.array([0.0, 1]),
    )
    state = optimizer.init(theta)
    state["previous"][:] = gradient
    state["direction"][:] = share * gradient
    state["since_restart"] = 1
    optimizer.update(gradient, state, theta, StepContext(Quadratic(np.eye(2)), 1.0))
    assert_allclose(state["direction"], -gradient)
    assert state["since_restart"] == 1


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (
            ConjugateGradient(),
            "ConjugateGradient searches along its direction, so update() needs "
            "context=StepContext(objective, value); the run loop `descend` passes it",
        ),
        (
            Newton(),
            "Newton needs the Hessian, so update() needs context=StepContext(objective, value); "
            "the run loop `descend` passes it",
        ),
        (
            Nesterov(form="sutskever"),
            "Nesterov in Sutskever's form takes the gradient at another point, so update() needs "
            "context=StepContext(objective, value); the run loop `descend` passes it, and "
            'form="shifted" does without',
        ),
    ],
    ids=["conjugate gradients", "newton", "nesterov"],
)
def test_says_that_it_needs_the_context(optimizer, message):
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        optimizer.update(np.ones(2), optimizer.init(np.ones(2)), np.ones(2))


def step_over_zero() -> None:
    optimizer = Momentum(lambda k: float(k), 0.9).in_form("pytorch")
    state = optimizer.init(np.zeros(1))
    for _ in range(2):
        optimizer.update(np.ones(1), state, np.zeros(1))


def newton_on_a_flat_bowl() -> None:
    objective = Quadratic(np.diag([1.0, 0.0]))
    theta = np.ones(2)
    optimizer = Newton()
    context = StepContext(objective, objective.value(theta))
    optimizer.update(np.ones(2), optimizer.init(theta), theta, context)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            partial(ConjugateGradient, line_search=0.1),
            TypeError,
            "line_search must be a LineSearch, because conjugate directions lose their meaning "
            "with steps decided beforehand; got 0.1",
        ),
        (
            lambda: chain(Adam(), Adam()).init(np.ones(1)),
            ValueError,
            f"links must hold exactly one that takes the step, got 2 in {chain(Adam(), Adam())!r}: "
            "add scale_by_step_size(...) where there is none, and wrap all but one in "
            "direction_of(...) where there are several",
        ),
        (
            step_over_zero,
            ZeroDivisionError,
            "step_size is 0 at iteration 0 and 1 at iteration 1, and the two forms of momentum "
            "agree for positive step sizes only",
        ),
        (
            newton_on_a_flat_bowl,
            np.linalg.LinAlgError,
            "the Hessian is singular, so the quadratic model has no single stationary point: set "
            "damping above 0 (it is 0)",
        ),
        (
            partial(AdamW, weight_decay=-1.0),
            ValueError,
            "weight_decay must be a finite number >= 0, got -1.0",
        ),
        (
            partial(AdamW, weight_decay=[0.1, np.nan]),
            ValueError,
            "weight_decay must hold finite numbers, got nan at index (1,) (1 of 2 entries are NaN "
            "or infinite)",
        ),
        (
            partial(classical_velocity, np.ones((1, 1)), 0.1),
            ValueError,
            "velocity must have 1 dimension(s), got shape (1, 1): flatten it with .ravel()",
        ),
        (
            partial(clip_by_norm, 0.0),
            ValueError,
            "max_norm must be a finite number > 0, got 0.0",
        ),
        (
            partial(clip_by_norm, 1.0, epsilon=-1.0),
            ValueError,
            "epsilon must be a finite number >= 0, got -1.0",
        ),
        (partial(clip_by_value, 0.0), ValueError, "bound must be a finite number > 0, got 0.0"),
        (partial(rescale, 0.0), ValueError, "factor must be a finite number > 0, got 0.0"),
    ],
)
def test_says_what_is_wrong_word_for_word(call, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()


def test_conjugate_gradients_take_a_search_of_ones_choice():
    search = WolfeLineSearch()
    assert ConjugateGradient(line_search=search).line_search is search
