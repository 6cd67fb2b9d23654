"""Optimizers take the steps that PyTorch's and optax's take.

All are fed one fixed sequence of gradients: coupled runs would let rounding separate them.
"""

from __future__ import annotations

import math

import jax
import numpy as np
import optax
import pytest
import torch

from course_lib.averaging import ExponentialAverage, IterateAverage
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
    accumulate,
    add_weight_decay,
    chain,
    clip_by_norm,
    clip_by_value,
    direction_of,
    rescale,
    scale_by_step_size,
)
from course_lib.schedules import (
    Cosine,
    InverseTime,
    StepDecay,
    WarmUp,
)

jax.config.update("jax_enable_x64", True)

STEPS, SIZE, TOLERANCE = 300, 40, 1e-10


def gradients_and_start():
    """Gradients of very different sizes, some coordinates mostly zero, one always; and a start."""
    rng = np.random.default_rng(7)
    gradients = rng.standard_normal((STEPS, SIZE)) * 10.0 ** np.linspace(-3, 2, SIZE)
    gradients += 0.3 * np.abs(gradients).mean(axis=0)
    gradients[:, 5:10] *= rng.random((STEPS, 5)) < 0.05
    gradients[:, 10] = 0.0
    gradients[150:, 20:25] *= 1e-3
    return gradients, rng.standard_normal(SIZE)


GRADIENTS, START = gradients_and_start()


def ours(optimizer):
    theta = START.copy()
    state, points = optimizer.init(theta), []
    for gradient in GRADIENTS:
        theta += optimizer.update(gradient, state, theta)
        points.append(theta.copy())
    return np.array(points)


def torchs(make, schedule=None, before=lambda parameters: None):
    parameter = torch.tensor(START, requires_grad=True)
    optimizer = make([parameter])
    scheduler = None if schedule is None else schedule(optimizer)
    points = []
    for gradient in GRADIENTS:
        parameter.grad = torch.tensor(gradient)
        before([parameter])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        points.append(parameter.detach().numpy().copy())
    return np.array(points)


def optaxs(transformation):
    theta = jax.numpy.asarray(START)
    state, points = transformation.init(theta), []
    update = jax.jit(transformation.update)
    for gradient in GRADIENTS:
        steps, state = update(gradient, state, theta)
        theta = optax.apply_updates(theta, steps)
        points.append(np.asarray(theta))
    return np.array(points)


def assert_same_way(mine, theirs, tolerance=TOLERANCE):
    """Every step of the way is the same, coordinate by coordinate."""
    assert mine.shape == theirs.shape
    assert np.isfinite(theirs).all()
    # Steps are compared too: a point hides a small step behind a large start.
    travelled = np.abs(theirs - START).max(axis=0)
    np.testing.assert_array_less(
        np.abs(mine - theirs).max(axis=0), tolerance * np.maximum(travelled, 1e-6) + 1e-14
    )


RATE = 0.02
HALVING = StepDecay(RATE, 0.5, every=40)
WARM_COSINE = WarmUp(20, Cosine(RATE, steps=200), start=0.1)
SGD_ = torch.optim.SGD


def torch_rate(schedule):
    return lambda optimizer: torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: schedule(k) / RATE
    )


def traced(schedule):
    """Our schedule as one that jax can trace. (optax's own count in single precision.)"""
    table = jax.numpy.asarray(schedule.values(STEPS + 1))
    return lambda count: table[count]


PYTORCH = {
    "gradient descent": (GradientDescent(RATE), lambda p: SGD_(p, lr=RATE)),
    "sgd with weight decay": (
        SGD(RATE, weight_decay=0.1),
        lambda p: SGD_(p, lr=RATE, weight_decay=0.1),
    ),
    "sgd with weight decay and momentum": (
        SGD(RATE, weight_decay=0.1, momentum=0.9),
        lambda p: SGD_(p, lr=RATE, weight_decay=0.1, momentum=0.9),
    ),
    "momentum, classical form": (Momentum(RATE, 0.9), lambda p: SGD_(p, lr=RATE, momentum=0.9)),
    "momentum, PyTorch's form": (
        Momentum(RATE, 0.9, form="pytorch"),
        lambda p: SGD_(p, lr=RATE, momentum=0.9),
    ),
    "momentum that averages": (
        # PyTorch starts from the whole first gradient, whatever the dampening.
        Momentum(RATE * 0.1, 0.9, form="pytorch"),
        lambda p: SGD_(p, lr=RATE * 0.1, momentum=0.9),
    ),
    "nesterov, PyTorch's form": (
        Nesterov(RATE, 0.9, form="pytorch"),
        lambda p: SGD_(p, lr=RATE, momentum=0.9, nesterov=True),
    ),
    "nesterov, shifted": (
        Nesterov(RATE, 0.9),
        lambda p: SGD_(p, lr=RATE, momentum=0.9, nesterov=True),
    ),
    "adagrad": (AdaGrad(RATE), lambda p: torch.optim.Adagrad(p, lr=RATE)),
    "adagrad, initial sum": (
        AdaGrad(RATE, initial_sum=0.3, epsilon=1e-5),
        lambda p: torch.optim.Adagrad(p, lr=RATE, initial_accumulator_value=0.3, eps=1e-5),
    ),
    "adagrad, decaying": (
        AdaGrad(InverseTime(RATE, decay=0.1)),
        lambda p: torch.optim.Adagrad(p, lr=RATE, lr_decay=0.1),
    ),
    "adadelta": (AdaDelta(decay=0.9), lambda p: torch.optim.Adadelta(p)),
    "adadelta, paper's decay": (
        AdaDelta(0.5, decay=0.95, epsilon=1e-5),
        lambda p: torch.optim.Adadelta(p, lr=0.5, rho=0.95, eps=1e-5),
    ),
    "rmsprop": (RMSProp(RATE, 0.99), lambda p: torch.optim.RMSprop(p, lr=RATE)),
    "rmsprop, centered": (
        RMSProp(RATE, 0.99, centered=True, epsilon=1e-6),
        lambda p: torch.optim.RMSprop(p, lr=RATE, centered=True, eps=1e-6),
    ),
    "rmsprop with momentum": (
        chain(direction_of(RMSProp(decay=0.99)), accumulate(0.9), scale_by_step_size(RATE)),
        lambda p: torch.optim.RMSprop(p, lr=RATE, momentum=0.9),
    ),
    "adam": (Adam(RATE), lambda p: torch.optim.Adam(p, lr=RATE)),
    "adam, other settings": (
        Adam(RATE, 0.5, 0.9, epsilon=1e-3),
        lambda p: torch.optim.Adam(p, lr=RATE, betas=(0.5, 0.9), eps=1e-3),
    ),
    "adam, fused": (Adam(RATE), lambda p: torch.optim.Adam(p, lr=RATE, fused=True)),
    "adam, coupled decay": (
        chain(add_weight_decay(0.1), Adam(RATE)),
        lambda p: torch.optim.Adam(p, lr=RATE, weight_decay=0.1),
    ),
    "adamw": (
        AdamW(RATE, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, lr=RATE, weight_decay=0.1),
    ),
    "adamw, default decay": (AdamW(RATE), lambda p: torch.optim.AdamW(p, lr=RATE)),
    "amsgrad": (AMSGrad(RATE), lambda p: torch.optim.Adam(p, lr=RATE, amsgrad=True)),
    "amsgrad, short memory": (
        AMSGrad(RATE, 0.5, 0.9),
        lambda p: torch.optim.Adam(p, lr=RATE, amsgrad=True, betas=(0.5, 0.9)),
    ),
    "nadam": (Nadam(RATE), lambda p: torch.optim.NAdam(p, lr=RATE)),
    "nadam, other settings": (
        Nadam(RATE, 0.8, 0.99, momentum_decay=0.02),
        lambda p: torch.optim.NAdam(p, lr=RATE, betas=(0.8, 0.99), momentum_decay=0.02),
    ),
}


@pytest.fixture
def double_precision():
    """NAdam keeps the product of its momenta in PyTorch's default type."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", PYTORCH)
def test_follows_pytorch(name, double_precision):
    optimizer, make = PYTORCH[name]
    assert_same_way(ours(optimizer), torchs(make))


PYTORCH_CHANGING_RATE = {
    "gradient descent": (GradientDescent(HALVING), lambda p: SGD_(p, lr=RATE)),
    "momentum, PyTorch's form": (
        Momentum(HALVING, 0.9, form="pytorch"),
        lambda p: SGD_(p, lr=RATE, momentum=0.9),
    ),
    "momentum, converted to the classical form": (
        Momentum(HALVING, 0.9, form="pytorch").in_form("classical"),
        lambda p: SGD_(p, lr=RATE, momentum=0.9),
    ),
    "nesterov, PyTorch's form": (
        Nesterov(HALVING, 0.9, form="pytorch"),
        lambda p: SGD_(p, lr=RATE, momentum=0.9, nesterov=True),
    ),
    "adam": (Adam(HALVING), lambda p: torch.optim.Adam(p, lr=RATE)),
    "adamw": (AdamW(HALVING), lambda p: torch.optim.AdamW(p, lr=RATE)),
    "nadam": (Nadam(HALVING), lambda p: torch.optim.NAdam(p, lr=RATE)),
    "rmsprop": (RMSProp(HALVING, 0.99), lambda p: torch.optim.RMSprop(p, lr=RATE)),
}


@pytest.mark.parametrize("name", PYTORCH_CHANGING_RATE)
def test_follows_pytorch_while_the_rate_changes(name, double_precision):
    optimizer, make = PYTORCH_CHANGING_RATE[name]
    assert_same_way(ours(optimizer), torchs(make, torch_rate(HALVING)))


def test_the_forms_of_momentum_part_when_the_rate_changes():
    # So the conversion above is not empty.
    classical = ours(Momentum(HALVING, 0.9))
    theirs = torchs(lambda p: SGD_(p, lr=RATE, momentum=0.9), torch_rate(HALVING))
    np.testing.assert_allclose(classical[:40], theirs[:40], rtol=1e-9)
    assert np.abs(classical - theirs).max() > 1e-2


PYTORCH_CLIPPED = {
    "by norm": (
        chain(clip_by_norm(3.0, epsilon=1e-6), GradientDescent(RATE)),
        lambda p: torch.nn.utils.clip_grad_norm_(p, 3.0),
    ),
    "by value": (
        chain(clip_by_value(0.5), GradientDescent(RATE)),
        lambda p: torch.nn.utils.clip_grad_value_(p, 0.5),
    ),
    "by value, in SGD": (
        SGD(RATE, clip=0.5),
        lambda p: torch.nn.utils.clip_grad_value_(p, 0.5),
    ),
}


@pytest.mark.parametrize("name", PYTORCH_CLIPPED)
def test_clips_like_pytorch(name):
    optimizer, clip = PYTORCH_CLIPPED[name]
    assert_same_way(ours(optimizer), torchs(lambda p: SGD_(p, lr=RATE), before=clip))


OPTAX = {
    "gradient descent": (GradientDescent(RATE), optax.sgd(RATE)),
    "sgd with weight decay and momentum": (
        SGD(RATE, weight_decay=0.1, momentum=0.9),
        optax.chain(optax.add_decayed_weights(0.1), optax.sgd(RATE, momentum=0.9)),
    ),
    "momentum, PyTorch's form": (
        Momentum(HALVING, 0.9, form="pytorch"),
        optax.sgd(traced(HALVING), momentum=0.9),
    ),
    "momentum, classical form": (
        Momentum(HALVING, 0.9),
        optax.chain(optax.scale_by_learning_rate(traced(HALVING)), optax.trace(0.9)),
    ),
    "momentum, converted to PyTorch's form": (
        Momentum(HALVING, 0.9).in_form("pytorch"),
        optax.chain(optax.scale_by_learning_rate(traced(HALVING)), optax.trace(0.9)),
    ),
    "nesterov": (
        Nesterov(HALVING, 0.9, form="pytorch"),
        optax.sgd(traced(HALVING), momentum=0.9, nesterov=True),
    ),
    "nesterov, shifted": (Nesterov(RATE, 0.9), optax.sgd(RATE, momentum=0.9, nesterov=True)),
    "adagrad": (
        AdaGrad(RATE, epsilon=1e-7, epsilon_inside=True, initial_sum=0.1),
        optax.adagrad(RATE),
    ),
    "adadelta": (AdaDelta(1.0, 0.9), optax.adadelta(1.0)),
    "rmsprop": (RMSProp(RATE, epsilon_inside=True), optax.rmsprop(RATE)),
    "rmsprop, epsilon outside": (RMSProp(RATE), optax.rmsprop(RATE, eps_in_sqrt=False)),
    "rmsprop, centered": (
        RMSProp(RATE, 0.95, centered=True, epsilon=1e-4, epsilon_inside=True),
        optax.rmsprop(RATE, decay=0.95, centered=True, eps=1e-4),
    ),
    "rmsprop with momentum": (
        # optax multiplies by the rate first and accumulates then: the classical order.
        chain(
            direction_of(RMSProp(epsilon_inside=True)),
            scale_by_step_size(HALVING),
            accumulate(0.9),
        ),
        optax.rmsprop(traced(HALVING), momentum=0.9),
    ),
    "adam": (Adam(HALVING), optax.adam(traced(HALVING))),
    "adamw": (AdamW(HALVING, weight_decay=0.1), optax.adamw(traced(HALVING), weight_decay=0.1)),
    "amsgrad": (AMSGrad(RATE, correction="before"), optax.amsgrad(RATE)),
    "amsgrad, short memory": (
        AMSGrad(RATE, 0.8, 0.9, correction="before"),
        optax.amsgrad(RATE, 0.8, 0.9),
    ),
    "amsgrad, paper": (
        AMSGrad(RATE, correction="none"),
        optax.amsgrad(RATE, bias_correction_mu=False, bias_correction_nu=False),
    ),
    "nadam": (Nadam(RATE, momentum_decay=None), optax.nadam(RATE)),
    "clipping by norm": (
        chain(clip_by_norm(3.0), GradientDescent(RATE)),
        optax.chain(optax.clip_by_global_norm(3.0), optax.sgd(RATE)),
    ),
    "clipping by value": (
        chain(clip_by_value(0.5), GradientDescent(RATE)),
        optax.chain(optax.clip(0.5), optax.sgd(RATE)),
    ),
    "a long chain": (
        chain(
            rescale(0.5),
            clip_by_norm(2.0),
            direction_of(Adam(beta1=0.8)),
            add_weight_decay(0.05),
            scale_by_step_size(WARM_COSINE),
        ),
        optax.chain(
            optax.scale(0.5),
            optax.clip_by_global_norm(2.0),
            optax.scale_by_adam(b1=0.8),
            optax.add_decayed_weights(0.05),
            optax.scale_by_learning_rate(traced(WARM_COSINE)),
        ),
    ),
}


@pytest.mark.parametrize("name", OPTAX)
def test_follows_optax(name):
    optimizer, transformation = OPTAX[name]
    assert_same_way(ours(optimizer), optaxs(transformation))


@pytest.mark.parametrize("table", [PYTORCH, OPTAX], ids=["PyTorch", "optax"])
def test_no_optimizer_is_forgotten(table):
    compared = {type(optimizer) for optimizer, _ in table.values()}
    # These two look at the objective, and neither library has them.
    assert set(OPTIMIZERS.values()) - compared == {Newton, ConjugateGradient}


def test_decays_each_parameter_by_its_own_share_like_parameter_groups():
    decay = np.where(np.arange(SIZE) < 30, 0.1, 0.0)
    spared = AdamW(RATE, weight_decay=decay)
    weights, biases = torch.tensor(START[:30]), torch.tensor(START[30:])
    optimizer = torch.optim.AdamW(
        [{"params": [weights], "weight_decay": 0.1}, {"params": [biases], "weight_decay": 0.0}],
        lr=RATE,
    )
    points = []
    for gradient in GRADIENTS:
        weights.grad, biases.grad = torch.tensor(gradient[:30]), torch.tensor(gradient[30:])
        optimizer.step()
        points.append(np.concatenate([weights.numpy(), biases.numpy()]))
    assert_same_way(ours(spared), np.array(points))


def torch_average(**settings):
    model = torch.nn.Linear(SIZE, 1, bias=False, dtype=torch.float64)
    averaged = torch.optim.swa_utils.AveragedModel(model, **settings)
    for point in GRADIENTS:
        with torch.no_grad():
            model.weight[:] = torch.tensor(point)
        averaged.update_parameters(model)
    return averaged.module.weight.detach().numpy()[0]


def our_average(average):
    for point in GRADIENTS:
        average.add(point)
    return average.value


def test_averages_like_pytorch():
    decay = torch.optim.swa_utils.get_ema_avg_fn(0.9)
    np.testing.assert_allclose(our_average(IterateAverage()), torch_average(), rtol=TOLERANCE)
    np.testing.assert_allclose(
        our_average(ExponentialAverage(0.9, start="first")),
        torch_average(avg_fn=decay),
        rtol=TOLERANCE,
    )


def test_averages_like_optax():
    ema = optax.ema(0.9, debias=True)
    state = ema.init(jax.numpy.zeros(SIZE))
    for point in GRADIENTS:
        expected, state = ema.update(jax.numpy.asarray(point), state)
    np.testing.assert_allclose(our_average(ExponentialAverage(0.9)), expected, rtol=TOLERANCE)


def test_single_precision_stays_as_close_as_single_precision_allows():
    theta = START.astype(np.float32)
    optimizer = Adam(RATE)
    state = optimizer.init(theta)
    parameter = torch.tensor(theta.copy(), requires_grad=True)
    theirs = torch.optim.Adam([parameter], lr=RATE)
    for gradient in GRADIENTS.astype(np.float32):
        theta += optimizer.update(gradient, state, theta)
        parameter.grad = torch.tensor(gradient)
        theirs.step()
    assert theta.dtype == np.float32
    np.testing.assert_allclose(theta, parameter.detach().numpy(), atol=2e-5)
    assert math.isfinite(float(theta.sum()))
