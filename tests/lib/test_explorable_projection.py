"""The explorable of two classes and a projection."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as TheirLDA

from course_lib.discriminants import rayleigh_quotient, scatter_matrices
from course_lib.explorables import projection, projection_explorable

PAGE_BUDGET = 400_000


@pytest.fixture(scope="module")
def explorable():
    return projection_explorable()


@pytest.fixture(scope="module")
def scenes(explorable):
    return list(zip(explorable.positions(), explorable.scenes(), strict=True))


def test_page_is_small(explorable):
    assert len(explorable.static_html().encode()) < PAGE_BUDGET


def test_start_does_not_meet_the_target_and_few_states_do(explorable, scenes):
    assert not explorable.scene(**explorable.start).reached
    reached = [tuple(position.values()) for position, scene in scenes if scene.reached]
    assert reached == [(30, 6, 80), (30, 6, 90)]


def test_no_state_stands_so_close_to_the_target_that_rounding_could_decide():
    for ratio in projection.RATIOS:
        world = projection.world(projection.TARGET_OFFSET, ratio)
        for angle in projection.ANGLES:
            w = projection.unit(angle)
            error = norm.cdf(-abs(w @ world.jump) / np.sqrt(w @ world.within @ w) / 2)
            assert abs(error - projection.TARGET_ERROR) > 1e-3


def test_every_state_has_its_own_words(explorable, scenes):
    seen = set()
    for _, scene in scenes:
        assert len(scene.panels) == 3
        assert all(panel.description for panel in scene.panels)
        words = (scene.readout, *(panel.description for panel in scene.panels))
        seen.add((*words, *scene.facts.values()))
    assert len(seen) == explorable.n_states


@pytest.mark.parametrize("offset", projection.OFFSETS)
@pytest.mark.parametrize("ratio", projection.RATIOS)
def test_directions_are_the_eigenvectors(offset, ratio):
    world = projection.world(offset, ratio)
    values, vectors = np.linalg.eigh(world.total)
    if values[1] - values[0] > 1e-9:
        assert abs(vectors[:, 1] @ projection.unit(world.pca)) == pytest.approx(1, abs=1e-9)
    values, vectors = eigh(np.outer(world.jump, world.jump) / 4, world.within)
    best = vectors[:, 1] / np.linalg.norm(vectors[:, 1])
    assert abs(best @ projection.unit(world.lda)) == pytest.approx(1, abs=1e-9)
    assert world.ratio(projection.unit(world.lda)) == pytest.approx(values[1], rel=1e-9)


def test_numbers_agree_with_many_samples():
    offset, ratio, angle = 45, 2, 60
    world = projection.world(offset, ratio)
    rng = np.random.default_rng(0)
    n = 200_000
    y = np.arange(n) % 2
    X = rng.standard_normal((n, 2)) * np.sqrt(np.diag(world.within))
    X += np.where(y[:, None] == 1, 0.5, -0.5) * world.jump
    w = projection.unit(angle)
    wrong = np.mean((X @ w > 0) != (y == 1))
    facts = projection.draw(offset, ratio, angle).facts
    assert float(facts["Error"].removesuffix(" %")) == pytest.approx(100 * wrong, abs=0.4)
    variance = float(facts["Variance along the line"])
    assert variance == pytest.approx(np.var(X @ w), rel=0.01)
    scatter = scatter_matrices(X, y)
    ratio_of_samples = rayleigh_quotient(w, scatter.between, scatter.within)
    assert float(facts["Fisher's ratio R"]) == pytest.approx(ratio_of_samples, abs=0.01)
    direction = TheirLDA(solver="svd").fit(X, y).scalings_[:, 0]
    found = np.degrees(np.arctan2(direction[1], direction[0])) % 180
    assert found == pytest.approx(world.lda, abs=1)


@pytest.mark.parametrize(
    ("position", "words"),
    [
        ((30, 4, 10), "PCA's choice"),
        ((30, 4, 80), "LDA's choice"),
        ((0, 4, 0), "PCA and LDA agree"),
        ((0, 4, 90), "The means fall on each other"),
        ((30, 2, 130), "Neither"),
    ],
)
def test_the_readout_tells_the_cases_apart(position, words):
    assert words in projection.draw(*position).readout
