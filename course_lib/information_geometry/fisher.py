r"""The Fisher matrix of a model that predicts distributions: three matrices, two of them right.

Chapter: *Natural gradient*. A model turns :math:`x` and :math:`\theta` into outputs :math:`z`, and
the cost is the negative log-likelihood of :math:`y` under a distribution that :math:`z` names. With
:math:`J_i = \partial z_i / \partial \theta` and :math:`\Lambda(z)` the information of one :math:`y`
about its own :math:`z`,

.. math:: F(\theta) = \frac1n \sum_i \operatorname{E}_{y \sim \text{model}}
    \bigl[g_i(y)\, g_i(y)^\top\bigr] = \frac1n \sum_i J_i^\top \Lambda(z_i)\, J_i,
    \qquad g_i(y) = \nabla_\theta \log p(y \mid x_i; \theta).

==================================== =================== ==========================================
function                             labels              what it is
==================================== =================== ==========================================
`fisher_exact`                       none: expectation   :math:`F`, by the right-hand formula
`fisher_monte_carlo`                 the **model's**     an estimate of :math:`F`, with its error
`empirical_fisher`                   the **data's**      another matrix: it is near :math:`F` only
                                                         where the model is right and fitted [2]_
`fisher_vector_product`              none: expectation   :math:`F v`, without forming :math:`F`
==================================== =================== ==========================================

======================= ================================= =================================
cost, on outputs        :math:`y` given :math:`z`         :math:`\Lambda(z)`
======================= ================================= =================================
`HalfSquaredError`      Gaussian, mean z, variance 1      1
`SquaredError`          Gaussian, mean z, variance ½      2
`LogisticLoss`          Bernoulli, log-odds z             :math:`p (1 - p)`
`SoftmaxCrossEntropy`   categorical, log-odds z           :math:`\operatorname{diag} p - p p^\top`
======================= ================================= =================================

In all four :math:`\Lambda` is also the second derivative of the cost, whatever :math:`y` is: the
Fisher matrix is then the generalised Gauss-Newton matrix, and for models linear in :math:`\theta`
the Hessian.

References
----------
.. [1] J. Martens, "New insights and perspectives on the natural gradient method", Journal of
   Machine Learning Research 21 (2020), no. 146, §5, §9 and §11.
.. [2] F. Kunstner, P. Hennig and L. Balles, "Limitations of the empirical Fisher approximation for
   natural gradient descent", NeurIPS 32 (2019).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.costs import (
    Cost,
    HalfSquaredError,
    LogisticLoss,
    SoftmaxCrossEntropy,
    SquaredError,
)
from course_lib.information_geometry.families import NegativeLogLikelihood
from course_lib.information_geometry.layerwise import (
    forward_pass,
    output_jacobians,
    per_sample_gradients,
    tangent,
)
from course_lib.likelihoods import Seed
from course_lib.objectives.base import Batch, Objective
from course_lib.objectives.empirical_risk import EmpiricalRisk
from course_lib.validation import FloatArray, check_integer, check_vector

#: Samples whose Jacobians are held at a time.
BLOCK_SAMPLES = 256

#: Sets the stream of random labels apart from that of the seed itself.
LABEL_STREAM = 1

Sampler = Callable[[FloatArray, np.random.Generator], NDArray]


def _gaussian_labels(variance: float) -> Sampler:
    return lambda z, rng: z + np.sqrt(variance) * rng.standard_normal(z.shape)


def _bernoulli_labels(z: FloatArray, rng: np.random.Generator) -> NDArray:
    # A logistic variable lies below z with the probability sigmoid(z).
    return (rng.logistic(size=z.shape) < z).astype(z.dtype)


def _categorical_labels(z: FloatArray, rng: np.random.Generator) -> NDArray:
    # The largest score plus Gumbel noise is class k with the probability softmax(z)_k.
    return np.argmax(z + rng.gumbel(size=z.shape), axis=1)


#: How to draw labels from the model, by the cost that is its negative log-likelihood.
MODEL_LABELS: dict[type[Cost], Sampler] = {
    HalfSquaredError: _gaussian_labels(1.0),
    SquaredError: _gaussian_labels(0.5),
    LogisticLoss: _bernoulli_labels,
    SoftmaxCrossEntropy: _categorical_labels,
}


def model_labels(cost: Cost, outputs: FloatArray, seed: Seed) -> NDArray:
    """Return labels drawn from the distributions that ``outputs`` name.

    Parameters
    ----------
    cost
        The negative log-likelihood: one of `MODEL_LABELS`.
    outputs
        What the model predicts, shape (n_samples,) or (n_samples, n_outputs).
    seed
        A whole number or a numpy Generator.
    """
    return MODEL_LABELS[_likelihood_of(cost)](outputs, label_generator(seed))


def label_generator(seed: Seed) -> np.random.Generator:
    """Return the generator that draws labels: one of its own, where ``seed`` is a number.

    A number may be the seed that made the data, too. Its stream would then repeat the noise of the
    data as labels, and what should be independent would not be.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng([check_integer("seed", seed, at_least=0), LABEL_STREAM])


def fisher_exact(objective: Objective, theta: ArrayLike, batch: Batch | None = None) -> FloatArray:
    r"""Return the Fisher matrix, in expectation over the model's own labels.

    Parameters
    ----------
    objective
        A negative log-likelihood: an `EmpiricalRisk` with one of the costs above, or a
        `NegativeLogLikelihood` of a family. A penalty is not part of the likelihood, and left out.
    theta
        The point, shape (n_parameters,).
    batch
        Indices of the samples to average over; None means all.

    Returns
    -------
    ndarray of shape (n_parameters, n_parameters)

    Notes
    -----
    Costs about as much as ``n_outputs`` gradients of every single sample, and memory for the
    matrix; see `fisher_vector_product` for many parameters.
    """
    bare = bare_objective(objective)
    if isinstance(bare, NegativeLogLikelihood):
        return bare.fisher(theta, batch)
    risk, point = _risk_and_point(bare, theta)
    fisher = np.zeros((len(point), len(point)), point.dtype)
    X, _, weight = risk._rows(batch)
    for start in range(0, len(X), BLOCK_SAMPLES):
        rows = slice(start, start + BLOCK_SAMPLES)
        J = output_jacobians(risk.model, point, X[rows])
        curvature = _output_information(risk, point, X[rows], J.shape[1])
        if weight is not None:
            curvature = curvature * weight[rows, None, None]
        # One product of matrices: the rows of all samples and outputs, one below the other.
        LJ = curvature.astype(point.dtype, copy=False) @ J
        fisher += J.reshape(-1, len(point)).T @ LJ.reshape(-1, len(point))
    return fisher / point.dtype.type(len(X))


def fisher_vector_product(
    objective: Objective, theta: ArrayLike, vector: ArrayLike, batch: Batch | None = None
) -> FloatArray:
    r"""Return :math:`F v = \frac1n \sum_i J_i^\top \Lambda(z_i) J_i v`, from right to left.

    Parameters
    ----------
    objective, theta, batch
        As in `fisher_exact`.
    vector
        :math:`v`, shape (n_parameters,).

    Notes
    -----
    A forward pass for :math:`J v` and a gradient for :math:`J^\top`: no matrix is formed.
    """
    bare = bare_objective(objective)
    if isinstance(bare, NegativeLogLikelihood):
        return bare.fisher(theta, batch) @ check_vector("vector", vector, bare.n_parameters)
    risk, point = _risk_and_point(bare, theta)
    v = check_vector("vector", vector, len(point)).astype(point.dtype, copy=False)
    X, _, weight = risk._rows(batch)
    outputs, saved = forward_pass(risk.model, point, X)
    moved = tangent(risk.model, point, X, v).reshape(len(X), -1, 1)
    curvature = _output_information(risk, point, X, moved.shape[1])
    if weight is not None:
        curvature = curvature * weight[:, None, None]
    upstream = (curvature @ moved).reshape(outputs.shape) / len(X)
    product = np.empty_like(point)
    risk.model.backward(point, saved, upstream.astype(point.dtype, copy=False), product)
    return product


class MonteCarloFisher(NamedTuple):
    """An estimate of the Fisher matrix from labels drawn from the model.

    Attributes
    ----------
    matrix : ndarray of shape (n_parameters, n_parameters)
    standard_error : ndarray of shape (n_parameters, n_parameters)
        Of every entry of the matrix, from the spread of the draws.
    """

    matrix: FloatArray
    standard_error: FloatArray


def fisher_monte_carlo(
    objective: Objective,
    theta: ArrayLike,
    seed: Seed,
    *,
    n_draws: int = 10,
    batch: Batch | None = None,
) -> MonteCarloFisher:
    """Estimate the Fisher matrix from labels drawn from the **model**; the data's are not used.

    Parameters
    ----------
    objective, theta, batch
        As in `fisher_exact`.
    seed
        A whole number or a numpy Generator.
    n_draws
        How many times a label is drawn for every sample, at least 2. (For a
        `NegativeLogLikelihood`: how many samples of the size of the data.)
    """
    draws = check_integer("n_draws", n_draws, at_least=2)
    rng = label_generator(seed)
    bare = bare_objective(objective)
    if isinstance(bare, NegativeLogLikelihood):
        distribution, n = bare.family.distribution(theta), len(bare._rows(batch))
        samples = (bare.family.score(theta, distribution.sample(n, rng)) for _ in range(draws))
    else:
        risk, point = _risk_and_point(bare, theta)
        X, _, weight = risk._rows(batch)
        outputs = np.array(forward_pass(risk.model, point, X)[0])
        samples = (
            _gradients(risk, point, X, outputs, model_labels(risk.cost, outputs, rng), weight)
            for _ in range(draws)
        )
    matrices = np.array([g.T @ g / g.dtype.type(len(g)) for g in samples])
    return MonteCarloFisher(matrices.mean(axis=0), matrices.std(axis=0, ddof=1) / np.sqrt(draws))


def empirical_fisher(
    objective: Objective, theta: ArrayLike, batch: Batch | None = None
) -> FloatArray:
    """Return the mean outer product of the gradients on the **data's** labels.

    This is not the Fisher matrix, nor an estimate of it, unless the labels do follow the model at
    ``theta``. Far from the solution it grows with the residuals, and a step scaled by its inverse
    shrinks with them.

    Parameters
    ----------
    objective, theta, batch
        As in `fisher_exact`.
    """
    bare = bare_objective(objective)
    if isinstance(bare, NegativeLogLikelihood):
        scores = bare.family.score(theta, bare._rows(batch))
        return scores.T @ scores / len(scores)
    risk, point = _risk_and_point(bare, theta)
    X, y, weight = risk._rows(batch)
    outputs = forward_pass(risk.model, point, X)[0]
    gradients = _gradients(risk, point, X, outputs, y, weight)
    return gradients.T @ gradients / gradients.dtype.type(len(X))


def bare_objective(objective: Objective) -> Objective:
    """Return the objective itself where the run loop has wrapped it to count evaluations."""
    return getattr(objective, "inner", objective)


def _gradients(
    risk: EmpiricalRisk,
    theta: FloatArray,
    X: FloatArray,
    outputs: FloatArray,
    y: NDArray,
    weight: FloatArray | None,
) -> FloatArray:
    """Return one gradient a sample; the root of its weight goes twice into an outer product."""
    gradients = per_sample_gradients(risk.model, theta, X, risk.cost.derivative(outputs, y))
    return gradients if weight is None else gradients * np.sqrt(weight)[:, None]


def _output_information(
    risk: EmpiricalRisk, theta: FloatArray, X: FloatArray, n_outputs: int
) -> FloatArray:
    r"""Return :math:`\Lambda(z_i)` for every sample, shape (n_samples, n_outputs, n_outputs)."""
    outputs = forward_pass(risk.model, theta, X)[0]
    # For these costs the second derivative does not depend on the target.
    second = risk.cost.second_derivative(outputs, np.zeros_like(outputs))
    if second.ndim == 3:
        return second
    return second.reshape(len(X), n_outputs, 1) * np.eye(n_outputs)


def _likelihood_of(cost: Cost) -> type[Cost]:
    if type(cost) not in MODEL_LABELS:
        known = ", ".join(kind.__name__ for kind in MODEL_LABELS)
        raise TypeError(
            f"the cost must be the negative log-likelihood of outputs, one of {known}, got "
            f"{cost!r}: without a distribution of labels there is no Fisher information"
        )
    return type(cost)


def _risk_and_point(objective: Objective, theta: ArrayLike) -> tuple[EmpiricalRisk, FloatArray]:
    if not isinstance(objective, EmpiricalRisk):
        raise TypeError(
            "the objective must be the negative log-likelihood of a model, an EmpiricalRisk or a "
            f"NegativeLogLikelihood, got {objective!r}: it has no Fisher information"
        )
    _likelihood_of(objective.cost)
    return objective, check_vector("theta", theta, objective.n_parameters)
