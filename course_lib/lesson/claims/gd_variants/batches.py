"""Who is in the batch? Checks of claims about the variants and their listings."""

from __future__ import annotations

import numpy as np

from course_lib.batching import FullBatch, Incremental, MiniBatches, OnlineStream, SingleRandom
from course_lib.costs import HalfSquaredError
from course_lib.datasets import salaries
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.gd_variants.problems import plane
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.schedules import InverseTime
from course_lib.validation import FloatArray


def drawing_and_sweeping_differ() -> Evidence:
    """Count who is drawn, and compare where epochs end."""
    firsts = np.array(
        [
            [next(iter(SingleRandom(10, seed=seed, replace=replace)))[0] for seed in range(3000)]
            for replace in (True, False)
        ]
    )
    shares = np.array([np.bincount(row, minlength=10) / 3000 for row in firsts])
    n = 100
    risk, sampled = plane(n)
    errors, seen = {}, {}
    for replace in (True, False):
        batches = SingleRandom(n, seed=0, epochs=60, replace=replace)
        ends = descend(risk, sampled.minimizer, GradientDescent(0.01), batches=batches)
        errors[replace] = np.mean(ends.errors(sampled.minimizer)[10 * n :: n] ** 2)
        seen[replace] = np.mean(
            [
                len({batch[0] for batch in SingleRandom(n, seed=seed, replace=replace)}) / n
                for seed in range(50)
            ]
        )
    return Evidence(
        supports=np.abs(shares - 0.1).max() < 0.03,
        contradicts=seen[False] == 1.0 and seen[True] < 0.66 and errors[False] < 0.5 * errors[True],
        n=n,
        first_low=shares.min(),
        first_high=shares.max(),
        distinct=seen[True],
        swept=seen[False],
        drawn_error=errors[True],
        swept_error=errors[False],
    )


#: A sweep of our own with the gaps of the printed ones.
_LISTING = """
def sweep(data, step):
    weights = np.zeros(2)
    for sample in data:
        weights = weights - step * compute_gradient(weights, sample)
    return weights
result = sweep([(1.0, 2.0)], 0.1)
"""


def listings_of_that_kind_do_not_run() -> Evidence:
    """Execute a listing that imports nothing and defines no gradient."""
    missing = []
    for given in ({}, {"np": np}):
        try:
            exec(_LISTING, dict(given))
        except NameError as error:
            missing.append(error.name)
    features, _ = zip(*[((1.0, 2.0), 0.0), ((3.0, 4.0), 1.0)], strict=True)
    unusable = not hasattr(features, "T")
    return Evidence(
        supports=not missing and not unusable,
        contradicts=missing == ["np", "compute_gradient"] and unusable,
        first=missing[0],
        second=missing[1],
        kind=type(features).__name__,
    )


def floor_division_drops_samples() -> Evidence:
    """Count visits of ten samples in batches of three, with floor division and without."""
    epochs = 1000
    shuffled = MiniBatches(10, 3, seed=0, epochs=epochs, drop_last=True)
    visits = np.bincount(np.concatenate(list(shuffled)), minlength=10)
    fixed = [i for k in range(10 // 3) for i in range(3 * k, 3 * k + 3)]
    kept = np.concatenate(list(MiniBatches(10, 3, seed=0)))
    covers = sorted(kept) == list(range(10))
    return Evidence(
        supports=visits.sum() == 10 * epochs,
        contradicts=visits.sum() == 9 * epochs and visits.min() > 0 and 9 not in fixed and covers,
        dropped=int(visits.sum()) // epochs,
        kept=len(kept),
        epochs=epochs,
        fewest=int(visits.min()),
        most=int(visits.max()),
        never=fixed.count(9),
        no_steps=3 // 5,
    )


def the_sum_is_not_the_mean() -> Evidence:
    """Step along the sum over a batch and along its mean."""
    risk, sampled = plane(200)
    size, alpha = 50, 0.1
    batch = np.arange(size)
    start = np.zeros(3)
    total = sum(risk.gradient(start, batch[i : i + 1]) for i in range(size))
    ratio = np.linalg.norm(total) / np.linalg.norm(risk.gradient(start, batch))
    lowest = risk.value(sampled.minimizer)
    gaps = []
    for step in (alpha * size, alpha):
        batches = MiniBatches(200, size, seed=0, epochs=10)
        run = descend(risk, start, GradientDescent(step), batches=batches)
        gaps.append(risk.value(run.final) - lowest)
    return Evidence(
        supports=np.isclose(ratio, 1.0),
        contradicts=np.isclose(ratio, size) and gaps[0] > 1e20 and gaps[1] < 0.01,
        size=size,
        ratio=ratio,
        alpha=alpha,
        power=20,
        mean_gap=gaps[1],
    )


def incremental_steps_move_every_parameter() -> Evidence:
    """Count the parameters that one step changes."""
    risk, _ = plane(200)
    start = np.zeros(3)
    step = descend(risk, start, GradientDescent(0.1), batches=Incremental(200), max_iterations=1)
    one = np.eye(3)[0]
    coordinate = start - 0.1 * risk.gradient(start) * one
    changed = int((step.final != start).sum())
    return Evidence(
        supports=changed == 1,
        contradicts=changed == 3,
        parameters=3,
        incremental=changed,
        coordinate=int((coordinate != start).sum()),
    )


def a_stream_is_seen_once() -> Evidence:
    """Use a stream once, and then ask it for what the printed loop needs."""
    risk, sampled = plane(2000)
    stream = OnlineStream(2000)
    run = descend(risk, np.zeros(3), GradientDescent(InverseTime(0.1, 0.02)), batches=stream)
    distance = run.errors(sampled.minimizer)[-1]
    arriving = (sample for sample in risk.X)
    try:
        length = arriving.shape[0]
    except AttributeError as error:
        problem = type(error).__name__
    else:
        raise AssertionError(f"a stream has a shape: {length}")
    first = sum(1 for _ in arriving)
    assert first == 2000
    second = sum(1 for _ in arriving)
    return Evidence(
        supports=distance < 0.1 and run.n_iterations == 2000,
        contradicts=problem == "AttributeError" and second == 0,
        length=2000,
        distance=distance,
        error=problem,
        second=second,
    )


def order_matters_without_local_optima() -> Evidence:
    """Follow the five salaries in two orders until nothing changes."""
    data = salaries()
    risk = EmpiricalRisk(LinearModel(1), HalfSquaredError(), data.X, data.y)
    best = np.linalg.lstsq(risk.model.design_matrix(data.X), data.y)[0]
    printed, reverse = [0, 1, 2, 3, 4], [4, 3, 2, 1, 0]

    def cycle(step: float, order: list[int]) -> FloatArray:
        sweeps = Incremental(5, order=order, epochs=round(10 / step))
        return descend(risk, best, GradientDescent(step), batches=sweeps, keep_points=False).final

    end, other, half = cycle(0.01, printed), cycle(0.01, reverse), cycle(0.005, printed)
    curvature = np.linalg.eigvalsh(risk.hessian(best))[0]
    share = np.linalg.norm(half - best) / np.linalg.norm(end - best)
    return Evidence(
        supports=np.linalg.norm(end - other) > 100,
        contradicts=curvature > 0 and share < 0.6,
        w=end[0],
        b=end[1],
        reverse_w=other[0],
        reverse_b=other[1],
        best_w=best[0],
        best_b=best[1],
        curvature=curvature,
        share=share,
    )


def the_full_batch_saves_nothing() -> Evidence:
    """Count sample gradients."""
    risk, _ = plane(1000)
    runs = [
        descend(risk, np.zeros(3), GradientDescent(0.1), batches=batches, max_iterations=50)
        for batches in (None, FullBatch(1000, epochs=51), SingleRandom(1000, seed=0))
    ]
    # The last look at the last point is not a step.
    per_step = [run.evaluations["sample_gradients"] // 51 for run in runs]
    plain, batch, single = (50 * count for count in per_step)
    return Evidence(
        supports=batch < plain,
        contradicts=batch == plain == 1000 * single,
        n=1000,
        steps=50,
        plain=plain,
        batch=batch,
        single=single,
    )


def the_full_gradient_adds_up_in_pieces() -> Evidence:
    """Accumulate the gradient over chunks."""
    risk, _ = plane(1000)
    start, chunk, bound = np.ones(3), 10, 1e-14
    whole = risk.gradient(start)
    pieces = sum(
        chunk * risk.gradient(start, np.arange(k, k + chunk)) for k in range(0, 1000, chunk)
    )
    error = np.abs(pieces / 1000 - whole).max() / np.abs(whole).max()
    held = len(risk.model.predict(start, risk.X))
    return Evidence(
        supports=held == 1000,
        contradicts=error < bound,
        n=held,
        chunk=chunk,
        bound=bound,
    )


def nothing_is_restricted() -> Evidence:
    """Compare the points visited, the mean gradient, and where both end."""
    risk, sampled = plane(1000)
    start = np.zeros(3)
    plain = descend(risk, start, GradientDescent(0.1), max_iterations=20)
    batch = descend(
        risk, start, GradientDescent(0.1), batches=FullBatch(1000, epochs=21), max_iterations=20
    )
    same = np.allclose(plain.theta, batch.theta, rtol=0, atol=1e-12)
    each = [risk.gradient(start, np.array([i])) for i in range(1000)]
    bound = 1e-12
    unbiased = np.abs(np.mean(each, axis=0) - risk.gradient(start)).max() < bound
    few, many = 500, 10_000
    batches = SingleRandom(1000, seed=0, epochs=many // 1000)
    single = descend(risk, start, GradientDescent(InverseTime(0.1, 0.02)), batches=batches)
    errors = single.errors(sampled.minimizer)
    return Evidence(
        supports=not (same and unbiased),
        contradicts=same and unbiased and errors[many] < 0.5 * errors[few],
        points=len(plain.theta),
        bound=bound,
        few=few,
        many=many,
        early=errors[few],
        late=errors[many],
    )
