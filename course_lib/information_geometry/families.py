r"""Families of distributions, their coordinates, and the information that an observation carries.

Chapter: *Natural gradient*. A family is a surface whose points are distributions. The numbers that
name a point are coordinates: a coin can be named by its probability :math:`p` or by its log-odds
:math:`\log p / (1 - p)`. The Fisher information is the covariance of the score
:math:`s = \nabla_\theta \log p(x; \theta)`,

.. math:: F(\theta) = \operatorname{E}\bigl[s s^\top\bigr]
          = -\operatorname{E}\bigl[\nabla^2_\theta \log p(x; \theta)\bigr],

with :math:`x` drawn from the model itself. In other coordinates :math:`\varphi`, with
:math:`J = \partial\theta / \partial\varphi`, the score is :math:`J^\top s` and the information
:math:`J^\top F J`: it changes as a metric does.

==================== =============================== ==========================================
distribution         parameters                      Fisher information
==================== =============================== ==========================================
Bernoulli, binomial  :math:`p`                       :math:`n / (p (1 - p))`
categorical          :math:`p_1, \dots, p_{K-1}`     :math:`\operatorname{diag}(1 / p_k) + 1 / p_K`
Poisson              :math:`\lambda`                 :math:`1 / \lambda`
Gaussian             :math:`\mu, \sigma`             :math:`\operatorname{diag}(1, 2) / \sigma^2`
==================== =============================== ==========================================

E. L. Lehmann and G. Casella, *Theory of Point Estimation*, 2nd ed., Springer, 1998, §2.5; S. Amari
and H. Nagaoka, *Methods of Information Geometry*, AMS and Oxford University Press, 2000, ch. 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.likelihoods import (
    Bernoulli,
    Binomial,
    Categorical,
    Distribution,
    Gaussian,
    Seed,
)
from course_lib.objectives.base import Batch, Objective
from course_lib.validation import (
    FloatArray,
    check_batch,
    check_choice,
    check_integer,
    check_real,
    check_vector,
)


@dataclass(frozen=True)
class Poisson(Distribution):
    r"""The number of rare events: :math:`P(k) = \lambda^k e^{-\lambda} / k!`.

    Parameters
    ----------
    rate
        λ, positive: the mean, and the variance.
    """

    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", check_real("rate", self.rate, above=0))

    @property
    def parameters(self) -> FloatArray:
        """The rate, shape (1,)."""
        return np.array([self.rate])

    def with_parameters(self, parameters: ArrayLike) -> Poisson:
        """Return the distribution with another rate."""
        return Poisson(float(check_vector("parameters", parameters, 1)[0]))

    def fit(self, observations: ArrayLike) -> Poisson:
        """Return the distribution whose rate is the mean of the observations."""
        return Poisson(float(self._counts(observations).mean()))

    def log_density(self, observations: ArrayLike) -> FloatArray:
        """Return the log probability of each count, shape (n_samples,)."""
        from scipy.special import gammaln  # Loaded when first needed: scipy is slow to import.

        k = self._counts(observations)
        return k * np.log(self.rate) - self.rate - gammaln(k + 1.0)

    def score(self, observations: ArrayLike) -> FloatArray:
        r"""Return :math:`k / \lambda - 1`, shape (n_samples, 1)."""
        return (self._counts(observations) / self.rate - 1.0)[:, None]

    def sample(self, n_samples: int, seed: Seed) -> NDArray:
        """Return random counts, shape (n_samples,)."""
        rng = np.random.default_rng(seed)
        return rng.poisson(self.rate, check_integer("n_samples", n_samples, at_least=1))

    @staticmethod
    def _counts(observations: ArrayLike) -> FloatArray:
        counts = check_vector("observations", observations)
        wrong = counts[(counts < 0) | (counts != np.floor(counts))]
        if counts.size == 0 or wrong.size:
            got = f"{wrong[0]:g}" if wrong.size else "none"
            raise ValueError(f"observations must be whole numbers 0, 1, 2, ..., got {got}")
        return counts


def _bernoulli(d: Bernoulli) -> FloatArray:
    return np.array([[1.0 / (d.p * (1.0 - d.p))]])


def _categorical(d: Categorical) -> FloatArray:
    return np.diag(1.0 / d.probabilities[:-1]) + 1.0 / d.probabilities[-1]


FISHER: dict[type[Distribution], Callable[..., FloatArray]] = {
    Bernoulli: _bernoulli,
    Binomial: lambda d: d.n_trials * _bernoulli(d),
    Categorical: _categorical,
    Poisson: lambda d: np.array([[1.0 / d.rate]]),
    Gaussian: lambda d: np.diag([1.0, 2.0]) / d.standard_deviation**2,
}


def fisher_information(distribution: Distribution) -> FloatArray:
    """Return the Fisher information of one observation, in the distribution's own parameters.

    Returns
    -------
    ndarray of shape (n_parameters, n_parameters)

    Raises
    ------
    ValueError
        On the edge of the family, where a probability is zero and the information infinite.

    Examples
    --------
    >>> fisher_information(Bernoulli(0.5))
    array([[4.]])
    """
    if type(distribution) not in FISHER:
        known = ", ".join(sorted(kind.__name__ for kind in FISHER))
        raise TypeError(f"no Fisher information is known for {distribution!r}, only for: {known}")
    with np.errstate(divide="ignore"):
        try:
            information = FISHER[type(distribution)](distribution)
        except ZeroDivisionError:
            information = np.array([[np.inf]])
    if not np.isfinite(information).all():
        raise ValueError(
            f"the Fisher information of {distribution!r} is infinite: no outcome may have "
            "probability zero"
        )
    return information


class Coordinates(NamedTuple):
    r"""Names for the points of a family.

    Attributes
    ----------
    parameters : callable
        From coordinates :math:`\varphi` to the distribution's own parameters :math:`\theta`.
    jacobian : callable
        :math:`\partial\theta / \partial\varphi` at :math:`\varphi`, one row a parameter.
    coordinates : callable
        The way back, from :math:`\theta` to :math:`\varphi`.
    """

    parameters: Callable[[FloatArray], FloatArray]
    jacobian: Callable[[FloatArray], FloatArray]
    coordinates: Callable[[FloatArray], FloatArray]


def _softmax_with_zero(z: FloatArray) -> FloatArray:
    """Return all probabilities but the last, whose score is zero."""
    scores = np.append(z, 0.0)
    scores = np.exp(scores - scores.max())
    return (scores / scores.sum())[:-1]


def _log_odds_jacobian(z: FloatArray) -> FloatArray:
    p = _softmax_with_zero(z)
    return np.diag(p) - np.outer(p, p)


#: Coordinates by name. "log odds" is for Bernoulli, binomial (against failure) and categorical
#: (against the last class), "log" for Poisson, the rest for the Gaussian.
COORDINATES: dict[str, Coordinates] = {
    "parameters": Coordinates(np.copy, lambda t: np.eye(len(t)), np.copy),
    "log odds": Coordinates(
        _softmax_with_zero, _log_odds_jacobian, lambda p: np.log(p) - np.log1p(-p.sum())
    ),
    "log": Coordinates(np.exp, lambda z: np.diag(np.exp(z)), np.log),
    "mean and log scale": Coordinates(
        lambda z: np.array([z[0], np.exp(z[1])]),
        lambda z: np.diag([1.0, np.exp(z[1])]),
        lambda t: np.array([t[0], np.log(t[1])]),
    ),
    "mean and variance": Coordinates(
        lambda z: np.array([z[0], np.sqrt(z[1])]),
        lambda z: np.diag([1.0, 0.5 / np.sqrt(z[1])]),
        lambda t: np.array([t[0], t[1] ** 2]),
    ),
    # The coefficients of x and x^2 in the exponent of the density.
    "natural": Coordinates(
        lambda z: np.array([-0.5 * z[0] / z[1], np.sqrt(-0.5 / z[1])]),
        lambda z: np.array(
            [[-0.5 / z[1], 0.5 * z[0] / z[1] ** 2], [0.0, -0.5 * np.sqrt(-0.5 / z[1]) / z[1]]]
        ),
        lambda t: np.array([t[0], -0.5]) / t[1] ** 2,
    ),
}


class Family:
    r"""Distributions of one kind, as a function of coordinates.

    Parameters
    ----------
    member
        Any distribution of the family.
    coordinates
        One of `COORDINATES`: by default the distribution's own parameters.

    Examples
    --------
    >>> coins = Family(Bernoulli(0.5), "log odds")
    >>> coins.fisher([0.0]), coins.distribution([0.0])
    (array([[0.25]]), Bernoulli(p=0.5))
    """

    def __init__(self, member: Distribution, coordinates: str = "parameters") -> None:
        self.member = member
        self.name = check_choice("coordinates", coordinates, COORDINATES)
        self.coordinates = COORDINATES[self.name]
        self.n_parameters = len(member.parameters)

    def distribution(self, theta: ArrayLike) -> Distribution:
        """Return the distribution with these coordinates."""
        # Where the coordinates name none, the distribution says so, not a warning of numpy's.
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            parameters = self.coordinates.parameters(self._point(theta))
        return self.member.with_parameters(parameters)

    def coordinates_of(self, distribution: Distribution) -> FloatArray:
        """Return the coordinates of a distribution of this family, shape (n_parameters,)."""
        return self.coordinates.coordinates(distribution.parameters)

    def score(self, theta: ArrayLike, observations: ArrayLike) -> FloatArray:
        r"""Return :math:`\nabla_\theta \log p(x_i; \theta)`, shape (n_samples, n_parameters)."""
        own = self.distribution(theta).score(observations)
        return own @ self.coordinates.jacobian(self._point(theta))

    def fisher(self, theta: ArrayLike) -> FloatArray:
        """Return the Fisher information at ``theta``, shape (n_parameters, n_parameters)."""
        J = self.coordinates.jacobian(self._point(theta))
        return J.T @ fisher_information(self.distribution(theta)) @ J

    def _point(self, theta: ArrayLike) -> FloatArray:
        return check_vector("theta", theta, self.n_parameters)

    def __repr__(self) -> str:
        return f"Family({type(self.member).__name__}, {self.name!r})"


class NegativeLogLikelihood(Objective):
    r"""Minus the mean log-likelihood of a member of a family, :math:`-\frac1n \log L(\theta)`.

    Parameters
    ----------
    family
        Where to look.
    observations
        Shape (n_samples,).

    Notes
    -----
    Coordinates that name no distribution (a probability above one) have the value infinity.
    """

    def __init__(self, family: Family, observations: ArrayLike) -> None:
        self.family = family
        self.observations = np.asarray(observations)
        self.n_parameters = family.n_parameters
        self.n_samples = len(self.observations)

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        try:
            distribution = self.family.distribution(theta)
        except ValueError:
            return np.inf
        return -float(distribution.log_density(self._rows(batch)).mean())

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        value = self._value(theta, batch)
        if np.isfinite(value):
            out[...] = -self.family.score(theta, self._rows(batch)).mean(axis=0)
        else:
            out.fill(np.nan)
        return value

    def fisher(self, theta: ArrayLike, batch: Batch | None = None) -> FloatArray:
        """Return the Fisher information of one observation; it does not depend on the data."""
        return self.family.fisher(theta)

    def _rows(self, batch: Batch | None) -> NDArray:
        if batch is None:
            return self.observations
        return self.observations[check_batch("batch", batch, self.n_samples)]

    def __repr__(self) -> str:
        return f"NegativeLogLikelihood({self.family!r}, {self.n_samples} observations)"
