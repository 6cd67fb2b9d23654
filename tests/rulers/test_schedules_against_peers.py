"""Schedules have the values that PyTorch's and optax's have."""

from __future__ import annotations

import jax
import numpy as np
import optax
import pytest
import torch

from course_lib import schedules
from course_lib.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    Joined,
    KnownSchedule,
    OneCycle,
    Piecewise,
    Polynomial,
    PowerLaw,
    Scaled,
    StepDecay,
    WarmUp,
)

jax.config.update("jax_enable_x64", True)

STEPS, TOLERANCE = 300, 1e-10


def torch_rates(make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler, rates = make(optimizer), []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


lr = torch.optim.lr_scheduler

TORCH_SCHEDULES = {
    "constant": (Constant(0.1), lambda o: lr.ConstantLR(o, factor=1.0)),
    "step": (StepDecay(0.1, 0.5, every=30), lambda o: lr.StepLR(o, 30, gamma=0.5)),
    "exponential": (Exponential(0.1, 0.97), lambda o: lr.ExponentialLR(o, 0.97)),
    "inverse time": (
        InverseTime(0.1, 0.05),
        lambda o: lr.LambdaLR(o, lambda k: 1 / (1 + 0.05 * k)),
    ),
    "power law": (
        PowerLaw(0.1, 0.6, 0.05),
        lambda o: lr.LambdaLR(o, lambda k: (1 + 0.05 * k) ** -0.6),
    ),
    "power law, of the count": (
        PowerLaw(0.1, 0.5),
        lambda o: lr.LambdaLR(o, lambda k: (k + 1) ** -0.5),
    ),
    "scaled": (
        Scaled(Exponential(0.2, 0.97), 0.5),
        lambda o: lr.ExponentialLR(o, 0.97),
    ),
    "joined": (
        Joined([Constant(0.1), Exponential(0.1, 0.9)], [100]),
        lambda o: lr.SequentialLR(
            o, [lr.ConstantLR(o, factor=1.0), lr.ExponentialLR(o, 0.9)], milestones=[100]
        ),
    ),
    "piecewise": (
        Piecewise([0.1, 0.01, 0.001], [50, 200]),
        lambda o: lr.MultiStepLR(o, [50, 200], gamma=0.1),
    ),
    "polynomial": (
        Polynomial(0.1, 0.0, 250, power=2.0),
        lambda o: lr.PolynomialLR(o, 250, power=2.0),
    ),
    "linear": (Polynomial(0.03, 0.08, 90), lambda o: lr.LinearLR(o, 0.3, 0.8, total_iters=90)),
    "cosine": (Cosine(0.1, 299, final=0.01), lambda o: lr.CosineAnnealingLR(o, 299, eta_min=0.01)),
    "cosine restarts": (
        CosineRestarts(0.1, 60, final=0.01),
        lambda o: lr.CosineAnnealingWarmRestarts(o, 60, eta_min=0.01),
    ),
    "cosine restarts, growing": (
        CosineRestarts(0.1, 20, growth=2),
        lambda o: lr.CosineAnnealingWarmRestarts(o, 20, T_mult=2),
    ),
    "one cycle": (
        OneCycle(0.1, steps=299, rise=(0.3 * 300 - 1) / 299),
        lambda o: lr.OneCycleLR(o, max_lr=0.1, total_steps=300, cycle_momentum=False),
    ),
    "one cycle, straight": (
        OneCycle(0.1, 299, (0.4 * 300 - 1) / 299, 10.0, 100.0, shape="linear"),
        lambda o: lr.OneCycleLR(
            o,
            max_lr=0.1,
            total_steps=300,
            pct_start=0.4,
            div_factor=10.0,
            final_div_factor=100.0,
            anneal_strategy="linear",
            cycle_momentum=False,
        ),
    ),
    "warm-up, then step decay": (
        WarmUp(20, StepDecay(0.1, 0.5, every=40), start=0.25),
        lambda o: lr.SequentialLR(
            o,
            [lr.LinearLR(o, 0.25, total_iters=20), lr.StepLR(o, 40, gamma=0.5)],
            milestones=[20],
        ),
    ),
}


@pytest.mark.filterwarnings("ignore:The epoch parameter in `scheduler.step")  # SequentialLR's own
@pytest.mark.parametrize("name", TORCH_SCHEDULES)
def test_schedule_follows_pytorch(name):
    schedule, make = TORCH_SCHEDULES[name]
    np.testing.assert_allclose(
        schedule.values(STEPS), torch_rates(make), rtol=TOLERANCE, atol=1e-16
    )


OPTAX_SCHEDULES = {
    "constant": (Constant(0.1), optax.constant_schedule(0.1)),
    "step": (StepDecay(0.1, 0.5, 30), optax.exponential_decay(0.1, 30, 0.5, staircase=True)),
    "exponential": (Exponential(0.1, 0.97), optax.exponential_decay(0.1, 1, 0.97)),
    "scaled": (
        Scaled(Exponential(0.1, 0.97), 0.5),
        lambda k: 0.5 * optax.exponential_decay(0.1, 1, 0.97)(k),
    ),
    "piecewise": (
        Piecewise([0.1, 0.02, 0.001], [50, 200]),
        optax.piecewise_constant_schedule(0.1, {50: 0.2, 200: 0.05}),
    ),
    "polynomial": (Polynomial(0.1, 0.01, 250, 2.0), optax.polynomial_schedule(0.1, 0.01, 2.0, 250)),
    "linear": (Polynomial(0.01, 0.1, 90), optax.linear_schedule(0.01, 0.1, 90)),
    "cosine": (Cosine(0.1, 250, final=0.02), optax.cosine_decay_schedule(0.1, 250, alpha=0.2)),
    "cosine restarts": (
        Joined([Cosine(0.1, 40), Cosine(0.1, 80), Cosine(0.1, 160)], [40, 120]),
        optax.sgdr_schedule(
            [
                {"init_value": 0.1, "peak_value": 0.1, "decay_steps": n, "warmup_steps": 0}
                for n in (40, 80, 160)
            ]
        ),
    ),
    "cosine restarts, growing": (
        CosineRestarts(0.1, 40, growth=2),
        optax.sgdr_schedule(
            [
                {"init_value": 0.1, "peak_value": 0.1, "decay_steps": n, "warmup_steps": 0}
                for n in (40, 80, 160, 320)
            ]
        ),
    ),
    "warm-up, then cosine": (
        WarmUp(30, Cosine(0.1, 200, final=0.001), start=0.2),
        optax.warmup_cosine_decay_schedule(0.02, 0.1, 30, 230, end_value=0.001),
    ),
    "warm-up, then exponential": (
        WarmUp(30, Exponential(0.1, 0.99), start=0.0),
        optax.warmup_exponential_decay_schedule(0.0, 0.1, 30, 1, 0.99),
    ),
    "one cycle": (OneCycle(0.1, steps=250), optax.cosine_onecycle_schedule(250, 0.1)),
    "joined": (
        Joined([Constant(0.1), Exponential(0.05, 0.9)], [100]),
        optax.join_schedules(
            [optax.constant_schedule(0.1), optax.exponential_decay(0.05, 1, 0.9)], [100]
        ),
    ),
}


@pytest.mark.parametrize("name", OPTAX_SCHEDULES)
def test_schedule_follows_optax(name):
    schedule, theirs = OPTAX_SCHEDULES[name]
    rate = jax.vmap(lambda k: jax.numpy.asarray(theirs(k), float))
    expected = np.asarray(rate(jax.numpy.arange(STEPS)))
    np.testing.assert_allclose(schedule.values(STEPS), expected, rtol=TOLERANCE, atol=1e-16)


def test_no_schedule_is_forgotten():
    known = {
        value
        for value in vars(schedules).values()
        if isinstance(value, type) and issubclass(value, KnownSchedule)
    } - {KnownSchedule}
    by_pytorch, by_optax = (
        {type(schedule) for schedule, _ in table.values()}
        for table in (TORCH_SCHEDULES, OPTAX_SCHEDULES)
    )
    assert known == by_pytorch
    assert known - by_optax == {InverseTime, PowerLaw}  # optax has no such.


def test_cosine_and_its_restarts_are_one():
    long = CosineRestarts(0.1, 40, growth=2)
    cycles = Joined([Cosine(0.1, 40), Cosine(0.1, 80), Cosine(0.1, 160)], [40, 120])
    np.testing.assert_allclose(long.values(280), cycles.values(280), rtol=1e-15)
