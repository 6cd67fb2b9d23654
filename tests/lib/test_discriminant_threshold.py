"""Where to cut a line between two classes, and how often the cut is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from course_lib.datasets import gaussian_classes
from course_lib.discriminants import (
    LinearDiscriminantAnalysis,
    best_cut,
    fisher_direction,
    gaussian_error,
)


def test_gaussian_error_is_the_tail_beyond_the_middle():
    for criterion in (0.0, 0.3, 4.0, 25.0):
        expected = norm.sf(np.sqrt(criterion) / 2)
        assert gaussian_error(criterion) == pytest.approx(expected, rel=1e-12)
    assert gaussian_error([0.0, 4.0]).shape == (2,)


def test_gaussian_error_is_what_new_samples_show():
    covariance, jump = np.array([[2.0, 1.2], [1.2, 1.0]]), np.array([0.4, 0.7])
    data = gaussian_classes([[0, 0], jump], covariance, 100_000, seed=3)
    predicted = gaussian_error(jump @ np.linalg.solve(covariance, jump))
    error = 1 - LinearDiscriminantAnalysis().fit(data.X, data.y).score(data.X, data.y)
    assert error == pytest.approx(predicted, abs=0.004)
    projected = fisher_direction(data.X, data.y).project(data.X)
    assert 1 - best_cut(projected, data.y).accuracy == pytest.approx(predicted, abs=0.004)


def test_a_negative_criterion_is_refused():
    with pytest.raises(ValueError, match="criterion must be non-negative, got -1"):
        gaussian_error(-1.0)


@pytest.mark.parametrize("seed", range(20))
def test_best_cut_tries_every_threshold(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 12, 30) / 4
    y = rng.permutation(np.arange(30) % 2)
    cut = best_cut(values, y)
    edges = np.concatenate([[-1.0], np.unique(values)])
    accuracies = [max(np.mean((values > t) == y), np.mean((values > t) != y)) for t in edges]
    assert cut.accuracy == pytest.approx(max(accuracies), abs=1e-12)
    at_threshold = np.mean((values > cut.threshold) == y)
    assert max(at_threshold, 1 - at_threshold) == pytest.approx(cut.accuracy, abs=1e-12)


def test_best_cut_of_equal_values_and_of_other_labels():
    assert best_cut([1.0, 1.0, 1.0], ["a", "b", "b"]) == (1.0, 2 / 3)
    with pytest.raises(ValueError, match="one of two classes"):
        best_cut([1.0, 2.0, 3.0], [0, 1, 2])


def test_gaussian_classes_have_the_moments_they_were_given():
    covariances = [np.eye(2), [[4.0, 1.0], [1.0, 2.0]]]
    data = gaussian_classes([[0, 0], [3, -1]], covariances, [20_000, 30_000], seed=0)
    assert np.bincount(data.y).tolist() == [20_000, 30_000]
    np.testing.assert_allclose(data.X[data.y == 1].mean(axis=0), [3, -1], atol=0.05)
    np.testing.assert_allclose(np.cov(data.X[data.y == 1].T), covariances[1], atol=0.1)
    again = gaussian_classes([[0, 0], [3, -1]], covariances, [20_000, 30_000], seed=0)
    np.testing.assert_array_equal(data.X, again.X)


@pytest.mark.parametrize(
    ("means", "covariances", "sizes", "message"),
    [
        ([[0, 0], [1, 1]], np.eye(3), 5, "covariances must have shape"),
        ([[0, 0], [1, 1]], np.eye(2), [5], "sizes must be one number"),
        ([[0, 0], [1, 1]], np.eye(2), 0, "sizes must be"),
    ],
)
def test_gaussian_classes_say_what_is_wrong(means, covariances, sizes, message):
    with pytest.raises(ValueError, match=message):
        gaussian_classes(means, covariances, sizes)
