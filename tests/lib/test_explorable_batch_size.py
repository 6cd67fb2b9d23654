"""The explorable of batch size and step size: its target, and its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.batching import MiniBatches
from course_lib.descent import descend
from course_lib.explorables import batch_size, batch_size_explorable
from course_lib.optimizers import GradientDescent

PAGE_BUDGET = 160_000


@pytest.fixture(scope="module")
def explorable():
    return batch_size_explorable()


def test_the_target_can_be_met_and_is_not_met_at_the_start(explorable):
    assert not batch_size.draw(batch=1, step=0.1, decay=batch_size.CONSTANT).reached
    reached = [p for p in explorable.positions() if batch_size.draw(**p).reached]
    assert {p["batch"] for p in reached} == {1, 4, 16}
    # A constant step cannot do it, nor one step for all patients: that is what there is to find.
    assert {p["decay"] for p in reached} == {batch_size.DECAYING}
    finals = [batch_size.expected(p["batch"], p["step"], p["decay"])[-1] for p in reached]
    assert max(finals) < 0.98 * batch_size.TARGET_GAP


def test_no_state_is_decided_by_a_hair(explorable):
    for p in explorable.positions():
        ratio = batch_size.expected(p["batch"], p["step"], p["decay"])[-1] / batch_size.TARGET_GAP
        assert abs(ratio - 1) > 1e-3


@pytest.mark.parametrize(("batch", "step", "decay"), [(4, 0.2, 1), (16, 0.1, 0), (64, 0.5, 1)])
def test_the_mean_is_that_of_many_runs(batch, step, decay):
    risk, sampled = batch_size.problem()
    method = GradientDescent(batch_size.schedule(batch, step, decay))
    steps = batch_size.steps_of(batch)
    gaps = []
    for seed in range(200):
        batches = MiniBatches(442, batch, seed=seed, epochs=2, replace=True)
        run = descend(risk, batch_size.START, method, batches=batches, max_iterations=steps)
        gaps.append(risk.value(run.final) - risk.value(sampled.minimizer))
    standard_error = np.std(gaps) / np.sqrt(len(gaps))
    shown = batch_size.expected(batch, step, decay)[-1]
    assert abs(np.mean(gaps) - shown) < 4 * standard_error


def test_all_patients_at_once_is_one_exact_step():
    risk, sampled = batch_size.problem()
    exact = descend(risk, batch_size.START, GradientDescent(0.5), max_iterations=1)
    np.testing.assert_allclose(batch_size.path(442, 0.5, 0), exact.theta)
    gap = exact.value[-1] - risk.value(sampled.minimizer)
    assert batch_size.expected(442, 0.5, 0)[-1] == pytest.approx(gap, rel=1e-6)
    assert batch_size.draw(442, 0.5, 0).facts["Steps"] == "1"


@pytest.mark.parametrize(
    ("batch", "step", "decay", "words"),
    [
        (1, 0.1, 0, "has reached its noise ball"),
        (1, 0.7, 0, "above the limit 0.48"),
        (16, 0.002, 0, "still on its way"),
        (442, 0.5, 0, "All patients at once"),
        (4, 0.2, 1, "nearly all of it is noise"),
    ],
)
def test_the_readout_says_why(batch, step, decay, words):
    assert words in batch_size.draw(batch, step, decay).readout


def test_the_page_is_small_and_steady(explorable):
    html = explorable.static_html()
    assert len(html) < PAGE_BUDGET
    assert "nan" not in html.replace("mean ga", "")
    batch_size.path.cache_clear()
    batch_size.expected.cache_clear()
    assert batch_size_explorable().static_html() == html
