"""Logistic regression and the linear support vector machine: 20 000 samples of 20 features."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.peers import fit_quietly
from benchmarks.workload import Run, Target, Workload
from course_lib.linear_learners import LinearSVC, LogisticRegression

ALPHA = 1e-4
#: How far above its minimum the full-batch objective may end.
EXCESS = 1e-6
STEP_SIZE = 0.05
ONE_EPOCH = {"max_iter": 1, "tol": None, "random_state": 0}


class Samples(NamedTuple):
    """Samples of two overlapping classes."""

    X: np.ndarray
    y: np.ndarray


def two_classes(tiny: bool) -> Samples:
    rng, n = np.random.default_rng(0), 300 if tiny else 20_000
    X = rng.standard_normal((n, 20))
    return Samples(X, (X @ rng.standard_normal(20) + rng.logistic(size=n) > 0).astype(np.intp))


def fitting(model: Callable[[], Any], data: Samples) -> Run:
    return lambda: fit_quietly(model(), *data)


def descent_of_scikit_learn(loss: str, data: Samples) -> Run:
    from sklearn.linear_model import SGDClassifier

    # Its own choice of steps takes the same time and ends far from the minimum after one epoch.
    steps = {"learning_rate": "constant", "eta0": STEP_SIZE}
    return fitting(lambda: SGDClassifier(loss, alpha=ALPHA, **steps, **ONE_EPOCH), data)


def by_sample(data: Samples) -> Run:
    return fitting(
        lambda: LogisticRegression(ALPHA, solver="sgd", step_size=STEP_SIZE, **ONE_EPOCH), data
    )


def in_batches(data: Samples) -> Run:
    return fitting(
        lambda: LogisticRegression(ALPHA, solver="sgd", step_size=0.5, batch_size=32, **ONE_EPOCH),
        data,
    )


def hinge_by_sample(data: Samples) -> Run:
    return fitting(
        lambda: LinearSVC(ALPHA, solver="pegasos", average=False, step_size=STEP_SIZE, **ONE_EPOCH),
        data,
    )


def full_batch(tol: float) -> Any:
    return LogisticRegression(ALPHA, tol=tol)


def full_batch_of_scikit_learn(n_samples: int, tol: float) -> Any:
    from sklearn.linear_model import LogisticRegression as Peer

    return Peer(C=1.0 / (ALPHA * n_samples), tol=tol)


def to_the_minimum(model: Callable[[float], Any], data: Samples) -> Run:
    """Return the fit at the largest tolerance that ends within `EXCESS` of the minimum."""
    minimum = logistic_objective(data, fit_quietly(full_batch(1e-9), *data))
    for tol in (10.0 ** np.arange(-1.0, -8.0, -0.25)).tolist():
        fitted = fit_quietly(model(tol), *data)
        if logistic_objective(data, fitted) <= minimum + EXCESS:
            return fitting(partial(model, tol), data)
    raise AssertionError(f"no tolerance brings the objective within {EXCESS:g} of its minimum")


def _scores(data: Samples, model: Any) -> tuple[np.ndarray, float]:
    signs = np.where(data.y == 1, 1.0, -1.0)
    penalty = 0.5 * ALPHA * float(model.coef_[0] @ model.coef_[0])
    return signs * (data.X @ model.coef_[0] + model.intercept_[0]), penalty


def logistic_objective(data: Samples, model: Any) -> float:
    margins, penalty = _scores(data, model)
    return float(np.logaddexp(0.0, -margins).mean()) + penalty


def hinge_objective(data: Samples, model: Any) -> float:
    margins, penalty = _scores(data, model)
    return float(np.maximum(0.0, 1.0 - margins).mean()) + penalty


PEER = "scikit-learn SGDClassifier"

WORKLOADS = {
    "logistic-by-sample": Workload(
        "logistic regression, one sample at a time, 20 000 × 20, one epoch",
        two_classes,
        {"ours": by_sample, PEER: partial(descent_of_scikit_learn, "log_loss")},
        (Target("ours", PEER, 0.6, 6.0),),
        compiled_loops=True,
        reached=("objective", logistic_objective),
    ),
    "hinge-by-sample": Workload(
        "hinge loss, one sample at a time, 20 000 × 20, one epoch",
        two_classes,
        {"ours": hinge_by_sample, PEER: partial(descent_of_scikit_learn, "hinge")},
        (Target("ours", PEER, 0.6, 6.0),),
        compiled_loops=True,
        reached=("objective", hinge_objective),
    ),
    "logistic-mini-batch": Workload(
        "logistic regression in batches of 32, 20 000 × 20, one epoch",
        two_classes,
        {"ours": in_batches, PEER: partial(descent_of_scikit_learn, "log_loss")},
        (Target("ours", PEER, 1.0),),
        compiled_loops=True,
        reached=("objective", logistic_objective),
    ),
    "logistic-full-batch": Workload(
        "logistic regression, full batch, 20 000 × 20, to the minimum + 1e-6",
        two_classes,
        {
            "ours (L-BFGS)": partial(to_the_minimum, full_batch),
            "scikit-learn LogisticRegression (lbfgs)": lambda data: to_the_minimum(
                partial(full_batch_of_scikit_learn, len(data.X)), data
            ),
        },
        (Target("ours (L-BFGS)", "scikit-learn LogisticRegression (lbfgs)", 0.9),),
        reached=("objective", logistic_objective),
    ),
}
