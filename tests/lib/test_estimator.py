"""What the scikit-learn estimators share."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.class_weight import compute_sample_weight

from course_lib.estimator import (
    LinearScores,
    SoftmaxProbabilities,
    encode_classes,
    new_data,
    random_generator,
    sample_weights,
    training_data,
    training_pairs,
)


class Means(LinearScores, SoftmaxProbabilities, ClassifierMixin, BaseEstimator):
    """Scores are inner products with the class means."""

    def fit(self, X, y):
        X, y = training_pairs(self, X, y)
        self.classes_, codes = encode_classes(y)
        self.coef_ = np.array([X[codes == k].mean(axis=0) for k in range(len(self.classes_))])
        if len(self.classes_) == 2:
            self.coef_ = self.coef_[1:] - self.coef_[:1]
        self.intercept_ = np.zeros(len(self.coef_), X.dtype)
        return self


X = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0], [-1.0, -1.0]])


def test_floats_keep_their_type_and_others_become_double():
    for dtype, expected in ((np.float32, np.float32), (np.float64, np.float64), (int, np.float64)):
        assert training_data(Means(), X.astype(dtype)).dtype == expected
    data, y = training_pairs(Means(), X.astype(np.float32), list("aabbc"))
    assert data.dtype == np.float32
    assert y.tolist() == list("aabbc")


def test_new_data_needs_a_fitted_estimator_and_its_features():
    model = Means()
    with pytest.raises(NotFittedError):
        new_data(model, X)
    model.fit(X, list("aabbc"))
    assert new_data(model, X).shape == (5, 2)
    with pytest.raises(ValueError, match="X has 1 features, but Means is expecting 2"):
        model.predict(X[:, :1])


def test_classes_are_sorted_and_counted():
    classes, codes = encode_classes(["pear", "fig", "pear"])
    assert classes.tolist() == ["fig", "pear"]
    assert codes.tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match="at least two classes, got 1 class"):
        encode_classes([3, 3])
    with pytest.raises(ValueError, match="Unknown label type"):
        encode_classes([0.5, 0.7, 0.9])


def test_scores_of_two_classes_and_of_more():
    three = Means().fit(X, list("aabbc"))
    assert three.decision_function(X).shape == (5, 3)
    assert three.predict(X).tolist() == list("aabbc")
    two = Means().fit(X[:4], list("aabb"))
    assert two.decision_function(X).shape == (5,)
    assert two.predict(X[:4]).tolist() == list("aabb")


def test_a_score_of_zero_goes_to_the_first_class():
    model = Means().fit([[-1.0], [1.0]], ["a", "b"])
    assert model.predict([[-1e-9], [0.0], [1e-9]]).tolist() == ["a", "a", "b"]


def test_probabilities_are_the_softmax_applied_once():
    # A published network applies it twice: its most certain answer of three classes is 0.576.
    model = Means().fit(X, list("aabbc"))
    scores = model.decision_function(X)
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), expected, rtol=1e-13)
    assert model.predict_proba([[0.0, 1e4]]).max() == 1.0
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), expected, rtol=1e-13)


def test_two_probabilities_are_the_sigmoid_and_never_overflow():
    model = Means().fit(X[:4], list("aabb"))
    z = model.decision_function(X)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-13)
    with np.errstate(all="raise", under="ignore"):
        log_p = model.predict_log_proba([[1e4, 0.0], [0.0, 1e4]])
    assert np.isfinite(log_p).all()
    assert log_p[0, 1] == pytest.approx(-15000.0)


class TestSampleWeights:
    y = np.array(list("aabbb"))

    def test_none_means_all_the_same(self):
        assert sample_weights(None, X) is None

    def test_a_number_and_a_list(self):
        np.testing.assert_array_equal(sample_weights(2.0, X), np.full(5, 2.0))
        weights = sample_weights([1, 2, 0, 1, 1], X.astype(np.float32))
        assert weights.dtype == np.float32

    def test_given_weights_are_not_touched(self):
        given = np.ones(5)
        result = sample_weights(given, X, class_weight={"a": 3.0}, y=self.y)
        np.testing.assert_array_equal(given, 1.0)
        np.testing.assert_array_equal(result, [3.0, 3.0, 1.0, 1.0, 1.0])

    @pytest.mark.parametrize("class_weight", ["balanced", {"a": 2.0, "b": 0.5}, {"b": 4.0}])
    def test_class_weights_are_scikit_learns(self, class_weight):
        expected = compute_sample_weight(class_weight, self.y)
        result = sample_weights(None, X, class_weight=class_weight, y=self.y)
        np.testing.assert_allclose(result, expected)

    def test_balance_counts_weights_not_samples(self):
        weights = np.array([1.0, 3.0, 1.0, 1.0, 0.0])
        result = sample_weights(weights, X, class_weight="balanced", y=self.y)
        assert result[:2].sum() == pytest.approx(result[2:].sum())
        nothing = np.array([0.0, 0.0, 1.0, 1.0, 2.0])
        result = sample_weights(nothing, X, class_weight="balanced", y=self.y)
        np.testing.assert_allclose(result, nothing / 2)

    @pytest.mark.parametrize("weights", [[1, 1, 1, 1, -1], [0] * 5, 0.0])
    def test_negative_or_all_zero_is_an_error(self, weights):
        with pytest.raises(ValueError, match="sample_weight must hold no negative number"):
            sample_weights(weights, X)

    def test_of_the_wrong_shape_is_an_error(self):
        with pytest.raises(ValueError, match=r"sample_weight must have shape \(5,\)"):
            sample_weights(np.ones((5, 2)), X)

    def test_for_unknown_classes_is_an_error(self):
        with pytest.raises(ValueError, match=r"got \['z'\]; y holds the classes \['a', 'b'\]"):
            sample_weights(None, X, class_weight={"z": 1.0}, y=self.y)
        with pytest.raises(ValueError, match="unknown class_weight 'even'"):
            sample_weights(None, X, class_weight="even", y=self.y)


def test_generators():
    assert random_generator(3).random() == np.random.default_rng(3).random()
    rng = np.random.default_rng(0)
    assert random_generator(rng) is rng
    assert random_generator(None).random() != random_generator(None).random()
    old = [random_generator(np.random.RandomState(s)).random() for s in (1, 1, 2)]
    assert old[0] == old[1] != old[2]
