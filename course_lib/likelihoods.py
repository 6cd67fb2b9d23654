r"""Likelihoods: how probable a model says the data are, and the cost that is the same thing.

Chapter: *Cost functions*. For independent observations the likelihood of the parameters is the
product of the densities (for discrete observations, of the probabilities), its logarithm a sum:

.. math:: L(\theta) = \prod_{i=1}^n p(x_i; \theta), \qquad
          \log L(\theta) = \sum_{i=1}^n \log p(x_i; \theta).

A product of thousands of factors underflows to zero; the sum does not. Maximum likelihood sets the
derivative of the sum to zero. That derivative for one observation is the *score*
:math:`s(\theta) = \nabla_\theta \log p(x; \theta)`; its mean under the model is zero.

============== ================================ ===================== ============================
distribution   parameters                       maximum likelihood    minus the mean log-likelihood
============== ================================ ===================== ============================
`Bernoulli`    p                                mean                  `BinaryCrossEntropy`
`Binomial`     p                                mean / trials         trials × the same, + const
`Categorical`  all probabilities but the last   frequencies           `CategoricalCrossEntropy`
`Gaussian`     mean, standard deviation         mean; √ of the mean   `HalfSquaredError` / σ²,
                                                squared deviation     + const
============== ================================ ===================== ============================

`as_cost` states the last column as numbers. What is random is the observation. The distribution's
parameters are what a model predicts, as a function of its inputs and of its own parameters.

References
----------
.. [1] G. Casella and R. L. Berger, Statistical Inference, 2nd ed., Duxbury, 2002, section 7.2.
.. [2] C. M. Bishop, Pattern Recognition and Machine Learning, Springer, 2006, chapters 1 and 2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import log, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.costs import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Cost,
    HalfSquaredError,
)
from course_lib.costs.divergences import check_distribution, over, times_log, zero_wins
from course_lib.validation import FloatArray, check_integer, check_real, check_vector

Seed = int | np.random.Generator


class Distribution(ABC):
    """A distribution with known parameters, of which observations are independent draws."""

    @property
    @abstractmethod
    def parameters(self) -> FloatArray:
        """Return the free parameters as a vector, shape (n_parameters,)."""

    @abstractmethod
    def with_parameters(self, parameters: ArrayLike) -> Distribution:
        """Return the distribution of the same family with other parameters."""

    @abstractmethod
    def fit(self, observations: ArrayLike) -> Distribution:
        """Return the distribution of this family that makes the observations most likely."""

    @abstractmethod
    def log_density(self, observations: ArrayLike) -> FloatArray:
        """Return the log density (log probability) of each observation, shape (n_samples,)."""

    @abstractmethod
    def score(self, observations: ArrayLike) -> FloatArray:
        """Return its gradient in the parameters, shape (n_samples, n_parameters)."""

    @abstractmethod
    def sample(self, n_samples: int, seed: Seed) -> NDArray:
        """Return random observations, shape (n_samples,)."""

    def log_likelihood(self, observations: ArrayLike) -> float:
        """Return the logarithm of the likelihood, a sum over the observations."""
        return float(self.log_density(observations).sum())

    def likelihood(self, observations: ArrayLike) -> float:
        """Return the likelihood itself, a product; it underflows to 0 for many observations."""
        return float(np.prod(np.exp(self.log_density(observations))))


@dataclass(frozen=True)
class Bernoulli(Distribution):
    r"""A coin: 1 with probability p, else 0. :math:`P(x) = p^x (1 - p)^{1 - x}`.

    Parameters
    ----------
    p
        From 0 to 1.
    """

    p: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", check_real("p", self.p, at_least=0, at_most=1))

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.p])

    def with_parameters(self, parameters: ArrayLike) -> Bernoulli:
        return Bernoulli(*_numbers(parameters, 1))

    def fit(self, observations: ArrayLike) -> Bernoulli:
        return Bernoulli(float(_counts("observations", observations, 1).mean()))

    def log_density(self, observations: ArrayLike) -> FloatArray:
        return _log_binomial(_counts("observations", observations, 1), 1, self.p)

    def score(self, observations: ArrayLike) -> FloatArray:
        r""":math:`(x - p) / (p (1 - p))`: the observation minus its mean, over its variance."""
        return _binomial_score(_counts("observations", observations, 1), 1, self.p)

    def sample(self, n_samples: int, seed: Seed) -> NDArray:
        return np.random.default_rng(seed).binomial(1, self.p, _size(n_samples))


@dataclass(frozen=True)
class Binomial(Distribution):
    r"""The ones among independent coins: :math:`P(k) = \binom{n}{k} p^k (1 - p)^{n - k}`.

    Parameters
    ----------
    n_trials
        How many coins.
    p
        The probability of a one, the same for all.
    """

    n_trials: int
    p: float

    def __post_init__(self) -> None:
        check_integer("n_trials", self.n_trials, at_least=1)
        object.__setattr__(self, "p", check_real("p", self.p, at_least=0, at_most=1))

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.p])

    def with_parameters(self, parameters: ArrayLike) -> Binomial:
        return Binomial(self.n_trials, *_numbers(parameters, 1))

    def fit(self, observations: ArrayLike) -> Binomial:
        counts = _counts("observations", observations, self.n_trials)
        return Binomial(self.n_trials, float(counts.mean() / self.n_trials))

    def log_density(self, observations: ArrayLike) -> FloatArray:
        counts = _counts("observations", observations, self.n_trials)
        return log_binomial_coefficient(self.n_trials, counts) + _log_binomial(
            counts, self.n_trials, self.p
        )

    def score(self, observations: ArrayLike) -> FloatArray:
        r""":math:`(k - n p) / (p (1 - p))`."""
        counts = _counts("observations", observations, self.n_trials)
        return _binomial_score(counts, self.n_trials, self.p)

    def sample(self, n_samples: int, seed: Seed) -> NDArray:
        return np.random.default_rng(seed).binomial(self.n_trials, self.p, _size(n_samples))


class Categorical(Distribution):
    r"""One draw among K classes: :math:`P(x) = \prod_k p_k^{[x = k]}`.

    The probabilities sum to one, so only K − 1 of them are free: `parameters` holds all but the
    last.

    Parameters
    ----------
    probabilities
        Shape (n_classes,).
    """

    def __init__(self, probabilities: ArrayLike) -> None:
        self.probabilities = check_distribution(
            "probabilities", check_vector("probabilities", probabilities)
        )

    @property
    def n_classes(self) -> int:
        """Return how many classes there are."""
        return len(self.probabilities)

    @property
    def parameters(self) -> FloatArray:
        return self.probabilities[:-1].copy()

    def with_parameters(self, parameters: ArrayLike) -> Categorical:
        free = check_vector("parameters", parameters, self.n_classes - 1)
        return Categorical(np.append(free, 1.0 - free.sum()))

    def fit(self, observations: ArrayLike) -> Categorical:
        classes = self._classes(observations)
        return Categorical(np.bincount(classes, minlength=self.n_classes) / len(classes))

    def log_density(self, observations: ArrayLike) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.log(self.probabilities)[self._classes(observations)]

    def score(self, observations: ArrayLike) -> FloatArray:
        r""":math:`[x = k] / p_k - [x = K] / p_K`: raising one probability lowers the last."""
        happened = np.eye(self.n_classes)[self._classes(observations)]
        ratio = over(happened, self.probabilities)
        return ratio[:, :-1] - ratio[:, -1:]

    def sample(self, n_samples: int, seed: Seed) -> NDArray:
        rng = np.random.default_rng(seed)
        return rng.choice(self.n_classes, size=_size(n_samples), p=self.probabilities)

    def _classes(self, observations: ArrayLike) -> NDArray[np.intp]:
        return _counts("observations", observations, self.n_classes - 1).astype(np.intp)

    def __repr__(self) -> str:
        return f"Categorical({np.array2string(self.probabilities, precision=4, separator=', ')})"


@dataclass(frozen=True)
class Gaussian(Distribution):
    r"""The normal distribution.

    .. math:: p(x) = \frac{1}{\sigma \sqrt{2 \pi}}
                     \exp\Bigl(-\frac{(x - \mu)^2}{2 \sigma^2}\Bigr)

    A density and not a probability: it can exceed 1, and its negative logarithm be negative.

    Parameters
    ----------
    mean
        μ, any number.
    standard_deviation
        σ, positive.
    """

    mean: float
    standard_deviation: float

    def __post_init__(self) -> None:
        check_real("mean", self.mean)
        check_real("standard_deviation", self.standard_deviation, above=0)

    @property
    def parameters(self) -> FloatArray:
        return np.array([self.mean, self.standard_deviation])

    def with_parameters(self, parameters: ArrayLike) -> Gaussian:
        return Gaussian(*_numbers(parameters, 2))

    def fit(self, observations: ArrayLike) -> Gaussian:
        r"""Return the Gaussian that makes the observations most likely.

        :math:`\hat\mu = \bar x`, :math:`\hat\sigma^2 = \frac1n \sum_i (x_i - \bar x)^2`. The
        divisor is n: on average the variance comes out too small, by the factor (n − 1) / n.

        Raises
        ------
        ValueError
            If all observations are equal: the narrower the density, the more likely they are.
        """
        x = _some("observations", observations)
        if np.ptp(x) == 0.0:
            raise ValueError(
                f"observations must not all be equal, got {len(x)} times {x[0]:g}: the likelihood "
                "grows without bound as the standard deviation goes to zero"
            )
        return Gaussian(float(x.mean()), float(x.std()))

    def log_density(self, observations: ArrayLike) -> FloatArray:
        z = self._standardized(observations)
        return -0.5 * z * z - log(self.standard_deviation) - 0.5 * log(2.0 * pi)

    def score(self, observations: ArrayLike) -> FloatArray:
        r""":math:`\bigl((x - \mu) / \sigma^2,\; (x - \mu)^2 / \sigma^3 - 1 / \sigma\bigr)`."""
        z = self._standardized(observations)
        return np.column_stack([z, z * z - 1.0]) / self.standard_deviation

    def sample(self, n_samples: int, seed: Seed) -> NDArray:
        rng = np.random.default_rng(seed)
        return rng.normal(self.mean, self.standard_deviation, _size(n_samples))

    def _standardized(self, observations: ArrayLike) -> FloatArray:
        return (_some("observations", observations) - self.mean) / self.standard_deviation


@dataclass(frozen=True)
class CostIdentity:
    """The cost that minus the mean log-likelihood is, up to a scale and a constant.

    Attributes
    ----------
    cost : Cost
    prediction, target : ndarray
        What to call it with.
    scale, offset : float
        Neither depends on the prediction (of a Gaussian: on the mean), so they do not move the
        minimum.
    """

    cost: Cost
    prediction: FloatArray
    target: FloatArray
    scale: float
    offset: float

    @property
    def value(self) -> float:
        """Return scale times cost plus offset: minus the mean log-likelihood."""
        return self.scale * self.cost.value(self.prediction, self.target) + self.offset


def as_cost(distribution: Distribution, observations: ArrayLike) -> CostIdentity:
    """Return minus the mean log-likelihood of the observations, as one of the costs.

    Examples
    --------
    >>> coin, tosses = Bernoulli(0.7), [1, 1, 0]
    >>> round(as_cost(coin, tosses).value, 6), round(-coin.log_likelihood(tosses) / 3, 6)
    (0.639108, 0.639108)
    """
    match distribution:
        case Bernoulli(p):
            x = _counts("observations", observations, 1)
            return CostIdentity(BinaryCrossEntropy(), np.full_like(x, p), x, 1.0, 0.0)
        case Binomial(n, p):
            k = _counts("observations", observations, n)
            offset = -float(log_binomial_coefficient(n, k).mean())
            return CostIdentity(BinaryCrossEntropy(), np.full_like(k, p), k / n, n, offset)
        case Categorical():
            x = _counts("observations", observations, distribution.n_classes - 1)
            rows = np.tile(distribution.probabilities, (len(x), 1))
            return CostIdentity(CategoricalCrossEntropy(), rows, x, 1.0, 0.0)
        case Gaussian(mean, sigma):
            x = _some("observations", observations)
            offset = log(sigma * sqrt(2.0 * pi))
            return CostIdentity(HalfSquaredError(), np.full_like(x, mean), x, sigma**-2, offset)
    raise TypeError(f"no cost is known for {distribution!r}")


def log_binomial_coefficient(n: int, k: FloatArray) -> FloatArray:
    r"""Return :math:`\log \binom{n}{k}`."""
    from scipy.special import gammaln  # Loaded when first needed: it would triple the import time.

    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)


def _log_binomial(k: FloatArray, n: int, p: float) -> FloatArray:
    """Return the log probability of one sequence with ``k`` ones among ``n``."""
    with np.errstate(divide="ignore"):
        return times_log(k, p) + zero_wins(n - k, np.log1p(-p))


def _binomial_score(k: FloatArray, n: int, p: float) -> FloatArray:
    return (over(k, p) - over(n - k, 1.0 - p))[:, None]


def _some(name: str, values: ArrayLike) -> FloatArray:
    array = check_vector(name, values)
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one observation, got none")
    return array


def _counts(name: str, values: ArrayLike, largest: int) -> FloatArray:
    """Return whole numbers from 0 to ``largest``."""
    array = _some(name, values)
    wrong = array[(array != np.floor(array)) | (array < 0) | (array > largest)]
    if wrong.size:
        raise ValueError(f"{name} must be whole numbers from 0 to {largest}, got {wrong[0]:g}")
    return array


def _numbers(values: ArrayLike, size: int) -> list[float]:
    return [float(number) for number in check_vector("parameters", values, size)]


def _size(n_samples: int) -> int:
    return check_integer("n_samples", n_samples, at_least=1)
