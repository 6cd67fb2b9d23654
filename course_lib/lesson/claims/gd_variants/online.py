"""Learning as it comes: checks of claims about online descent."""

from __future__ import annotations

from functools import cache

import numpy as np

from course_lib.batching import ClickLog, OnlineStream, drifting_clicks
from course_lib.costs import LogisticLoss
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.gd_variants.problems import plane
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.schedules import PowerLaw
from course_lib.validation import FloatArray

DAYS, DAY = 20, 500


def online_descent_has_regret_and_no_foresight() -> Evidence:
    """Measure regret on a fixed target, and the worth of a half-time model on a moving one."""
    n = 20_000
    risk, _ = plane(n)
    run = descend(
        risk, np.zeros(3), GradientDescent(PowerLaw(0.1, 0.5)), batches=OnlineStream(n),
        keep_points=False,
    )  # fmt: skip
    # On a stream the trace holds the loss of each sample, before the step that uses it.
    paid = np.cumsum(run.value)
    used = np.bincount(np.concatenate(list(OnlineStream(n))), minlength=n)
    regret = {}
    for length in (200, 2000, n):
        solution = np.linalg.lstsq(risk.X[:length], risk.y[:length])[0]
        best = 0.5 * np.sum((risk.X[:length] @ solution - risk.y[:length]) ** 2)
        regret[length] = (paid[length - 1] - best) / np.sqrt(length)

    log, clicks = _clicks()
    half = len(log.y) // 2
    model = _fit(clicks, np.arange(half), np.zeros(6))
    stale = _losses(log, model)[half:].mean()
    rate = log.y[half:].mean()
    base = -rate * np.log(rate) - (1 - rate) * np.log1p(-rate)
    return Evidence(
        supports=used.max() == used.min() == 1 and regret[n] < regret[200],
        contradicts=stale > base,
        n=n,
        uses=int(used.max()),
        short=regret[200],
        middle=regret[2000],
        long=regret[n],
        stale=stale,
        base=base,
    )


def online_descent_follows_the_clicks() -> Evidence:
    """Let four models predict each day before they learn from it."""
    log, clicks = _clicks()
    run = descend(
        clicks, np.zeros(6), GradientDescent(0.08), batches=OnlineStream(len(log.y)),
        keep_points=False,
    )  # fmt: skip
    losses = {"online": run.value}
    starts = {"all": lambda today: 0, "last": lambda today: today - 1, "frozen": lambda today: 0}
    for name, first in starts.items():
        theta, losses[name] = np.zeros(6), np.zeros(len(log.y))
        for today in range(1, DAYS):
            if name != "frozen" or today <= 2:
                past = np.arange(first(today) * DAY, today * DAY)
                theta = _fit(clicks, past, theta)
            now = slice(today * DAY, (today + 1) * DAY)
            losses[name][now] = _losses(log, theta)[now]
    p = log.probability
    truth = -log.y * np.log(p) - (1 - log.y) * np.log1p(-p)
    mean = {name: values[2 * DAY :].mean() for name, values in losses.items()}
    follows = mean["online"] < min(mean["all"], mean["last"], mean["frozen"])
    return Evidence(
        supports=follows,
        contradicts=not follows,
        online=mean["online"],
        last_day=mean["last"],
        all_days=mean["all"],
        frozen=mean["frozen"],
        truth=truth[2 * DAY :].mean(),
    )


@cache
def _clicks() -> tuple[ClickLog, EmpiricalRisk]:
    log = drifting_clicks(DAYS * DAY, seed=0)
    return log, EmpiricalRisk(LinearModel(5), LogisticLoss(), log.X, log.y)


def _fit(clicks: EmpiricalRisk, past: np.ndarray, start: FloatArray) -> FloatArray:
    method = GradientDescent(2.0)
    return descend(clicks, start, method, batches=[past] * 60, keep_points=False).final


def _losses(log: ClickLog, theta: FloatArray) -> FloatArray:
    scores = log.X @ theta[:5] + theta[5]
    return np.logaddexp(0.0, -(2 * log.y - 1) * scores)
