r"""How far apart two distributions are: Kullback-Leibler divergence, Fisher-Rao distance.

Chapter: *Natural gradient*.

.. math:: D(p \,\|\, q) = \operatorname{E}_{x \sim p}\Bigl[\log \frac{p(x)}{q(x)}\Bigr] \ge 0

It is not a distance: it is not symmetric and a detour can be shorter. Between neighbours it is one,
to second order, and the Fisher information is its metric:

.. math:: D(p_\theta \,\|\, p_{\theta + \delta}) = \tfrac12\, \delta^\top F(\theta)\, \delta
          + O(\|\delta\|^3).

The length of the shortest path under that metric is a distance, the Fisher-Rao distance.

============ ====================================================== =============================
distribution divergence                                             Fisher-Rao distance
============ ====================================================== =============================
Bernoulli,   :math:`n \bigl(p \log\frac pq + (1 - p)                :math:`2 \sqrt n\,
binomial     \log\frac{1 - p}{1 - q}\bigr)`                         |\arcsin\sqrt p -
                                                                    \arcsin\sqrt q|`
categorical  :math:`\sum_k p_k \log\frac{p_k}{q_k}`                 :math:`2 \arccos \sum_k
                                                                    \sqrt{p_k q_k}`
Poisson      :math:`\lambda \log\frac\lambda\nu - \lambda + \nu`    :math:`2 |\sqrt\lambda -
                                                                    \sqrt\nu|`
Gaussian     :math:`\log\frac{\sigma_2}{\sigma_1} +                 :math:`\sqrt2 \operatorname{
             \frac{\sigma_1^2 + (\mu_1 - \mu_2)^2}{2 \sigma_2^2}    arcosh}(1 + \dots)`, see
             - \frac12`                                             `fisher_rao_distance`
============ ====================================================== =============================

S. Kullback and R. A. Leibler, "On information and sufficiency", Annals of Mathematical Statistics
22 (1951), pp. 79-86; C. R. Rao, "Information and the accuracy attainable in the estimation of
statistical parameters", Bulletin of the Calcutta Mathematical Society 37 (1945), pp. 81-91.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from course_lib.costs import kl_divergence
from course_lib.information_geometry.families import Poisson
from course_lib.likelihoods import Bernoulli, Binomial, Categorical, Distribution, Gaussian
from course_lib.validation import check_array, check_vector

Between = Callable[..., float]


def _coin(p: float) -> list[float]:
    return [p, 1.0 - p]


def _kl_poisson(a: Poisson, b: Poisson) -> float:
    return a.rate * np.log(a.rate / b.rate) - a.rate + b.rate


def _kl_gaussian(a: Gaussian, b: Gaussian) -> float:
    # Between close neighbours a small difference of ratios near one: these forms keep more digits.
    widening = (b.standard_deviation - a.standard_deviation) / a.standard_deviation
    offset = (a.mean - b.mean) / b.standard_deviation
    excess = -widening * (2.0 + widening) / (1.0 + widening) ** 2
    return float(np.log1p(widening) + 0.5 * (excess + offset**2))


KL: dict[type[Distribution], Between] = {
    Bernoulli: lambda a, b: kl_divergence(_coin(a.p), _coin(b.p)),
    Binomial: lambda a, b: a.n_trials * kl_divergence(_coin(a.p), _coin(b.p)),
    Categorical: lambda a, b: kl_divergence(a.probabilities, b.probabilities),
    Poisson: _kl_poisson,
    Gaussian: _kl_gaussian,
}


def kl_between(p: Distribution, q: Distribution) -> float:
    r"""Return :math:`D(p \,\|\, q)` of two distributions of one family, in nats.

    Parameters
    ----------
    p
        What the observations come from.
    q
        What is believed instead.

    Raises
    ------
    TypeError
        If the two are not of one family.

    Examples
    --------
    >>> round(kl_between(Bernoulli(0.5), Bernoulli(0.1)), 4)
    0.5108
    >>> round(kl_between(Bernoulli(0.1), Bernoulli(0.5)), 4)
    0.3681
    """
    _check_family(p, q, KL)
    return float(KL[type(p)](p, q))


def kl_between_gaussians(
    mean_p: ArrayLike, covariance_p: ArrayLike, mean_q: ArrayLike, covariance_q: ArrayLike
) -> float:
    r"""Return the divergence of two Gaussians in :math:`d` dimensions.

    .. math:: D = \tfrac12 \Bigl(\operatorname{tr}(\Sigma_q^{-1} \Sigma_p)
        + (\mu_q - \mu_p)^\top \Sigma_q^{-1} (\mu_q - \mu_p) - d
        + \log \frac{\det \Sigma_q}{\det \Sigma_p}\Bigr)

    Parameters
    ----------
    mean_p, mean_q
        Shape (n_features,).
    covariance_p, covariance_q
        Positive definite, shape (n_features, n_features).
    """
    mu_p = check_vector("mean_p", mean_p)
    d = len(mu_p)
    mu_q = check_vector("mean_q", mean_q, d)
    S_p = check_array("covariance_p", covariance_p, shape=(d, d))
    S_q = check_array("covariance_q", covariance_q, shape=(d, d))
    L_p, L_q = np.linalg.cholesky(S_p), np.linalg.cholesky(S_q)
    spread = np.linalg.solve(L_q, L_p)
    offset = np.linalg.solve(L_q, mu_q - mu_p)
    log_ratio = 2.0 * np.sum(np.log(np.diag(L_q)) - np.log(np.diag(L_p)))
    return float(0.5 * (np.sum(spread**2) + offset @ offset - d + log_ratio))


def _arc(p: float, q: float) -> float:
    return 2.0 * abs(np.arcsin(np.sqrt(p)) - np.arcsin(np.sqrt(q)))


def _sphere(a: Categorical, b: Categorical) -> float:
    # The roots of the probabilities lie on a sphere; the chord keeps its digits where arccos fails.
    chord = np.linalg.norm(np.sqrt(a.probabilities) - np.sqrt(b.probabilities))
    return 4.0 * np.arcsin(0.5 * chord)


def _hyperbolic(a: Gaussian, b: Gaussian) -> float:
    s, t = a.standard_deviation, b.standard_deviation
    excess = (0.5 * (a.mean - b.mean) ** 2 + (s - t) ** 2) / (2.0 * s * t)
    # arcosh(1 + x), written without the loss of digits for small x.
    return np.sqrt(2.0) * np.log1p(excess + np.sqrt(excess * (excess + 2.0)))


FISHER_RAO: dict[type[Distribution], Between] = {
    Bernoulli: lambda a, b: _arc(a.p, b.p),
    Binomial: lambda a, b: np.sqrt(a.n_trials) * _arc(a.p, b.p),
    Categorical: _sphere,
    Poisson: lambda a, b: 2.0 * abs(np.sqrt(a.rate) - np.sqrt(b.rate)),
    Gaussian: _hyperbolic,
}


def fisher_rao_distance(p: Distribution, q: Distribution) -> float:
    r"""Return the length of the shortest path between two distributions of one family.

    For Gaussians, whose family is a hyperbolic plane [1]_,

    .. math:: d = \sqrt2\, \operatorname{arcosh}\Bigl(1
        + \frac{\frac12 (\mu_1 - \mu_2)^2 + (\sigma_1 - \sigma_2)^2}{2 \sigma_1 \sigma_2}\Bigr);

    categorical distributions lie on a sphere of radius 2, coordinates :math:`2 \sqrt{p_k}`.

    References
    ----------
    .. [1] S. I. R. Costa, S. A. Santos and J. E. Strapasson, "Fisher information distance: a
       geometrical reading", Discrete Applied Mathematics 197 (2015), pp. 59-69.
    """
    _check_family(p, q, FISHER_RAO)
    return float(FISHER_RAO[type(p)](p, q))


def _check_family(
    p: Distribution, q: Distribution, table: dict[type[Distribution], Between]
) -> None:
    same = type(p) is type(q) and len(p.parameters) == len(q.parameters)
    if isinstance(p, Binomial) and same:
        same = p.n_trials == q.n_trials
    if not same or type(p) not in table:
        known = ", ".join(sorted(kind.__name__ for kind in table))
        raise TypeError(f"p and q must be of one family, one of {known}; got {p!r} and {q!r}")
