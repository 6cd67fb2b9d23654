"""Multi-layer estimators: what they learn, keep, and refuse."""

import pickle
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from course_lib.activations import softmax
from course_lib.costs import AbsoluteError, SoftmaxCrossEntropy
from course_lib.descent import DivergenceWarning
from course_lib.multilayer import MultilayerClassifier, MultilayerRegressor
from course_lib.networks import Dense, Residual
from course_lib.optimizers import SGD, Adam

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning"
)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return train_test_split(X / 16.0, y, test_size=0.25, random_state=0, stratify=y)


def moons(n=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2))
    return X, np.where(X[:, 0] * X[:, 1] > 0, "even", "odd")


def wave(n=100):
    X = np.linspace(-1, 1, n)[:, None]
    return X, np.sin(3 * X[:, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits_are_learned(digits, dtype):
    X, X_test, y, y_test = digits
    net = MultilayerClassifier((100, 50), batch_size=32, max_iter=40, random_state=0)
    net.fit(X.astype(dtype), y)
    assert net.score(X_test.astype(dtype), y_test) >= 0.97
    assert net.theta_.dtype == net.predict_proba(X_test.astype(dtype)).dtype == dtype
    assert net.theta_.size == 64 * 100 + 100 + 100 * 50 + 50 + 50 * 10 + 10


@pytest.mark.parametrize(
    "settings",
    [
        {"normalization": "batch", "dropout": 0.1},
        {"normalization": "layer", "activation": "gelu"},
        {"activation": "tanh", "max_gradient_norm": 1.0, "l1": 1e-5},
        {"optimizer": SGD(0.1, momentum=0.9), "l2": 0.0},
        {"optimizer": "rmsprop", "step_size": 0.002, "initializer": "orthogonal"},
        {"layers": [Dense(50, "relu"), Residual([Dense(50, "swish"), Dense(50)])]},
    ],
)
def test_all_kinds_of_networks_learn_digits(digits, settings):
    X, X_test, y, y_test = digits
    net = MultilayerClassifier((100, 50), batch_size=32, max_iter=15, random_state=1, **settings)
    assert net.fit(X, y).score(X_test, y_test) >= 0.95
    assert len(net.loss_curve_) == net.n_iter_ == 15
    assert net.loss_ == net.loss_curve_[-1] < 0.2 * net.loss_curve_[0]


def test_softmax_is_applied_once(digits):
    """A peer applied it twice in predict_proba: no probability could exceed e / (e + 9)."""
    X, X_test, y, _ = digits
    net = MultilayerClassifier((30,), max_iter=60, step_size=0.01, random_state=0).fit(X, y)
    scores = net.network_.predict(net.theta_, X_test)
    probability = net.predict_proba(X_test)
    np.testing.assert_allclose(probability, softmax(scores), rtol=1e-12)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0)
    np.testing.assert_allclose(net.predict_log_proba(X_test), np.log(probability), atol=1e-9)
    np.testing.assert_array_equal(net.predict(X_test), net.classes_[probability.argmax(axis=1)])
    np.testing.assert_array_equal(net.decision_function(X_test), scores)
    assert probability.max() > 0.99


def test_two_classes_have_one_score():
    X, y = moons()
    net = MultilayerClassifier((20,), step_size=0.02, random_state=0).fit(X, y)
    scores = net.decision_function(X)
    assert scores.shape == (len(X),)
    np.testing.assert_array_equal(net.predict(X), np.where(scores > 0, "odd", "even"))
    np.testing.assert_allclose(net.predict_proba(X)[:, 1], 1 / (1 + np.exp(-scores)))
    assert net.score(X, y) > 0.95


def test_loss_is_the_objective_of_the_weights_alone():
    """At a step of next to nothing the reported loss must be cost plus penalty, biases spared."""
    X, y = moons()
    net = MultilayerClassifier(
        (7,), optimizer=SGD(1e-12), l1=0.01, l2=0.1, max_iter=1, random_state=0
    ).fit(X, y)
    net.theta_ += 0.1
    net.set_params(warm_start=True).fit(X, y)
    w = net.theta_[net.network_.weights]
    assert w.size == 2 * 7 + 7 * 2
    codes = (y == "odd").astype(int)
    cost = SoftmaxCrossEntropy().value(net.network_.predict(net.theta_, X), codes)
    expected = cost + 0.01 * np.abs(w).sum() + 0.05 * (w**2).sum()
    assert net.loss_ == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_penalties_shrink_the_weights(penalty):
    X, y = moons()
    sizes = []
    for strength in (0.0, 1.0):
        settings = {"l1": 0.0, "l2": 0.0} | {penalty: strength}
        net = MultilayerClassifier(
            (20,), step_size=0.02, max_iter=400, n_iter_no_change=400, random_state=0, **settings
        ).fit(X, y)
        sizes.append(np.abs(net.theta_[net.network_.weights]).max())
    assert sizes[1] < 0.1 * sizes[0]


def test_loss_follows_scikit_learn(digits):
    X, _, y, _ = digits
    ours = MultilayerClassifier((30,), max_iter=30, l2=0.0, random_state=0).fit(X, y)
    theirs = MLPClassifier((30,), max_iter=30, alpha=0.0, random_state=0).fit(X, y)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.35)


def test_same_seed_same_network():
    X, y = moons()
    settings = {"dropout": 0.2, "batch_size": 16, "max_iter": 5}
    first = MultilayerClassifier(random_state=3, **settings).fit(X, y)
    second = clone(first).fit(X, y)
    other = MultilayerClassifier(random_state=4, **settings).fit(X, y)
    np.testing.assert_array_equal(first.theta_, second.theta_)
    assert (first.theta_ != other.theta_).any()
    generator = MultilayerClassifier(random_state=np.random.default_rng(3), **settings).fit(X, y)
    np.testing.assert_array_equal(first.theta_, generator.theta_)


def test_early_stopping_returns_to_the_best_point():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 10)), rng.integers(0, 2, 200)  # Nothing to learn.
    best = {}

    def remember(epoch):
        if not best or epoch.validation_score > best["score"]:
            best.update(score=epoch.validation_score, theta=epoch.theta.copy())

    net = MultilayerClassifier(
        (30,),
        normalization="batch",
        early_stopping=True,
        step_size=0.01,
        validation_fraction=0.2,
        callbacks=[remember],
        random_state=0,
    ).fit(X, y)
    history = net.history_
    assert history.converged
    assert "validation score" in history.stopped_by
    assert len(history.validation_score) == net.n_iter_ < 200
    np.testing.assert_array_equal(net.theta_, best["theta"])


def test_early_stopping_of_a_regressor_with_weights():
    X = np.random.default_rng(0).standard_normal((200, 3))
    y = X @ [1.0, -2.0, 0.5]
    net = MultilayerRegressor((30,), early_stopping=True, step_size=0.02, random_state=0)
    net.fit(X, y, sample_weight=np.linspace(0.5, 1.5, 200))
    assert max(net.history_.validation_score) > 0.95
    assert net.score(X, y) > 0.95


def test_training_ends_when_the_loss_stops_falling():
    X, y = wave()
    net = MultilayerRegressor((10,), step_size=0.05, tol=1e-3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.fit(X, y)
    assert net.history_.converged
    assert "the loss did not improve" in net.history_.stopped_by


def test_running_out_of_epochs_is_a_warning():
    X, y = wave()
    with pytest.warns(ConvergenceWarning, match="max_iter = 3"):
        MultilayerRegressor(max_iter=3, random_state=0).fit(X, y)


def test_callbacks_see_every_epoch_and_can_stop():
    X, y = wave()
    seen = []
    net = MultilayerRegressor(
        (5,), max_iter=50, callbacks=[lambda e: e.number >= 4, seen.append], random_state=0
    ).fit(X, y)
    assert [e.number for e in seen] == [1, 2, 3, 4]
    assert [e.loss for e in seen] == net.loss_curve_
    assert [e.gradient_norm for e in seen] == net.history_.gradient_norm
    assert net.history_.stopped_by.startswith("a callback")
    assert np.all(np.diff(net.history_.seconds) >= 0)


def test_progress_on_request(monkeypatch):
    """The bar is tqdm's, which need not be installed: a stand-in shows what it is told."""
    told = []

    class Bar:
        def __init__(self, total):
            told.append(("begin", total))

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            told.append("end")

        def set_postfix(self, values, refresh):
            told.append(float(values["loss"]))

        def update(self):
            told.append("one more")

    X, y = wave()
    net = MultilayerRegressor((5,), max_iter=2, random_state=0)
    monkeypatch.setitem(sys.modules, "tqdm.auto", SimpleNamespace(tqdm=Bar))
    net.fit(X, y)
    assert told == []
    net.set_params(progress=True).fit(X, y)
    first, second = (pytest.approx(loss, rel=1e-3) for loss in net.loss_curve_)
    assert told == [("begin", 2), first, "one more", second, "one more", "end"]
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match="progress=True needs tqdm"):
        net.fit(X, y)


@pytest.mark.parametrize("bad_step", [1e6, 1e300])
def test_divergence_is_reported_and_leaves_a_finite_network(bad_step):
    X, y = wave()
    net = MultilayerRegressor(
        (20,), optimizer="sgd", step_size=bad_step, batch_size=10, random_state=0
    )
    with pytest.warns(DivergenceWarning, match="diverged"):
        net.fit(X, y)
    assert np.isfinite(net.theta_).all()
    assert np.isnan(net.loss_) == (net.n_iter_ == 0)


def test_weights_of_samples_and_classes():
    X, y = moons(60)
    repeats = np.arange(60) % 3
    settings = {"hidden_layer_sizes": (9,), "max_iter": 30, "random_state": 0}
    weighted = MultilayerClassifier(**settings).fit(X, y, sample_weight=repeats)
    repeated = MultilayerClassifier(**settings).fit(np.repeat(X, repeats, 0), np.repeat(y, repeats))
    np.testing.assert_allclose(weighted.theta_, repeated.theta_, rtol=1e-7, atol=1e-9)
    by_class = MultilayerClassifier(class_weight={"odd": 2.0}, **settings).fit(X, y)
    by_sample = MultilayerClassifier(**settings).fit(X, y, sample_weight=1.0 + (y == "odd"))
    np.testing.assert_array_equal(by_class.theta_, by_sample.theta_)
    regressor = MultilayerRegressor(**settings).fit(X, X, sample_weight=repeats)
    again = MultilayerRegressor(**settings).fit(np.repeat(X, repeats, 0), np.repeat(X, repeats, 0))
    np.testing.assert_allclose(regressor.theta_, again.theta_, rtol=1e-7, atol=1e-9)


def test_balanced_classes_find_the_rare_one():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((400, 1)) + np.where(np.arange(400) < 20, 1.5, 0.0)[:, None]
    y = (np.arange(400) < 20).astype(int)
    recalls = []
    for class_weight in (None, "balanced"):
        net = MultilayerClassifier((5,), class_weight=class_weight, step_size=0.02, random_state=0)
        recalls.append(net.fit(X, y).predict(X[:20]).mean())
    assert recalls[0] < 0.3
    assert recalls[1] > 0.6


def test_partial_fit_is_one_epoch_a_call_and_keeps_the_optimizer():
    X, y = moons()
    settings = {"hidden_layer_sizes": (9,), "tol": 0.0, "random_state": 0, "batch_size": 32}
    whole = MultilayerClassifier(max_iter=6, **settings).fit(X, y)
    parts = MultilayerClassifier(**settings)
    for k in range(6):
        parts.partial_fit(X, y, classes=["even", "odd"] if k % 2 == 0 else None)
    np.testing.assert_array_equal(whole.theta_, parts.theta_)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 6

    one_class = y == "odd"
    parts.set_params(class_weight={"even": 2.0, "odd": 1.0})
    parts.partial_fit(X[one_class], y[one_class])
    with pytest.raises(ValueError, match=r"got also \['third'\]"):
        parts.partial_fit(X[:1], ["third"])
    with pytest.raises(ValueError, match="those of the first call"):
        parts.partial_fit(X, y, classes=["even", "third"])
    with pytest.raises(ValueError, match="balanced"):
        parts.set_params(class_weight="balanced").partial_fit(X, y)
    with pytest.raises(ValueError, match="must be told classes="):
        MultilayerClassifier().partial_fit(X, y)


def test_partial_fit_of_a_regressor():
    X, y = wave()
    net = MultilayerRegressor((9,), random_state=0)
    for _ in range(4):
        net.partial_fit(X, y)
    whole = MultilayerRegressor((9,), max_iter=4, random_state=0).fit(X, y)
    np.testing.assert_array_equal(net.theta_, whole.theta_)
    with pytest.raises(ValueError, match=r"1 output\(s\) of the first call, got 2"):
        net.partial_fit(X, np.column_stack([y, y]))


def test_warm_start_goes_on():
    X, y = moons()
    net = MultilayerClassifier((9,), max_iter=20, warm_start=True, random_state=0).fit(X, y)
    before = net.loss_
    net.fit(X.astype(np.float32), y)
    assert net.n_iter_ == 20
    assert net.loss_curve_[0] < before
    assert net.theta_.dtype == np.float64
    cold = clone(net).set_params(warm_start=False).fit(X, y)
    cold_again = cold.theta_.copy()
    np.testing.assert_array_equal(cold.fit(X, y).theta_, cold_again)
    with pytest.raises(ValueError, match="got also"):
        net.fit(X, np.where(y == "odd", "odd", "third"))


def test_several_outputs_and_another_cost():
    X, y = wave()
    targets = np.column_stack([y, -y])
    net = MultilayerRegressor((20,), cost=AbsoluteError(), step_size=0.02, random_state=0)
    assert net.fit(X, targets).predict(X).shape == (100, 2)
    assert net.n_outputs_ == 2
    assert net.score(X, targets) > 0.9
    assert net.fit(X, targets[:, :1]).predict(X).shape == (100, 1)


def test_predictions_survive_pickling_and_training_can_go_on():
    X, y = moons()
    net = MultilayerClassifier((9,), normalization="batch", max_iter=5, random_state=0)
    net.partial_fit(X, y, classes=["even", "odd"])
    copy = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(copy.predict_proba(X), net.predict_proba(X))
    np.testing.assert_array_equal(copy.partial_fit(X, y).theta_, net.partial_fit(X, y).theta_)


def test_one_optimizer_object_serves_several_estimators():
    X, y = moons()
    optimizer = Adam(0.01)
    first = MultilayerClassifier((9,), optimizer=optimizer, max_iter=5, random_state=0).fit(X, y)
    MultilayerClassifier((4, 4), optimizer=optimizer, max_iter=5, random_state=0).fit(X, y)
    again = MultilayerClassifier((9,), optimizer=optimizer, max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(first.theta_, again.theta_)


def test_works_in_pipelines_and_searches():
    X, y = moons()
    pipeline = make_pipeline(StandardScaler(), MultilayerClassifier(step_size=0.02, random_state=0))
    search = GridSearchCV(pipeline, {"multilayerclassifier__hidden_layer_sizes": [(), 3, (20,)]})
    search.fit(X, y)
    assert search.best_params_["multilayerclassifier__hidden_layer_sizes"] == (20,)


def test_batch_normalization_never_sees_a_batch_of_one():
    X, y = moons(33)
    MultilayerClassifier((4,), normalization="batch", batch_size=16, max_iter=2).fit(X, y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes\[1\] must be at least 1"),
        ({"activation": "rellu"}, "unknown activation 'rellu'"),
        ({"normalization": "group"}, "unknown normalization 'group'"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"optimizer": "newton"}, "unknown optimizer 'newton'"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"batch_size": "all"}, "unknown batch_size 'all'"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
        ({"l1": -1.0}, "l1 must be"),
        ({"l2": -1.0}, "l2 must be"),
        ({"max_gradient_norm": 0}, "max_norm must be"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be"),
        ({"tol": -1.0}, "tol must be"),
        ({"early_stopping": True, "validation_fraction": 1.0}, "validation_fraction must be"),
    ],
)
def test_bad_settings_are_named(settings, message):
    X, y = moons(20)
    with pytest.raises(ValueError, match=message):
        MultilayerClassifier(**settings).fit(X, y)


def test_nothing_is_known_before_fit():
    for net in (MultilayerClassifier(), MultilayerRegressor()):
        with pytest.raises(NotFittedError):
            net.predict([[0.0]])
        with pytest.raises(NotFittedError):
            _ = net.loss_
