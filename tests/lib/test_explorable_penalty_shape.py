"""The explorable of a penalty's strength and shape agrees with scikit-learn's elastic net."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, Ridge

from course_lib.explorables import penalty_shape, penalty_shape_explorable


def standardized():
    data = load_diabetes()
    order = np.random.default_rng(4).permutation(442)
    seen, held = order[:20], order[20:]
    X, y = data.data[:, [1, 2]], data.target
    X = (X - X[seen].mean(0)) / X[seen].std(0)
    z = (y - y[seen].mean()) / y[seen].std()
    return X[seen], z[seen], X[held], z[held], y[seen].std()


@pytest.mark.parametrize("share", penalty_shape.SHARES)
def test_weights_are_those_of_scikit_learn(share):
    X, y, *_ = standardized()
    for strength in penalty_shape.STRENGTHS:
        if share:
            ruler = ElasticNet(
                strength, l1_ratio=share, fit_intercept=False, tol=1e-12, random_state=0
            )
        else:
            ruler = Ridge(20 * strength, fit_intercept=False)
        expected = ruler.fit(X, y).coef_
        found = penalty_shape.weights(strength, share)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert list(found == 0) == list(np.abs(expected) < 1e-12)


def test_errors_are_those_of_the_other_patients():
    *_, X, y, unit = standardized()
    w = penalty_shape.weights(0.3, 1.0)
    expected = unit * np.sqrt(np.mean((X @ w - y) ** 2))
    assert penalty_shape.problem().error(w) == pytest.approx(expected)
    assert penalty_shape.draw(0.3, 1.0).facts["Held-out error"] == f"{expected:.1f}"


def test_level_set_passes_through_the_minimum():
    for share in penalty_shape.SHARES:
        w = penalty_shape.weights(0.1, share)
        line = penalty_shape._level_set(share, w)
        points = np.array([line.x, line.y]).T
        penalty = share * np.abs(points).sum(1) + (1 - share) / 2 * (points**2).sum(1)
        at_w = share * np.abs(w).sum() + (1 - share) / 2 * (w @ w)
        np.testing.assert_allclose(penalty, at_w)


def test_target_needs_a_corner_and_the_right_strength():
    explorable = penalty_shape_explorable()
    assert not penalty_shape.draw(**explorable.start).reached
    reached = [p for p in explorable.positions() if penalty_shape.draw(**p).reached]
    assert {(p["strength"], p["share"]) for p in reached} == {(0.4, 0.75), (0.3, 1.0)}


def test_every_state_says_what_it_shows():
    seen = set()
    for scene in penalty_shape_explorable().scenes():
        zeros = scene.facts["Exact zeros"]
        assert ("exactly zero" in scene.readout) == (zeros == "1")
        assert ("nothing is left" in scene.readout) == (zeros == "2")
        seen.add(tuple(panel.description for panel in scene.panels))
    assert len(seen) == penalty_shape_explorable().n_states
    assert len(penalty_shape_explorable().static_html()) < 400_000
