"""Batches: who is seen when, the moments of batch gradients, and a stream that drifts."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from course_lib.batching import (
    FullBatch,
    Incremental,
    MiniBatches,
    OnlineStream,
    SingleRandom,
    drifting_clicks,
)
from course_lib.costs import HalfSquaredError, LogisticLoss
from course_lib.datasets import salaries
from course_lib.descent import descend
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent

EVERY_KIND = [
    lambda n, **settings: FullBatch(n, **settings),
    lambda n, **settings: SingleRandom(n, seed=1, **settings),
    lambda n, **settings: SingleRandom(n, seed=1, replace=False, **settings),
    lambda n, **settings: MiniBatches(n, 3, seed=1, **settings),
    lambda n, **settings: MiniBatches(n, 3, seed=1, drop_last=True, **settings),
    lambda n, **settings: MiniBatches(n, 3, seed=1, replace=True, **settings),
    lambda n, **settings: Incremental(n, **settings),
]


def seen(batches) -> list[int]:
    return np.concatenate(list(batches)).tolist()


@pytest.mark.parametrize("kind", EVERY_KIND)
class TestEveryKind:
    def test_indices(self, kind):
        for batch in kind(10):
            assert batch.dtype.kind == "i"
            assert batch.ndim == 1
            assert batch.min() >= 0
            assert batch.max() < 10

    def test_length_and_epochs(self, kind):
        for epochs in (1, 3):
            batches = kind(10, epochs=epochs)
            assert len(list(batches)) == len(batches) == epochs * batches.batches_per_epoch

    def test_for_ever(self, kind):
        batches = kind(10, epochs=None)
        assert len(list(islice(batches, 1000))) == 1000
        with pytest.raises(TypeError, match="have no length"):
            len(batches)

    def test_the_same_again_from_a_number(self, kind):
        batches = kind(10, epochs=2)
        assert seen(batches) == seen(batches)
        assert f"epochs={batches.epochs})" in repr(batches)

    def test_an_epoch_at_a_time(self, kind):
        batches = kind(10, epochs=3)
        rng = np.random.default_rng(1)
        by_epoch = [batch for _ in range(3) for batch in batches.one_epoch(rng)]
        for ours, theirs in zip(by_epoch, batches, strict=True):
            assert_array_equal(ours, theirs)


class TestWhoIsSeen:
    def test_full(self):
        assert seen(FullBatch(4, epochs=2)) == [0, 1, 2, 3] * 2
        assert FullBatch(4).batch_size == 4

    @given(n=st.integers(1, 60), size=st.integers(1, 70), seed=st.integers(0, 2**32))
    def test_an_epoch_of_mini_batches_sees_everyone_once(self, n, size, seed):
        batches = list(MiniBatches(n, size, seed=seed))
        assert sorted(seen(batches)) == list(range(n))
        assert len(batches) == -(-n // size)
        assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)

    @given(n=st.integers(1, 60), seed=st.integers(0, 2**32), data=st.data())
    def test_dropping_the_last(self, n, seed, data):
        size = data.draw(st.integers(1, n))
        batches = list(MiniBatches(n, size, seed=seed, drop_last=True))
        assert len(batches) == n // size
        assert all(len(batch) == size for batch in batches)
        everyone = seen(batches)
        assert len(set(everyone)) == len(everyone)

    def test_dropping_ten_in_threes_forgets_another_one_each_time(self):
        batches = MiniBatches(10, 3, seed=0, epochs=1000, drop_last=True)
        visits = np.bincount(seen(batches), minlength=10)
        assert visits.sum() == 9000
        assert visits.min() > 850
        assert visits.max() < 950

    def test_floor_division_would_give_no_update(self):
        assert [sorted(batch) for batch in MiniBatches(3, 5, seed=0)] == [[0, 1, 2]]
        with pytest.raises(ValueError, match=r"at most n_samples = 3 where.*got 5: no batch"):
            MiniBatches(3, 5, seed=0, drop_last=True)

    def test_each_epoch_has_an_order_of_its_own(self):
        for batches in (MiniBatches(50, 50, seed=0, epochs=2), MiniBatches(50, 50, seed=1)):
            orders = [batch.tolist() for batch in batches]
            assert orders[0] != sorted(orders[0])
        first, second = MiniBatches(50, 50, seed=0, epochs=2)
        assert (first != second).any()

    def test_a_generator_goes_on(self):
        rng = np.random.default_rng(0)
        batches = MiniBatches(50, 50, seed=rng)
        assert seen(batches) != seen(batches)
        assert seen(MiniBatches(50, 50, seed=np.random.default_rng(0))) == seen(
            MiniBatches(50, 50, seed=0)
        )

    def test_single_random(self):
        with_replacement = [seen(SingleRandom(500, seed=s)) for s in range(20)]
        share = np.mean([len(set(indices)) / 500 for indices in with_replacement])
        assert share == pytest.approx(1 - np.exp(-1), abs=0.01)
        assert all(len(batch) == 1 for batch in SingleRandom(5, seed=0))
        reshuffled = SingleRandom(500, seed=0, epochs=2, replace=False)
        assert sorted(seen(reshuffled)) == sorted([*range(500), *range(500)])

    def test_incremental(self):
        assert seen(Incremental(3, epochs=2)) == [0, 1, 2, 0, 1, 2]
        assert seen(Incremental(3, order=[2, 0, 1], epochs=2)) == [2, 0, 1, 2, 0, 1]

    def test_a_stream_is_seen_once(self):
        stream = OnlineStream(5, batch_size=2)
        assert [batch.tolist() for batch in stream] == [[0, 1], [2, 3], [4]]
        with pytest.raises(RuntimeError, match=r"seen once, and this one has been.*Incremental"):
            iter(stream)
        assert len(stream) == 3

    def test_batches_are_views(self):
        first, second = islice(MiniBatches(6, 3, seed=0), 2)
        assert first.base is second.base


class TestMoments:
    """Sampling with and without replacement estimates a mean with known variance."""

    @pytest.mark.parametrize("size", [1, 5, 20])
    @pytest.mark.parametrize("replace", [True, False])
    def test_variance_of_the_batch_mean(self, size, replace):
        values = np.random.default_rng(0).exponential(size=40)
        batches = MiniBatches(40, size, seed=1, epochs=20_000 * size // 40, replace=replace)
        means = np.array([values[batch].mean() for batch in batches])
        expected = values.var() / size
        if not replace:
            expected *= (40 - size) / 39
        assert means.mean() == pytest.approx(values.mean(), abs=4 * np.sqrt(expected / len(means)))
        # Batches of one epoch without replacement are dependent, so the error is a little larger.
        assert means.var() == pytest.approx(expected, rel=0.05)


class TestRuns:
    def test_a_run_ends_with_its_batches(self):
        data = salaries()
        risk = EmpiricalRisk(LinearModel(1), HalfSquaredError(), data.X, data.y)
        trace = descend(
            risk, np.zeros(2), GradientDescent(0.001), batches=MiniBatches(5, 2, seed=0, epochs=4)
        )
        assert trace.n_iterations == 12
        assert trace.stopped_by.rule == "batches"
        assert trace.evaluations["sample_gradients"] == 20

    def test_the_linear_unit_of_the_source_document(self):
        # Ten epochs in fixed order with step size 0.01 from zero.
        data = salaries()
        risk = EmpiricalRisk(LinearModel(1), HalfSquaredError(), data.X, data.y)
        trace = descend(risk, np.zeros(2), GradientDescent(0.01), batches=Incremental(5, epochs=10))
        assert_allclose(trace.theta[-1], [1124.0635, 85.4853], atol=5e-4)
        predictions = LinearModel(1).predict(trace.theta[-1], np.array([[3.4], [15], [1.5], [6.3]]))
        assert_allclose(predictions, [3907.30, 16946.44, 1771.58, 7167.09], atol=6e-3)

    def test_incremental_descent_ends_beside_the_minimum_and_where_depends_on_the_order(self):
        data = salaries()
        risk = EmpiricalRisk(LinearModel(1), HalfSquaredError(), data.X, data.y)

        def limit(step, order):
            """Return the fixed point of an epoch, which is an affine map of where it starts."""

            def epoch(start):
                batches = Incremental(5, order=order)
                return descend(risk, start, GradientDescent(step), batches=batches).theta[-1]

            shift = epoch(np.zeros(2))
            matrix = np.column_stack([epoch(e) - shift for e in np.eye(2)])
            return np.linalg.solve(np.eye(2) - matrix, shift)

        in_order = [0, 1, 2, 3, 4]
        assert_allclose(limit(0.01, in_order), [1183.04, -518.39], atol=5e-3)
        best = np.linalg.solve(risk.hessian(np.zeros(2)), -risk.gradient(np.zeros(2)))
        assert_allclose(best, [1095.43, -304.84], atol=5e-3)
        far, near = (np.linalg.norm(limit(step, in_order) - best) for step in (0.0002, 0.0001))
        assert far / near == pytest.approx(2.0, rel=0.02)
        other = limit(0.01, [4, 3, 2, 1, 0])
        assert np.linalg.norm(other - limit(0.01, in_order)) > 100


class TestDrift:
    def test_shapes_and_seed(self):
        log = drifting_clicks(50, n_features=3, seed=0)
        assert log.X.shape == log.weights.shape == (50, 3)
        assert log.y.shape == log.probability.shape == (50,)
        assert set(log.y) <= {0.0, 1.0}
        again = drifting_clicks(50, n_features=3, seed=0)
        for ours, theirs in zip(log, again, strict=True):
            assert_array_equal(ours, theirs)
        rng = np.random.default_rng(0)
        assert_array_equal(drifting_clicks(50, n_features=3, seed=rng).y, log.y)
        assert (drifting_clicks(50, n_features=3, seed=rng).X != log.X).all()

    def test_clicks_have_the_stated_probability(self):
        log = drifting_clicks(20_000, taste=2.0, bias=-2.0, seed=1)
        logit = (log.X * log.weights).sum(axis=1) - 2.0
        assert_allclose(log.probability, 1 / (1 + np.exp(-logit)), rtol=1e-12)
        for low in np.arange(0.0, 1.0, 0.2):
            bin_ = (log.probability >= low) & (log.probability < low + 0.2)
            error = log.y[bin_].mean() - log.probability[bin_].mean()
            assert abs(error) < 4 * 0.5 / np.sqrt(bin_.sum())
        assert_allclose(log.X.mean(axis=0), 0.0, atol=0.03)
        assert_allclose(log.X.std(axis=0), 1.0, atol=0.03)

    def test_the_weights_turn_and_keep_their_length(self):
        log = drifting_clicks(1000, taste=2.0, turn=0.5, seed=1)
        assert_allclose(np.linalg.norm(log.weights, axis=1), 2.0)
        assert np.linalg.matrix_rank(log.weights) == 2
        cosine = log.weights[0] @ log.weights[-1] / 4.0
        assert cosine == pytest.approx(np.cos(np.pi * 0.999))
        still = drifting_clicks(100, turn=0.0, seed=1).weights
        assert_allclose(still, np.tile(still[0], (100, 1)))

    def test_who_learns_online_follows_and_who_stopped_learning_does_not(self):
        log, today, model = drifting_clicks(4000, seed=1), 1000, LinearModel(5)
        risk = EmpiricalRisk(model, LogisticLoss(), log.X, log.y)
        online = descend(
            risk,
            np.zeros(6),
            GradientDescent(0.2),
            batches=OnlineStream(4000),
            max_iterations=10_000,
        )
        # The trace holds each impression's cost before it was learned from.
        online_loss = online.value[today:].mean()
        yesterday = EmpiricalRisk(model, LogisticLoss(), log.X[:today], log.y[:today])
        frozen = descend(yesterday, np.zeros(6), GradientDescent(0.5), max_iterations=500)
        frozen_loss = LogisticLoss().value(
            model.predict(frozen.theta[-1], log.X[today:]), log.y[today:]
        )
        assert online_loss < 0.5 < 1.0 < frozen_loss

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"n_samples": 0}, "n_samples must be at least 1"),
            ({"n_features": 1}, "n_features must be at least 2"),
            ({"turn": np.nan}, "turn must be a finite number"),
            ({"taste": -1.0}, "taste must be a finite number >= 0"),
            ({"bias": np.inf}, "bias must be a finite number"),
        ],
    )
    def test_bad_settings(self, settings, message):
        with pytest.raises(ValueError, match=message):
            drifting_clicks(**{"n_samples": 10, "seed": 0, **settings})


class TestBadInput:
    def test_counts(self):
        with pytest.raises(ValueError, match="n_samples must be at least 1, got 0"):
            FullBatch(0)
        with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
            MiniBatches(5, 0, seed=0)
        with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
            Incremental(5, epochs=0)
        with pytest.raises(TypeError, match="batch_size must be a whole number"):
            OnlineStream(5, batch_size=1.5)

    def test_a_seed_is_asked_for(self):
        with pytest.raises(TypeError, match="seed"):
            MiniBatches(5, 2)
        with pytest.raises(TypeError, match="seed"):
            SingleRandom(5)

    def test_orders(self):
        with pytest.raises(ValueError, match=r"number from 0 to 2 once, got \[0, 0, 1\]"):
            Incremental(3, order=[0, 0, 1])
        with pytest.raises(ValueError, match=r"order must have shape \(3,\)"):
            Incremental(3, order=[0, 1])
