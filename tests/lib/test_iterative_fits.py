"""Every iterative fit reports on itself, keeps its history, and keeps single precision."""

from __future__ import annotations

import inspect
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning

from course_lib import discriminants, linear_learners, multilayer, pca

ESTIMATORS = {
    name: kind
    for module in (linear_learners, multilayer, discriminants, pca)
    for name, kind in vars(module).items()
    if inspect.isclass(kind) and issubclass(kind, BaseEstimator) and hasattr(kind, "fit")
}
ITERATIVE = {
    name: kind
    for name, kind in ESTIMATORS.items()
    if "max_iter" in inspect.signature(kind).parameters
}
#: scikit-learn's LDA and PCA take no weights either, nor does an ascent of the variance.
WITHOUT_WEIGHTS = {"LinearDiscriminantAnalysis", "FisherDiscriminant", "PCA", "GradientPCA"}
HISTORY = ("loss_curve_", "mistakes_", "history_")


def fitted(kind, dtype=np.float32, **settings):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    y = X @ [1.0, 2.0, 3.0, 4.0] + rng.standard_normal(60)
    model = kind(**settings)
    targets = []
    if is_classifier(model):
        targets = [(y > 0).astype(int)]
    elif is_regressor(model):
        targets = [y.astype(dtype)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X.astype(dtype), *targets), X.astype(dtype)


class Bar:
    """A stand-in for tqdm's, which need not be installed."""

    def __init__(self, total):
        self.total, self.moves, self.shown = total, 0, {}
        Bar.last = self

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def update(self):
        self.moves += 1

    def set_postfix(self, values, refresh):
        self.shown = values


@pytest.mark.parametrize("name", ITERATIVE)
def test_shows_progress_on_request(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "tqdm.auto", SimpleNamespace(tqdm=Bar))
    Bar.last = None
    fitted(ITERATIVE[name], max_iter=5)
    assert Bar.last is None
    fitted(ITERATIVE[name], max_iter=5, progress=True)
    assert Bar.last.total == 5
    assert 2 <= Bar.last.moves <= 6
    assert all(np.isfinite(float(value)) for value in Bar.last.shown.values())


@pytest.mark.parametrize("name", ITERATIVE)
def test_callbacks_are_told_and_can_end_the_fit(name):
    told = []
    fitted(ITERATIVE[name], max_iter=5, callbacks=[lambda *news: told.append(news)])
    assert len(told) >= 2
    stopped, _ = fitted(ITERATIVE[name], max_iter=5, callbacks=[lambda *news: True])
    assert len(history_of(stopped)) <= 2


def history_of(model):
    [name, *_] = [name for name in HISTORY if hasattr(model, name)]
    history = getattr(model, name)
    return history.loss if hasattr(history, "loss") else history


@pytest.mark.parametrize("name", ITERATIVE)
def test_keeps_its_history(name):
    model, _ = fitted(ITERATIVE[name], max_iter=5)
    assert len(history_of(model)) >= 3
    assert np.isfinite(history_of(model)).all()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_single_precision_stays(name):
    model, X = fitted(ESTIMATORS[name])
    for method in ("decision_function", "predict", "predict_proba", "transform"):
        if hasattr(model, method):
            found = getattr(model, method)(X)
            assert found.dtype == np.float32 or found.dtype.kind == "i"
    # Histories are of sums over all samples, in double precision.
    attributes = {
        name: value.dtype.name
        for name, value in vars(model).items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and "curve" not in name
    }
    attributes.pop("history_", None)
    assert set(attributes.values()) <= {"float32"}, attributes


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - WITHOUT_WEIGHTS))
def test_samples_and_classes_can_be_weighted(name):
    kind = ESTIMATORS[name]
    assert "sample_weight" in inspect.signature(kind.fit).parameters
    assert ("class_weight" in inspect.signature(kind).parameters) == is_classifier(kind())
