"""Shifts against scipy's, and what mixup keeps."""

import numpy as np
import pytest
from scipy import ndimage

from course_lib.augmentation import mixup, shift, shifted_copies


@pytest.mark.parametrize("move", [(0, 0), (1, 0), (0, -1), (-2, 1), (3, 3), (9, 0), (0, -9)])
def test_shift_is_that_of_scipy(move):
    images = np.random.default_rng(0).random((4, 5, 6))
    expected = ndimage.shift(images, (0, *move), order=0)
    np.testing.assert_array_equal(shift(images, *move), expected)


def test_copies_are_all_positions_and_the_first_is_unmoved():
    images = np.zeros((2, 5, 5))
    images[:, 2, 2] = 1, 2
    copies, labels = shifted_copies(images, ["a", "b"])
    assert copies.shape == (18, 5, 5)
    np.testing.assert_array_equal(copies[:2], images)
    assert list(labels) == ["a", "b"] * 9
    places = {tuple(np.argwhere(copy == 1)[0]) for copy in copies[::2]}
    assert places == {(row, column) for row in (1, 2, 3) for column in (1, 2, 3)}
    assert len(shifted_copies(images, ["a", "b"], distance=0)[0]) == 2


def test_mixup_blends_targets_with_the_share_of_the_samples():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 500)
    one_hot = np.eye(3)[labels]
    X, y = mixup(one_hot, one_hot, 1.0, np.random.default_rng(1))
    np.testing.assert_allclose(X, y)
    np.testing.assert_allclose(y.sum(axis=1), 1)
    assert ((y > 0.01) & (y < 0.99)).any(axis=1).mean() > 0.5
    again, _ = mixup(one_hot, one_hot, 1.0, np.random.default_rng(1))
    np.testing.assert_array_equal(X, again)
    means = [mixup(labels[:, None] * 1.0, labels, a, rng)[1].std() for a in (0.01, 100.0)]
    assert means[1] < 0.8 * means[0]


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="got 2 images and 3 labels"):
        shifted_copies(np.zeros((2, 3, 3)), [0, 1, 2])
    with pytest.raises(ValueError, match="got 2 rows and 3 targets"):
        mixup(np.zeros((2, 1)), np.zeros(3), 1.0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="images"):
        shift(np.zeros((3, 3)), 1, 0)
