r"""The noise ball, known before the run: least squares by stochastic descent, in expectation.

Chapter: *Variants of gradient descent*. A run on random batches is one of many that might have
happened. For squared error the mean over all of them can be computed without a single run. With
:math:`a_i` the row of the design matrix, :math:`r_i = a_i^\top \theta^\star - y_i` the residual
that the minimizer leaves, and :math:`e = \theta - \theta^\star`, the gradient of one sample is
linear in the error,

.. math:: \nabla \ell_i(\theta) = a_i a_i^\top e + a_i r_i ,

so a step maps :math:`\hat e = (e, 1)` linearly, :math:`\hat e \leftarrow (I - \alpha M_B)\,\hat e`
with :math:`M_B` the mean over the batch of
:math:`M_i = \bigl(\begin{smallmatrix} a_i a_i^\top & a_i r_i \\ 0 & 0 \end{smallmatrix}\bigr)`.
Batches are drawn with replacement. Then
:math:`\hat S_k = \mathbb{E}[\hat e_k \hat e_k^\top]` obeys a linear recursion too,

.. math::
    \hat S \leftarrow \hat S - \alpha (M \hat S + \hat S M^\top)
    + \alpha^2 \Bigl[ \bigl(1 - \tfrac1{|B|}\bigr) M \hat S M^\top
    + \tfrac1{|B|} \cdot \tfrac1n \textstyle\sum_i M_i \hat S M_i^\top \Bigr] ,

with :math:`M = \frac1n \sum_i M_i`. (The batch holds :math:`|B|` independent draws: of the
:math:`|B|^2` pairs of them, :math:`|B|` are a draw with itself.) The expected gap is
:math:`\tfrac12 \operatorname{tr}(H S)`, with :math:`S` the upper left block.

References
----------
.. [1] L. Bottou, F. E. Curtis and J. Nocedal, "Optimization methods for large-scale machine
   learning", SIAM Review 60 (2018), pp. 223-311, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from course_lib.batching import Incremental
from course_lib.validation import FloatArray, check_array, check_integer, check_real, check_vector

#: The second moments of p parameters are moved by a matrix of (p + 1)^4 numbers.
MOST_PARAMETERS = 40

#: A mean gap that no run comes back from; numbers beyond would soon overflow.
OUT_OF_SIGHT = 1e150


def additive_gap(
    step_size: float, hessian: ArrayLike, covariance: ArrayLike, batch_size: int = 1
) -> float:
    r"""Return the gap at which a constant step comes to rest, if the noise is the same everywhere.

    Along an eigenvector of curvature :math:`\lambda_j` the variance settles where a step adds as
    much as it removes:

    .. math:: \sum_j \frac{\alpha\, s_j}{2 |B| (2 - \alpha \lambda_j)}
              \approx \frac{\alpha \operatorname{tr} \Sigma}{4 |B|},
              \qquad s_j = v_j^\top \Sigma v_j .

    Parameters
    ----------
    step_size
        :math:`\alpha`, below :math:`2 / L`.
    hessian, covariance
        :math:`H` and :math:`\Sigma`, the covariance of a single sample's gradient, each of shape
        (n_parameters, n_parameters).
    batch_size
        :math:`|B|`.
    """
    H = check_array("hessian", hessian, ndim=2)
    covariance = check_array("covariance", covariance, shape=H.shape)
    curvatures, axes = np.linalg.eigh(H)
    alpha = check_real("step_size", step_size, above=0, below=2.0 / curvatures[-1])
    batch_size = check_integer("batch_size", batch_size, at_least=1)
    along = np.einsum("ij,ik,kj->j", axes, covariance, axes)
    return float((alpha * along / (2.0 * batch_size * (2.0 - alpha * curvatures))).sum())


class SampledLeastSquares:
    r"""Half the mean squared error of a linear model, and what random batches do to its descent.

    Parameters
    ----------
    design
        The matrix :math:`A`, shape (n_samples, n_parameters), of full column rank.
    target
        Shape (n_samples,).

    Attributes
    ----------
    minimizer : ndarray of shape (n_parameters,)
        :math:`\theta^\star`.
    hessian : ndarray of shape (n_parameters, n_parameters)
        :math:`H = A^\top A / n`.
    covariance : ndarray of shape (n_parameters, n_parameters)
        :math:`\Sigma` at the minimizer.

    Examples
    --------
    Estimating a mean: half a squared distance has the curvature 1, and the noise ball of the step
    0.5 is :math:`\alpha \sigma^2 / (2 (2 - \alpha))`.

    >>> mean = SampledLeastSquares(np.ones((2, 1)), [-1.0, 1.0])
    >>> round(mean.stationary_gap(0.5), 4)
    0.1667
    """

    def __init__(self, design: ArrayLike, target: ArrayLike) -> None:
        A = check_array("design", design, ndim=2)
        y = check_vector("target", target, len(A))
        self.n_samples, p = A.shape
        if p > MOST_PARAMETERS:
            raise ValueError(
                f"design must have at most {MOST_PARAMETERS} columns, got {p}: the second moments "
                f"would need {(p + 1) ** 4:,} numbers. Run it instead"
            )
        self.minimizer, _, rank, _ = np.linalg.lstsq(A, y)
        if rank < p:
            raise ValueError(
                f"design must have full column rank, got rank {rank} of {p} columns: there would "
                "be no single minimizer"
            )
        self.hessian = A.T @ A / self.n_samples
        self._rows, self._residuals = A, A @ self.minimizer - y
        noise = A * self._residuals[:, None]
        self.covariance = noise.T @ noise / self.n_samples
        # M_i = a_i b_i^T with b_i = (a_i, r_i): all that follows are products of rows.
        a = np.column_stack([A, np.zeros(self.n_samples)])
        b = np.column_stack([A, self._residuals])
        self._mean = a.T @ b / self.n_samples
        pairs_a = np.einsum("ij,ik->ijk", a, a).reshape(self.n_samples, -1)
        pairs_b = np.einsum("ij,ik->ijk", b, b).reshape(self.n_samples, -1)
        self._same = pairs_a.T @ pairs_b / self.n_samples
        one = np.eye(p + 1)
        self._drift = np.kron(self._mean, one) + np.kron(one, self._mean)
        self._other = np.kron(self._mean, self._mean)

    @cached_property
    def _errors_only(self) -> FloatArray:
        """Which entries of the second moments are those of the error itself."""
        p = len(self.minimizer)
        return np.flatnonzero(np.pad(np.ones((p, p), dtype=bool), ((0, 1), (0, 1))))

    def _spread(self, batch_size: int) -> FloatArray:
        share = 1.0 / check_integer("batch_size", batch_size, at_least=1)
        return (1.0 - share) * self._other + share * self._same

    def largest_step(self, batch_size: int = 1) -> float:
        r"""Return the limit of a constant step, above which the mean squared error grows.

        It is below :math:`2 / L`, which it approaches for large batches. The mean *error* still
        shrinks between the two.
        """
        keep = np.ix_(self._errors_only, self._errors_only)
        spread, drift = self._spread(batch_size)[keep], self._drift[keep]
        return 1.0 / float(scipy.linalg.eigh(spread, drift, eigvals_only=True)[-1])

    def stationary_covariance(self, step_size: float, batch_size: int = 1) -> FloatArray:
        """Return the covariance of the point in the long run of a constant step.

        Shape (n_parameters, n_parameters); its mean is the minimizer.
        """
        limit = self.largest_step(batch_size)
        alpha = check_real("step_size", step_size, above=0, below=limit)
        p = len(self.minimizer)
        keep = np.ix_(self._errors_only, self._errors_only)
        operator = alpha * self._drift[keep] - alpha**2 * self._spread(batch_size)[keep]
        added = alpha**2 / batch_size * self.covariance
        return np.linalg.solve(operator, added.ravel()).reshape(p, p)

    def stationary_gap(self, step_size: float, batch_size: int = 1) -> float:
        """Return the mean gap between objective and minimum in the long run of a constant step."""
        return 0.5 * float((self.hessian * self.stationary_covariance(step_size, batch_size)).sum())

    def cycle(self, step_size: float, order: ArrayLike) -> FloatArray:
        r"""Return where the epochs of incremental descent end in the long run.

        Nothing is random in a fixed order. An epoch is an affine map :math:`e \mapsto F e + c` of
        the error, and what the ends of epochs converge to is its fixed point
        :math:`(I - F)^{-1} c`.

        Parameters
        ----------
        step_size
            :math:`\alpha`, constant.
        order
            Each sample number once, in the order of use.

        Returns
        -------
        ndarray of shape (n_parameters,)

        Raises
        ------
        ValueError
            If epochs of this step and order do not converge.
        """
        alpha = check_real("step_size", step_size, above=0)
        # One array carries F and c: every step acts on both from the left.
        epoch = np.eye(len(self.minimizer), len(self.minimizer) + 1)
        for i in Incremental(self.n_samples, order=order).order:
            a = self._rows[i]
            change = a @ epoch
            change[-1] += self._residuals[i]
            epoch -= np.outer(alpha * a, change)
        contraction, offset = epoch[:, :-1], epoch[:, -1]
        fastest = np.abs(np.linalg.eigvals(contraction)).max()
        if not fastest < 1.0:
            raise ValueError(
                f"step_size must be so small that epochs converge, got {step_size!r}, with which "
                f"an epoch multiplies some error by {fastest:.3g}"
            )
        return self.minimizer + np.linalg.solve(np.eye(len(contraction)) - contraction, offset)

    def expected_gaps(
        self, step_sizes: Iterable[float], theta0: ArrayLike, batch_size: int = 1
    ) -> FloatArray:
        """Return the gap before every step and after the last, in the mean over all runs.

        Parameters
        ----------
        step_sizes
            One a step.
        theta0
            The start, shape (n_parameters,).
        batch_size
            Samples in a batch, drawn with replacement.

        Returns
        -------
        ndarray of shape (n_steps + 1,)
            Infinite from where it grows beyond 1e150.
        """
        p = len(self.minimizer)
        start = np.append(check_vector("theta0", theta0, p) - self.minimizer, 1.0)
        moments = np.outer(start, start).ravel()
        spread = self._spread(batch_size)
        weights = 0.5 * np.pad(self.hessian, ((0, 1), (0, 1))).ravel()
        gaps = [weights @ moments]
        for alpha in step_sizes:
            if gaps[-1] > OUT_OF_SIGHT:
                gaps.append(np.inf)
                continue
            change = alpha * (spread @ moments) - self._drift @ moments
            moments = moments + alpha * change
            gaps.append(weights @ moments)
        return np.array(gaps)

    def __repr__(self) -> str:
        return f"SampledLeastSquares({self.n_samples} samples, {len(self.minimizer)} parameters)"
