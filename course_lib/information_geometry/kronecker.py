r"""K-FAC: the Fisher matrix of a dense network, one small pair of matrices a layer.

Chapter: *Natural gradient*. The gradient of a dense layer for one sample is the outer product of
its input :math:`\bar a = (a, 1)` and the gradient :math:`\delta` at its output. Its block of the
Fisher matrix is the mean of :math:`(\bar a \bar a^\top) \otimes (\delta \delta^\top)`, with labels
drawn from the model; K-FAC [1]_ takes the product of the means instead,

.. math:: F \approx A \otimes G, \qquad A = \operatorname{E}[\bar a \bar a^\top], \quad
    G = \operatorname{E}[\delta \delta^\top],

and nothing between layers. A layer of :math:`m \times n` weights needs the inverses of an
:math:`m \times m` and an :math:`n \times n` matrix where the block has :math:`mn \times mn`:
:math:`(A \otimes G)^{-1}` acts on a gradient, kept as a matrix :math:`V`, as
:math:`A^{-1} V G^{-1}`.

References
----------
.. [1] J. Martens and R. Grosse, "Optimizing neural networks with Kronecker-factored approximate
   curvature", ICML 2015, pp. 2408-2417.
"""

from __future__ import annotations

import numpy as np

from course_lib.information_geometry.fisher import bare_objective, label_generator, model_labels
from course_lib.information_geometry.layerwise import DensePair, dense_pairs, forward_pass
from course_lib.likelihoods import Seed
from course_lib.line_search import StepContext, StepSize, as_step_rule, step_length
from course_lib.objectives.empirical_risk import EmpiricalRisk
from course_lib.optimizers.base import Optimizer, State
from course_lib.validation import FloatArray, check_real


class KroneckerFactors:
    r"""The two factors of one dense layer's block.

    Parameters
    ----------
    pair
        Inputs of the layer and gradients at its outputs, on labels drawn from the model.

    Attributes
    ----------
    A : ndarray of shape (n_inputs + 1, n_inputs + 1)
        The mean of :math:`\bar a \bar a^\top`; without the last row and column where there is no
        bias.
    G : ndarray of shape (n_outputs, n_outputs)
        The mean of :math:`\delta \delta^\top`.
    """

    def __init__(self, pair: DensePair) -> None:
        self.weights, self.bias = pair.weights, pair.bias
        self.A, self.G = self._means(pair)

    def blend(self, pair: DensePair, decay: float) -> None:
        """Move the factors towards those of a new batch: ``decay`` of the old is kept."""
        for mean, new in zip((self.A, self.G), self._means(pair), strict=True):
            mean *= decay
            mean += (1.0 - decay) * new

    def matrix(self) -> FloatArray:
        r"""Return :math:`A \otimes G`, for weights row by row and the bias as the last row."""
        return np.kron(self.A, self.G)

    def solve(self, gradient: FloatArray, damping: float) -> FloatArray:
        r"""Return :math:`(A + \pi \sqrt\lambda I)^{-1}\, V\, (G + \sqrt\lambda / \pi\, I)^{-1}`.

        The product of the damped factors is :math:`A \otimes G + \lambda I` and two more terms;
        :math:`\pi^2`, the ratio of the mean eigenvalues of the factors, makes those as small as
        they can be.

        Parameters
        ----------
        gradient
            :math:`V`, shape (n_inputs + 1, n_outputs): weights, and the bias as the last row.
        damping
            :math:`\lambda > 0`.
        """
        sizes = np.trace(self.A) / len(self.A), np.trace(self.G) / len(self.G)
        balance = np.sqrt(sizes[0] / sizes[1]) if min(sizes) > 0 else 1.0
        root = np.sqrt(damping)
        left = self.A + (balance * root * np.eye(len(self.A))).astype(self.A.dtype)
        right = self.G + (root / balance * np.eye(len(self.G))).astype(self.G.dtype)
        return np.linalg.solve(right, np.linalg.solve(left, gradient).T).T

    def _means(self, pair: DensePair) -> tuple[FloatArray, FloatArray]:
        inputs, n = pair.inputs, pair.inputs.dtype.type(len(pair.inputs))
        if pair.bias is not None:
            inputs = np.column_stack([inputs, np.ones(len(inputs), inputs.dtype)])
        return inputs.T @ inputs / n, pair.gradients.T @ pair.gradients / n

    def __repr__(self) -> str:
        return f"KroneckerFactors({self.weights!r}, {len(self.A)} x {len(self.G)})"


class KFAC(Optimizer):
    r"""Natural gradient of a dense network with Kronecker-factored blocks.

    Parameters
    ----------
    step_size
        A positive number, a schedule or a line search.
    damping
        :math:`\lambda > 0`, shared out among the factors.
    decay
        How much of the factors is kept from one batch to the next; in the first batches less, so
        that what they began with weighs nothing.
    seed
        Draws the labels from the model.

    Notes
    -----
    The objective must be an `EmpiricalRisk` of a network of dense layers, or of a linear model,
    with a negative log-likelihood as cost. A penalty goes into the gradient, not into the factors.
    """

    def __init__(
        self,
        step_size: StepSize = 1.0,
        *,
        damping: float = 1e-2,
        decay: float = 0.95,
        seed: Seed = 0,
    ) -> None:
        self.step_size = as_step_rule(step_size)
        self.damping = check_real("damping", damping, above=0)
        self.decay = check_real("decay", decay, at_least=0, below=1)
        self.seed = seed

    def init(self, theta: FloatArray) -> State:
        """Return the state before the first step; the factors come with the first batch."""
        return {
            "k": 0,
            "rng": label_generator(self.seed),
            "factors": {},
            "step": np.empty_like(theta),
        }

    def update(
        self,
        gradient: FloatArray,
        state: State,
        theta: FloatArray,
        context: StepContext | None = None,
    ) -> FloatArray:
        """Return the step to add to ``theta``."""
        if context is None:
            raise TypeError(
                "KFAC needs the layers of the model, so update() needs "
                "context=StepContext(objective, value); the run loop `descend` passes it"
            )
        risk = bare_objective(context.objective)
        if not isinstance(risk, EmpiricalRisk):
            raise TypeError(f"KFAC needs an EmpiricalRisk of a dense network, got {risk!r}")
        self._observe(risk, theta, context, state)
        layout, step = risk.model.layout, state["step"]
        slopes, steps = layout.views(np.ascontiguousarray(gradient)), layout.views(step)
        for factors in state["factors"].values():
            shape = (-1, len(factors.G))
            parts = [slopes[factors.weights].reshape(shape)]
            if factors.bias is not None:
                parts.append(slopes[factors.bias].reshape(1, -1))
            solution = factors.solve(np.concatenate(parts), self.damping)
            weights = steps[factors.weights]
            weights[...] = -solution[: weights.size // len(factors.G)].reshape(weights.shape)
            if factors.bias is not None:
                bias = steps[factors.bias]
                bias[...] = -solution[-1].reshape(bias.shape)
        alpha = step_length(self.step_size, state["k"], theta, step, gradient, context)
        step *= alpha
        state["step_size"] = alpha
        state["k"] += 1
        return step

    def _observe(
        self, risk: EmpiricalRisk, theta: FloatArray, context: StepContext, state: State
    ) -> None:
        """Bring the factors up to date with this batch, on labels drawn from the model."""
        X = risk._rows(context.batch)[0]
        outputs = np.array(forward_pass(risk.model, theta, X)[0])
        labels = model_labels(risk.cost, outputs, state["rng"])
        # With n batches seen, none should weigh more than 1 / n: a mean at first, later a decay.
        decay = min(self.decay, state["k"] / (state["k"] + 1.0))
        for pair in dense_pairs(risk.model, theta, X, risk.cost.derivative(outputs, labels)):
            if pair.weights in state["factors"]:
                state["factors"][pair.weights].blend(pair, decay)
            else:
                state["factors"][pair.weights] = KroneckerFactors(pair)

    def __repr__(self) -> str:
        return f"KFAC({self.step_size!r}, damping={self.damping:g}, decay={self.decay:g})"
