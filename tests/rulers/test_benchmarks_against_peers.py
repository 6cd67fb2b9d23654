"""Contenders of a benchmark do the same work."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import optimizers
from benchmarks.workloads import WORKLOADS


def results(key):
    workload = WORKLOADS[key]
    data = workload.data(True)
    runs = {name: prepare(data) for name, prepare in workload.contenders.items()}
    return data, runs


@pytest.mark.parametrize("key", [key for key in WORKLOADS if key.startswith("adam")])
def test_adam_takes_the_same_steps(key, monkeypatch):
    # With numba the workload is a later stretch of a long run.
    monkeypatch.setattr(optimizers, "numba_is_available", lambda: False)
    _, runs = results(key)
    for _ in range(5):
        points = [np.array(run()) for run in runs.values()]
    for point in points[1:]:
        np.testing.assert_allclose(point, points[0], rtol=1e-5 if "32" in key else 1e-12)


def flat(gradients):
    return np.concatenate([np.asarray(array).ravel() for array in gradients])


def test_gradients_are_the_same():
    _, runs = results("tape")
    found = {name: run() for name, run in runs.items()}
    value, gradients = found["HIPS autograd, float64"]
    for other, others in found.values():
        assert other == pytest.approx(value, rel=1e-6)
        np.testing.assert_allclose(flat(others), flat(gradients), atol=1e-6)


@pytest.mark.parametrize(
    ("key", "tolerance"),
    [
        ("digits-32", 0.15),
        ("digits-200", 0.15),
        ("logistic-by-sample", 0.1),
        ("hinge-by-sample", 0.1),
        ("logistic-full-batch", 1e-5),
        ("pca", 1e-6),
    ],
)
def test_all_reach_the_same(key, tolerance):
    data, runs = results(key)
    _, value_of = WORKLOADS[key].reached
    reached = {name: value_of(data, run()) for name, run in runs.items()}
    assert max(reached.values()) <= (1 + tolerance) * min(reached.values()), reached


@pytest.mark.parametrize("key", ["lda", "lda-hard"])
def test_discriminants_are_no_less_accurate(key):
    data, runs = results(key)
    _, error_of = WORKLOADS[key].reached
    ours = error_of(data, runs["ours, float64"]())
    assert ours <= max(1e-13, error_of(data, runs["scikit-learn, svd (its default)"]()))


def test_every_peer_runs():
    for key in WORKLOADS:
        _, runs = results(key)
        assert all(run() is not None for run in runs.values())
