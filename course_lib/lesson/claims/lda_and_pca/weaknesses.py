"""Where LDA fails: checks of claims about its weaknesses."""

from __future__ import annotations

import numpy as np
from scipy.linalg import subspace_angles
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from course_lib.datasets import gaussian_classes
from course_lib.discriminants import LinearDiscriminantAnalysis
from course_lib.lesson.claims.evidence import Evidence


def non_gaussian_classes_need_only_differ_in_mean() -> Evidence:
    """Classify three kinds of non-Gaussian classes, and a chequered one."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 4000)
    shape = (len(y), 2)
    noises = {
        "uniform": (rng.uniform(size=shape), 12**-0.5),
        "laplace": (rng.laplace(size=shape), 2**0.5),
        "exponential": (rng.exponential(size=shape), 1.0),
    }
    accuracy, angles = {}, []
    for name, (noise, deviation) in noises.items():
        jump = 2 * deviation * np.array([0.8, 0.6])
        X = noise + y[:, None] * jump
        model = LinearDiscriminantAnalysis().fit(X, y)
        accuracy[name] = model.score(X, y)
        # The features are independent and equally wide: the best direction joins the means.
        angles.append(np.degrees(subspace_angles(model.scalings_, jump[:, None])[0]))
    heaps = gaussian_classes([[0, 0], [4, 4], [0, 4], [4, 0]], np.eye(2), 1000, seed=0)
    classes = heaps.y // 2
    chequered = LinearDiscriminantAnalysis().fit(heaps.X, classes).score(heaps.X, classes)
    return Evidence(
        supports=chequered < 0.6,
        contradicts=min(accuracy.values()) > 0.8 and max(angles) < 2.5,
        worst_angle=float(np.ceil(max(angles))),
        chequered=chequered,
        **accuracy,
    )


def differences_in_variance_are_invisible() -> Evidence:
    """Classify two classes with one mean by a linear and by a quadratic rule."""
    spreads = [np.eye(3), 16 * np.eye(3)]
    train, test = (gaussian_classes(np.zeros((2, 3)), spreads, 2000, seed=s) for s in (0, 1))
    lda = LinearDiscriminantAnalysis().fit(train.X, train.y).score(test.X, test.y)
    quadratic = QuadraticDiscriminantAnalysis().fit(train.X, train.y).score(test.X, test.y)
    return Evidence(
        supports=lda < 0.6 and quadratic > 0.9,
        contradicts=lda > 0.75,
        lda=lda,
        quadratic=quadratic,
    )


def few_samples_teach_noise() -> Evidence:
    """Fit random labels, then a faint difference, with 60 samples of 50 features."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 50)), np.arange(60) % 2
    new, labels = rng.standard_normal((4000, 50)), np.arange(4000) % 2
    noise = LinearDiscriminantAnalysis().fit(X, y)
    train, test = noise.score(X, y), noise.score(new, labels)
    X, new = X + 0.25 * y[:, None], new + 0.25 * labels[:, None]
    plain, shrunk = (
        LinearDiscriminantAnalysis(shrinkage=s).fit(X, y).score(new, labels) for s in (None, "auto")
    )
    assert shrunk > plain + 0.05
    return Evidence(
        supports=train > 0.9 and abs(test - 0.5) < 0.05,
        contradicts=train - test < 0.1,
        train=train,
        test=test,
        plain=plain,
        shrunk=shrunk,
    )
