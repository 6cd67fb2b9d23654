r"""Principal components by climbing: gradient ascent on the variance, and Oja's rule.

Chapters: *Descent elsewhere*, *LDA and PCA*. The first principal component solves

.. math:: \max_{\|w\| = 1} w^\top S w,

with :math:`S` the covariance. The constraint is kept by going back to the sphere after every step,

.. math:: w \leftarrow \frac{w + \eta S w}{\|w + \eta S w\|},

and for several components, the columns of :math:`W`, by making them orthonormal again. Oja's rule
replaces :math:`S` by one sample, :math:`x x^\top`, and the division by its first-order effect: with
the response :math:`y = W^\top x`,

.. math:: W \leftarrow W + \eta\, (x - W y)\, y^\top.

E. Oja, "Simplified neuron model as a principal component analyzer", Journal of Mathematical Biology
15 (1982), pp. 267-273.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.compiled import compiled
from course_lib.validation import FloatArray, check_array, check_integer, check_real


class VarianceAscent(NamedTuple):
    """The history of an ascent to the directions of largest variance.

    Attributes
    ----------
    directions : ndarray of shape (n_features, n_components)
        Orthonormal columns that span the subspace reached.
    captured : ndarray of shape (n_iterations + 1,)
        The share of the total variance in the subspace, at the start and after every step.
    converged : bool
        Whether the rule of ``tol`` ended the run, not ``max_iterations``.
    """

    directions: FloatArray
    captured: FloatArray
    converged: bool


def ascend_variance(
    covariance: ArrayLike,
    start: ArrayLike,
    *,
    step_size: float | None = None,
    max_iterations: int = 1000,
    tol: float = 1e-10,
    watch: Callable[[int, float], bool | None] | None = None,
) -> VarianceAscent:
    r"""Climb :math:`\operatorname{tr} W^\top S W` over matrices with orthonormal columns.

    Parameters
    ----------
    covariance
        :math:`S`, shape (n_features, n_features).
    start
        :math:`W` to begin with, shape (n_features, n_components); one direction may be a vector.
    step_size
        :math:`\eta`. The error shrinks by the factor
        :math:`(1 + \eta \lambda_{q+1}) / (1 + \eta \lambda_q)` a step, :math:`\lambda_q` the
        smallest variance kept and :math:`\lambda_{q+1}` the largest lost. None takes the limit of
        long steps, where only :math:`S W` remains: the power method, the fastest.
    max_iterations
        Steps at most.
    tol
        Stop when :math:`S W` leaves the space of :math:`W` by no more than this share of its size.
    watch
        Called after every step with their number and the share captured; True ends the run.
    """
    S = check_array("covariance", covariance, ndim=2)
    W = check_array("start", start, ndim=(1, 2))
    if W.ndim == 1:
        W = W[:, None]
    if S.shape != (len(W), len(W)):
        raise ValueError(
            f"covariance must have shape {(len(W), len(W))} to match start, got shape {S.shape}"
        )
    check_real("tol", tol, at_least=0)
    cap = check_integer("max_iterations", max_iterations, at_least=1)
    eta = None if step_size is None else check_real("step_size", step_size, above=0)
    W = np.linalg.qr(W)[0]
    SW = S @ W
    captured = [captured_variance(S, W)]
    converged = False
    while not converged and len(captured) <= cap:
        W = np.linalg.qr(SW if eta is None else W + eta * SW)[0]
        SW = S @ W
        captured.append(captured_variance(S, W))
        outside = SW - W @ (W.T @ SW)
        converged = bool(np.linalg.norm(outside) <= tol * np.linalg.norm(SW))
        if watch is not None and watch(len(captured) - 1, captured[-1]):
            break
    return VarianceAscent(W, np.array(captured), converged)


def captured_variance(covariance: FloatArray, W: FloatArray) -> float:
    """Return the share of the total variance that lies in the space of orthonormal columns."""
    total = float(np.trace(covariance))
    return float(np.sum(W * (covariance @ W))) / total if total > 0 else 0.0


@compiled
def oja_pass(
    X: FloatArray, order: NDArray[np.integer], step_sizes: FloatArray, W: FloatArray
) -> None:
    """Learn from the samples of ``X``, one after the other, in ``order``: ``W`` moves in place.

    Parameters
    ----------
    X
        Centred samples, shape (n_samples, n_features), contiguous.
    order
        Indices of rows.
    step_sizes
        One a sample visited. Steps of more than one over the sample's squared length are unstable.
    W
        Shape (n_features, n_components), contiguous.
    """
    for k in range(len(order)):
        x = X[order[k]]
        y = x @ W
        W += step_sizes[k] * np.outer(x - W @ y, y)
