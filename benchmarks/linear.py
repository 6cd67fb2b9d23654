"""Linear learners beside scikit-learn's: what each workload is, for the harness to time.

Each workload is a pair of functions without argument, ours and the peer's, that do the same work on
the same data: 20 000 samples of 20 features.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from sklearn import linear_model
from sklearn.exceptions import ConvergenceWarning

from course_lib.linear_learners import LinearSVC, LogisticRegression

N_SAMPLES, N_FEATURES = 20_000, 20
ALPHA = 1e-4
#: How far above its minimum the full-batch objective may end.
EXCESS = 1e-6


class Workload(NamedTuple):
    """Two functions to time, and the ratio ours / peer to reach, with numba and without."""

    ours: Callable[[], Any]
    peer: Callable[[], Any]
    target: float
    target_uncompiled: float


@cache
def data() -> tuple[np.ndarray, np.ndarray]:
    """Return samples of two overlapping classes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    noise = rng.logistic(size=N_SAMPLES)
    return X, (X @ rng.standard_normal(N_FEATURES) + noise > 0).astype(np.intp)


def fit(model: Any) -> Any:
    """Fit, one epoch or to the end, without a word about the epoch cap."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(*data())


def one_epoch_peer(loss: str) -> Any:
    return fit(linear_model.SGDClassifier(loss, alpha=ALPHA, max_iter=1, tol=None, random_state=0))


def logistic_by_sample() -> Any:
    return fit(
        LogisticRegression(
            ALPHA, solver="sgd", step_size=0.05, max_iter=1, tol=None, random_state=0
        )
    )


def hinge_by_sample() -> Any:
    return fit(
        LinearSVC(
            ALPHA,
            solver="pegasos",
            average=False,
            step_size=0.05,
            max_iter=1,
            tol=None,
            random_state=0,
        )
    )


def logistic_mini_batch() -> Any:
    return fit(
        LogisticRegression(
            ALPHA,
            solver="sgd",
            step_size=0.5,
            batch_size=32,
            max_iter=1,
            tol=None,
            random_state=0,
        )
    )


def logistic_objective(model: Any) -> float:
    """Return the objective that both full-batch fits minimize."""
    X, y = data()
    scores = np.where(y == 1, 1.0, -1.0) * (X @ model.coef_[0] + model.intercept_[0])
    penalty = 0.5 * ALPHA * float(model.coef_[0] @ model.coef_[0])
    return float(np.logaddexp(0.0, -scores).mean()) + penalty


def full_batch_ours(tol: float) -> Any:
    return fit(LogisticRegression(ALPHA, tol=tol))


def full_batch_peer(tol: float) -> Any:
    return fit(linear_model.LogisticRegression(C=1.0 / (ALPHA * N_SAMPLES), tol=tol))


@cache
def loosest_tolerance(fit_to: Callable[[float], Any]) -> float:
    """Return the largest tolerance at which a fit ends within `EXCESS` of the minimum."""
    minimum = logistic_objective(full_batch_ours(1e-9))
    for tol in 10.0 ** np.arange(-1.0, -8.0, -0.25):
        if logistic_objective(fit_to(tol)) <= minimum + EXCESS:
            return float(tol)
    raise AssertionError(f"no tolerance brings the objective within {EXCESS:g} of its minimum")


def workloads() -> dict[str, Workload]:
    """Return every workload by name. The first call also finds the tolerances."""
    log_loss, hinge = partial(one_epoch_peer, "log_loss"), partial(one_epoch_peer, "hinge")
    return {
        "logistic, one sample at a time, one epoch": Workload(
            logistic_by_sample, log_loss, 0.6, 6.0
        ),
        "hinge, one sample at a time, one epoch": Workload(hinge_by_sample, hinge, 0.6, 6.0),
        "logistic, batches of 32, one epoch": Workload(logistic_mini_batch, log_loss, 1.0, 1.0),
        "logistic, full batch, to the minimum + 1e-6": Workload(
            partial(full_batch_ours, loosest_tolerance(full_batch_ours)),
            partial(full_batch_peer, loosest_tolerance(full_batch_peer)),
            0.9,
            0.9,
        ),
    }
