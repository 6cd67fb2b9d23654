"""What every optimizer promises, whatever its formula."""

from __future__ import annotations

import inspect
import tracemalloc
from functools import partial

import numpy as np
import pytest

import course_lib.optimizers as package
from course_lib.compiled import numba_is_available
from course_lib.line_search import BacktrackingLineSearch, StepContext
from course_lib.objectives import Quadratic
from course_lib.optimizers import (
    OPTIMIZERS,
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    ConjugateGradient,
    GradientDescent,
    Momentum,
    Nadam,
    Nesterov,
    Newton,
    RMSProp,
    accelerated_momentum,
    accumulate,
    adam_loop,
    add_weight_decay,
    chain,
    classical_velocity,
    clip_by_norm,
    clip_by_value,
    direction_of,
    named_optimizer,
    rescale,
    scale_by_step_size,
)
from course_lib.optimizers.base import Optimizer
from course_lib.schedules import Constant, InverseTime

N = 6

FIRST_ORDER = {
    "gradient descent": GradientDescent(0.01),
    "sgd": SGD(0.01),
    "sgd with everything": SGD(0.01, momentum=0.9, weight_decay=0.1, rescale=0.5, clip=1.0),
    "momentum": Momentum(0.01),
    "momentum, PyTorch's form": Momentum(0.01, form="pytorch"),
    "nesterov, shifted": Nesterov(0.01),
    "nesterov, Sutskever's form": Nesterov(0.01, form="sutskever"),
    "nesterov, PyTorch's form": Nesterov(0.01, form="pytorch"),
    "nesterov, accelerated": Nesterov(0.01, accelerated_momentum),
    "adagrad": AdaGrad(0.1, initial_sum=0.1),
    "adadelta": AdaDelta(),
    "rmsprop": RMSProp(0.01),
    "rmsprop, centered": RMSProp(0.01, centered=True, epsilon_inside=True),
    "adam": Adam(0.01),
    "adamw": AdamW(0.01),
    "adamw, spared": AdamW(0.01, weight_decay=np.linspace(0.0, 0.1, N)),
    "amsgrad": AMSGrad(0.01),
    "amsgrad, before": AMSGrad(0.01, correction="before"),
    "amsgrad, paper": AMSGrad(0.01, correction="none"),
    "nadam": Nadam(0.01),
    "chain": chain(
        rescale(0.5),
        clip_by_norm(1.0),
        clip_by_value(0.5),
        direction_of(Adam()),
        add_weight_decay(0.1),
        accumulate(0.5),
        scale_by_step_size(0.01),
    ),
}
ALL = FIRST_ORDER | {
    "newton": Newton(0.5, damping=0.1),
    "conjugate gradient": ConjugateGradient(),
}

every_optimizer = pytest.mark.parametrize("optimizer", ALL.values(), ids=ALL)
every_first_order = pytest.mark.parametrize("optimizer", FIRST_ORDER.values(), ids=FIRST_ORDER)


def bowl(seed=0):
    return Quadratic.with_spectrum(np.linspace(1, 8, N), minimizer=np.ones(N), seed=seed)


def one_step(optimizer, objective, theta, state):
    value, gradient = objective.value_and_gradient(theta)
    return optimizer.update(gradient, state, theta, StepContext(objective, value))


def walk(optimizer, objective, theta, steps=4):  # conjugate gradients arrive after 6
    theta = theta.copy()
    state = optimizer.init(theta)
    for _ in range(steps):
        theta += one_step(optimizer, objective, theta, state)
    return theta


def test_every_optimizer_of_the_package_has_a_name_and_is_tested_here():
    hidden = {"Chain", "FirstOrder", "Link", "Optimizer"}
    classes = {
        value
        for name, value in vars(package).items()
        if inspect.isclass(value) and issubclass(value, Optimizer) and name not in hidden
    }
    assert set(OPTIMIZERS.values()) == classes
    assert classes <= {type(optimizer) for optimizer in ALL.values()}


@every_optimizer
def test_one_object_serves_two_vectors_at_once(optimizer):
    ours, theirs = bowl(0), bowl(1)
    here, there = np.linspace(-1, 2, N), np.linspace(3, 0, N)
    expected = walk(optimizer, ours, here), walk(optimizer, theirs, there)
    states = optimizer.init(here), optimizer.init(there)
    for _ in range(4):
        here = here + one_step(optimizer, ours, here, states[0])
        there = there + one_step(optimizer, theirs, there, states[1])
    np.testing.assert_array_equal(here, expected[0])
    np.testing.assert_array_equal(there, expected[1])


@every_optimizer
def test_keeps_nothing_of_a_run_in_itself(optimizer):
    before = repr(optimizer), {k: repr(v) for k, v in vars(optimizer).items()}
    first = walk(optimizer, bowl(), np.zeros(N))
    assert (repr(optimizer), {k: repr(v) for k, v in vars(optimizer).items()}) == before
    np.testing.assert_array_equal(walk(optimizer, bowl(), np.zeros(N)), first)


@every_optimizer
def test_modifies_neither_the_gradient_nor_the_point(optimizer):
    objective, theta = bowl(), np.linspace(-1, 2, N)
    state = optimizer.init(theta)
    for _ in range(5):
        value, gradient = objective.value_and_gradient(theta)
        kept = gradient.copy(), theta.copy()
        step = optimizer.update(gradient, state, theta, StepContext(objective, value))
        np.testing.assert_array_equal(gradient, kept[0])
        np.testing.assert_array_equal(theta, kept[1])
        assert not np.shares_memory(step, gradient)
        assert not np.shares_memory(step, theta)
        theta = theta + step


def arrays_of(state):
    for value in state.values():
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, dict):
            yield from arrays_of(value)
        elif isinstance(value, list):
            for inner in value:
                yield from arrays_of(inner)


@every_optimizer
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_the_precision_of_the_parameters(optimizer, dtype):
    objective, theta = bowl(), np.linspace(-1, 2, N).astype(dtype)
    state = optimizer.init(theta)
    for _ in range(5):
        step = one_step(optimizer, objective, theta, state)
        assert step.dtype == dtype
        theta = theta + step
        assert theta.dtype == dtype
    memory = list(arrays_of(state))
    assert memory
    for array in memory:
        assert array.dtype == dtype
        assert array.shape == (N,)


@every_first_order
def test_allocates_nothing_in_the_loop(optimizer):
    n = 50_000
    if np.ndim(getattr(optimizer, "weight_decay", 0.0)):
        optimizer = AdamW(0.01, weight_decay=np.full(n, 0.1))
    theta, gradient = np.ones(n), np.full(n, 0.3)
    context = StepContext(_ConstantSlope(n), 0.0)
    state = optimizer.init(theta)
    optimizer.update(gradient, state, theta, context)
    tracemalloc.start()
    for _ in range(3):
        optimizer.update(gradient, state, theta, context)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < theta.nbytes / 4


class _ConstantSlope:
    def __init__(self, n):
        self.slope = np.full(n, 0.3)

    def gradient(self, theta, batch=None, out=None):
        out[...] = self.slope
        return out


@every_first_order
def test_advance_is_update_and_addition_to_the_last_digit(optimizer):
    objective, by_update = bowl(), np.linspace(-1, 2, N)
    by_advance = by_update.copy()
    states = optimizer.init(by_update), optimizer.init(by_update)
    for _ in range(10):
        by_update += one_step(optimizer, objective, by_update, states[0])
        value, gradient = objective.value_and_gradient(by_advance)
        optimizer.advance(by_advance, gradient, states[1], StepContext(objective, value))
    np.testing.assert_array_equal(by_advance, by_update)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "optimizer", [Adam(0.01), AdamW(InverseTime(0.01, 0.1), 0.7, 0.9, weight_decay=0.3)]
)
def test_the_compiled_loop_changes_no_digit(optimizer, dtype, compiled, monkeypatch):
    if compiled and not numba_is_available():
        pytest.skip("numba is not installed")
    if not compiled:
        monkeypatch.setattr(adam_loop, "advance_adam", adam_loop.advance_adam.python)
        monkeypatch.setattr(adam_loop, "numba_is_available", lambda: True)
    rng = np.random.default_rng(5)
    plain = rng.standard_normal(1003).astype(dtype)
    looped = plain.copy()
    states = optimizer.init(plain), optimizer.init(plain)
    for t in range(25):
        gradient = rng.standard_normal(1003).astype(dtype) * 10.0 ** (t % 5 - 2)
        plain += optimizer.update(gradient.astype(dtype), states[0], plain)
        monkeypatch.setattr(adam_loop, "WORTH_COMPILING", 0 if t % 3 else 10**9)
        optimizer.advance(looped, gradient.astype(dtype), states[1])
        np.testing.assert_array_equal(looped, plain)
    assert looped.dtype == dtype
    assert states[0]["step_size"] == states[1]["step_size"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("optimizer", "lengths"),
    [
        (Adam(0.01), [24]),
        (Adam(0.01), [25]),
        (Adam(0.01), [25, 1]),
        (AdamW(InverseTime(0.01, 0.1), 0.7, 0.9, weight_decay=0.3), [25, 25, 25, 25, 3]),
        (AdamW(0.01, weight_decay=np.linspace(0.0, 1.0, 103)), [103]),
    ],
)
def test_blocks_change_no_digit(optimizer, lengths, dtype, monkeypatch):
    size = sum(lengths)
    monkeypatch.setattr(adam_loop, "BLOCK_BYTES", 25 * np.dtype(dtype).itemsize)
    taken = []
    step_of = type(optimizer)._step

    def step(self, alpha, gradient, state, theta):
        taken.append(len(theta))
        return step_of(self, alpha, gradient, state, theta)

    rng = np.random.default_rng(6)
    whole = rng.standard_normal(size).astype(dtype)
    divided = whole.copy()
    states = optimizer.init(whole), optimizer.init(whole)
    for _ in range(4):
        gradient = rng.standard_normal(size).astype(dtype)
        whole += optimizer.update(gradient, states[0], whole)
        taken.clear()
        with monkeypatch.context() as patch:
            patch.setattr(type(optimizer), "_step", step)
            optimizer.advance(divided, gradient, states[1])
        np.testing.assert_array_equal(divided, whole)
        assert taken == lengths
    assert divided.dtype == dtype
    for name in ("k", "step_size", "gradients", "squares"):
        np.testing.assert_array_equal(states[0][name], states[1][name])


class AdamOfOnesOwn(Adam):
    """A subclass whose formulas the loop does not know."""


def test_the_loop_is_compiled_only_where_it_pays(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "course_lib.optimizers.adam.advance_in_one_loop", lambda *a: calls.append(a)
    )
    monkeypatch.setattr(adam_loop, "numba_is_available", lambda: True)
    theta, gradient = np.ones(1000), np.ones(1000)

    def advances(optimizer, k, available=True):
        calls.clear()
        monkeypatch.setattr(adam_loop, "numba_is_available", lambda: available)
        state = optimizer.init(theta)
        state["k"] = k
        optimizer.advance(theta.copy(), gradient, state)
        return bool(calls)

    assert not advances(Adam(), 10**5 - 1)
    assert advances(Adam(), 10**5)
    assert advances(AdamW(), 10**5)
    assert not advances(Adam(), 10**5, available=False)
    assert not advances(AdamW(weight_decay=np.ones(1000)), 10**5)
    assert not advances(AdamOfOnesOwn(), 10**5)


def test_the_loop_refuses_vectors_of_different_lengths(monkeypatch):
    monkeypatch.setattr(adam_loop, "WORTH_COMPILING", 0)
    monkeypatch.setattr(adam_loop, "numba_is_available", lambda: True)
    state = Adam().init(np.ones(4))
    with pytest.raises(ValueError, match=r"theta must have shape \(4,\), got shape \(3,\)"):
        Adam().advance(np.ones(3), np.ones(4), state)


def test_one_full_block_is_not_divided(monkeypatch):
    monkeypatch.setattr(adam_loop, "BLOCK_BYTES", 40)
    assert not adam_loop.worth_dividing(np.zeros(5))
    assert adam_loop.worth_dividing(np.zeros(6))


def test_blocks_refuse_vectors_of_different_lengths(monkeypatch):
    monkeypatch.setattr(adam_loop, "BLOCK_BYTES", 16)
    state = Adam().init(np.ones(5))
    with pytest.raises(ValueError, match=r"theta must have shape \(5,\), got shape \(4,\)"):
        Adam().advance(np.ones(4), np.ones(5), state)


@pytest.mark.parametrize("optimizer", [SGD(), Momentum(), Adam(), scale_by_step_size(0.1)])
def test_refuses_a_gradient_of_another_shape(optimizer):
    state = optimizer.init(np.zeros(N))
    with pytest.raises(ValueError, match=r"gradient must have shape \(6,\).*got shape \(1,\)"):
        optimizer.update(np.zeros(1), state, np.zeros(N))


def test_takes_lists_for_a_start():
    assert Adam().init([1, 2])["step"].dtype == np.float64
    with pytest.raises(ValueError, match="theta must have 1 dimension"):
        Adam().init(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="theta must have 1 dimension"):
        chain(GradientDescent(0.1)).init(np.zeros((2, 2)))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_is_known_by_name(name):
    settings = {} if name in ("newton", "conjugate_gradient") else {"step_size": 0.25}
    optimizer = named_optimizer(name, **settings)
    assert type(optimizer) is OPTIMIZERS[name]
    if settings:
        assert optimizer.step_size == Constant(0.25)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown optimizer 'adamm': choose one of .*'adam'"):
        named_optimizer("adamm")


def test_shows_its_settings():
    assert repr(Adam(0.5, epsilon=1e-3)) == (
        "Adam(step_size=0.5, beta1=0.9, beta2=0.999, epsilon=0.001)"
    )
    assert repr(Momentum(InverseTime(0.1, 0.2))) == (
        "Momentum(step_size=InverseTime(initial=0.1, decay=0.2), momentum=0.9, form='classical')"
    )


BAD = [
    (partial(SGD, 0.0), ValueError, r"step_size must be a finite number > 0, got 0\.0"),
    (partial(Adam, -1), ValueError, "step_size"),
    (partial(Adam, "fast"), TypeError, "step_size must be a real number"),
    (partial(Adam, BacktrackingLineSearch()), TypeError, "step_size must be a real number"),
    (partial(SGD, momentum=1.0), ValueError, "momentum must be a finite number >= 0 and < 1"),
    (partial(SGD, momentum=-0.1), ValueError, "momentum"),
    (partial(SGD, weight_decay=-0.1), ValueError, "weight_decay"),
    (partial(SGD, rescale=0.0), ValueError, "rescale"),
    (partial(SGD, clip=0.0), ValueError, "clip must be a finite number > 0"),
    (partial(Momentum, 0.1, 1.0), ValueError, "momentum"),
    (partial(Momentum, 0.1, -0.1), ValueError, "momentum"),
    (partial(Momentum, form="heavy"), ValueError, "unknown form 'heavy': choose one of"),
    (partial(Nesterov, 0.1, 1.5), ValueError, "momentum"),
    (partial(Nesterov, form="classical"), ValueError, "unknown form 'classical'"),
    (partial(AdaGrad, epsilon=0.0), ValueError, "epsilon"),
    (partial(AdaGrad, initial_sum=-1.0), ValueError, "initial_sum"),
    (partial(RMSProp, 0.1, 1.0), ValueError, "decay"),
    (partial(RMSProp, 0.1, -0.1), ValueError, "decay"),
    (partial(RMSProp, epsilon=0.0), ValueError, "epsilon"),
    (partial(AdaDelta, 1.0, 1.0), ValueError, "decay"),
    (partial(AdaDelta, 1.0, -0.1), ValueError, "decay"),
    (partial(AdaDelta, epsilon=0.0), ValueError, "epsilon"),
    (partial(AdamW, weight_decay=-0.1), ValueError, "weight_decay"),
    (partial(AdamW, weight_decay=[0.1, -0.2]), ValueError, "weight_decay must hold numbers >= 0"),
    (partial(AMSGrad, correction="late"), ValueError, "unknown correction 'late'"),
    (partial(Nadam, momentum_decay=-1.0), ValueError, "momentum_decay"),
    *[
        (partial(kind, **{name: value}), ValueError, name)
        for kind in (Adam, AdamW, AMSGrad, Nadam)
        for name, value in (
            ("beta1", 1),
            ("beta1", -0.1),
            ("beta2", 1),
            ("beta2", -0.1),
            ("epsilon", 0),
        )
    ],
]


@pytest.mark.parametrize(("make", "error", "message"), BAD)
def test_says_what_is_wrong_with_a_setting(make, error, message):
    # A whole word: "epsilon must be …" and not "the_epsilon must be …".
    with pytest.raises(error, match=rf"(^|\s){message}($|[\s,:])"):
        make()


def test_says_what_is_wrong_with_a_schedule_when_it_is_reached():
    state = Adam(lambda k: 0.1 if k < 1 else -0.1).init(np.zeros(1))
    optimizer = Adam(lambda k: 0.1 if k < 1 else -0.1)
    optimizer.update(np.ones(1), state, np.zeros(1))
    with pytest.raises(ValueError, match=r"step_size must be a finite number >= 0, got -0\.1"):
        optimizer.update(np.ones(1), state, np.zeros(1))
    momentum = Momentum(0.1, lambda k: -1.0)
    with pytest.raises(ValueError, match=r"momentum must be a finite number >= 0, got -1\.0"):
        momentum.update(np.ones(1), momentum.init(np.zeros(1)), np.zeros(1))


def test_boundary_settings_are_allowed():
    SGD(momentum=0.0, weight_decay=0.0)
    Momentum(0.1, 0.0)
    RMSProp(0.1, 0.0)
    AdaDelta(1.0, 0.0)
    AdaGrad(initial_sum=0.0)
    for kind in (Adam, AdamW, AMSGrad, Nadam):
        kind(beta1=0.0, beta2=0.0)
    AdamW(weight_decay=0.0)
    Nadam(momentum_decay=0.0)


def test_converts_momentum_both_ways_and_back():
    rate = InverseTime(0.1, decay=0.3)
    for form, other in (("classical", "pytorch"), ("pytorch", "classical")):
        optimizer = Momentum(rate, lambda k: 0.9 - 0.5 / (k + 1), form=form)
        assert optimizer.in_form(form) is optimizer
        converted = optimizer.in_form(other)
        assert converted.form == other
        assert converted.step_size is rate
        start = np.linspace(-1, 2, N)
        expected = walk(optimizer, bowl(), start, 60)
        np.testing.assert_allclose(walk(converted, bowl(), start, 60), expected, rtol=1e-11)
        np.testing.assert_allclose(
            walk(converted.in_form(form), bowl(), start, 60), expected, rtol=1e-11
        )
    with pytest.raises(ValueError, match="unknown form"):
        optimizer.in_form("nesterov")


def test_cannot_convert_momentum_over_a_step_of_zero():
    converted = Momentum(lambda k: 0.1 if k else 0.0, 0.9).in_form("pytorch")
    state = converted.init(np.zeros(1))
    converted.update(np.ones(1), state, np.zeros(1))
    with pytest.raises(ZeroDivisionError, match=r"step_size is 0 at iteration 0 and 0\.1 at"):
        converted.update(np.ones(1), state, np.zeros(1))


def test_converts_the_velocity_of_a_run():
    rate, theta = InverseTime(0.1, decay=0.3), np.linspace(-1, 2, N)
    pytorch = Momentum(rate, 0.9, form="pytorch")
    classical = pytorch.in_form("classical")
    states = pytorch.init(theta), classical.init(theta)
    objective = bowl()
    for _ in range(10):
        one_step(classical, objective, theta, states[1])
        theta = theta + one_step(pytorch, objective, theta, states[0])
    velocity = classical_velocity(states[0]["velocity"], states[0]["step_size"])
    np.testing.assert_allclose(velocity, states[1]["velocity"], rtol=1e-12)
    with pytest.raises(ValueError, match="step_size must be a finite number > 0"):
        classical_velocity(np.ones(2), 0.0)
