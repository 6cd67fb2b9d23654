r"""Training a network: epochs of mini-batch steps, and when to stop.

Chapters: *Variants of gradient descent*, *Backpropagation*, *Regularization*. `descend` keeps every
point of a run, which is right for looking at methods; a network takes thousands of steps over
thousands of parameters, so here the history is one line an epoch. The step is the same,

.. math::
    g = \frac{1}{|B|} \sum_{i \in B} w_i \nabla_\theta\, \ell\bigl(f_\theta(x_i), y_i\bigr)
        + \nabla \Omega(W), \qquad \theta \leftarrow \theta + \text{step}(g),

with the penalty on the weights :math:`W` alone. Everything lies in two flat vectors, ``theta`` and
its gradient, of which the layers hold views: a step of the optimizer is one operation on each,
however many layers there are.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from course_lib.batching import Batches
from course_lib.costs.base import Cost, weigh
from course_lib.descent import DivergenceWarning
from course_lib.networks import Network
from course_lib.optimizers import Optimizer, State
from course_lib.penalties import Penalty
from course_lib.validation import FloatArray


@dataclass(frozen=True)
class Epoch:
    """What a callback is told after an epoch.

    Attributes
    ----------
    number : int
        From 1.
    loss : float
        The mean cost of the epoch's batches, each before its step, and the penalty after the last.
    validation_score : float or None
        Higher is better; None without validation data.
    gradient_norm : float
        Of the last batch.
    theta : ndarray of shape (n_parameters,)
        The moving point itself: copy what is to be kept.
    """

    number: int
    loss: float
    validation_score: float | None
    gradient_norm: float
    theta: FloatArray


@dataclass
class History:
    """What happened in a training, with one entry an epoch.

    Attributes
    ----------
    loss, gradient_norm, seconds : list of float
        As in `Epoch`; the seconds since the beginning.
    validation_score : list of float
        Empty without validation data.
    stopped_by : str
        Why the training ended.
    converged : bool
        Whether it ended because nothing improved any more.
    ran_out : bool
        Whether it ended because the epochs were used up.
    """

    loss: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    validation_score: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped_by: str = ""
    converged: bool = False
    ran_out: bool = False


#: Called after every epoch; the training ends when it returns something true.
EpochCallback = Callable[[Epoch], object]


class Training:
    """A network, a point ``theta`` that moves, and the optimizer that moves it.

    Parameters
    ----------
    network, cost
        The model, and what compares its outputs with targets.
    theta
        Shape (n_parameters,). It is changed in place.
    optimizer
        A first-order one.
    penalty
        Of the weights; biases and gains are spared.
    state
        The optimizer's, to go on from; a fresh one if not given.

    Examples
    --------
    >>> from course_lib.batching import MiniBatches
    >>> from course_lib.costs import HalfSquaredError
    >>> from course_lib.networks import Dense
    >>> from course_lib.optimizers import Adam
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> network = Network(1, [Dense(16, "tanh"), Dense(1)])
    >>> theta = network.initial_parameters(seed=0)
    >>> training = Training(network, HalfSquaredError(), theta, Adam(0.05))
    >>> history = training.run(X, np.sin(3 * X), MiniBatches(64, 16, seed=0), max_epochs=200)
    >>> history.loss[-1] < 0.01
    True
    """

    def __init__(
        self,
        network: Network,
        cost: Cost,
        theta: FloatArray,
        optimizer: Optimizer,
        *,
        penalty: Penalty | None = None,
        state: State | None = None,
    ) -> None:
        self.network = network
        self.cost = cost
        self.theta = theta
        self.optimizer = optimizer
        self.penalty = penalty
        self.state = optimizer.init(theta) if state is None else state
        self.gradient = np.zeros_like(theta)
        # Views made once: they follow theta and the gradient through the whole training.
        self._parts = network.views(theta)
        self._gradient_parts = network.views(self.gradient)
        self._weights = theta[network.weights]
        self._weight_gradient = self.gradient[network.weights]

    def step(self, X: FloatArray, y: FloatArray, weight: FloatArray | None = None) -> float:
        """Take one step on a batch, and return the sum of its costs before the step.

        Nothing is checked: `X` has the dtype of ``theta``, and ``weight`` a mean of about 1.
        """
        layers = self.network.stack
        output, saved = layers.forward(self._parts, X, training=True)
        costs, slopes = self.cost.pointwise_and_derivative(output, y)
        if weight is not None:
            costs, slopes = weigh(costs, weight), weigh(slopes, weight)
        slopes *= 1.0 / len(X)
        layers.backward(self._parts, saved, slopes, self._gradient_parts, wants_input=False)
        if self.penalty is not None:
            self._weight_gradient += self.penalty.gradient(self._weights)
        self.optimizer.advance(self.theta, self.gradient, self.state)
        return float(costs.sum())

    def epoch(
        self,
        X: FloatArray,
        y: FloatArray,
        batches: Iterable[np.ndarray],
        weight: FloatArray | None = None,
    ) -> float:
        """Take a step for each of ``batches``, and return the loss: mean cost plus penalty."""
        total, seen = 0.0, 0.0
        for batch in batches:
            own = None if weight is None else weight.take(batch)
            total += self.step(X.take(batch, axis=0), y.take(batch, axis=0), own)
            seen += len(batch)
        return total / seen + self._penalty()

    def run(
        self,
        X: FloatArray,
        y: FloatArray,
        batches: Batches,
        *,
        max_epochs: int,
        weight: FloatArray | None = None,
        rng: np.random.Generator | None = None,
        validation_score: Callable[[], float] | None = None,
        patience: int | None = None,
        tolerance: float = 1e-4,
        callbacks: Sequence[EpochCallback] = (),
        history: History | None = None,
    ) -> History:
        """Train until something says stop.

        Parameters
        ----------
        X, y
            Of the dtype of ``theta``; shapes (n_samples, n_features) and as the cost takes it.
        batches
            Whence the batches of an epoch; ``rng`` draws their order.
        max_epochs
            The most epochs to take.
        weight
            Shape (n_samples,), with mean 1.
        rng
            Made from the seed of ``batches`` if not given.
        validation_score
            The score of the network as it stands, higher is better. With it, the best point is what
            is left at the end: early stopping.
        patience
            How many epochs in succession may pass without improvement of the score, or else of the
            loss; any number if None.
        tolerance
            What counts as improvement.
        callbacks
            Called after each epoch.
        history
            One to continue.

        Warns
        -----
        DivergenceWarning
            If the loss or a parameter is no longer finite. The point after the last sound epoch is
            restored.
        """
        rng = np.random.default_rng(batches.seed) if rng is None else rng
        history = History() if history is None else history
        history.converged = history.ran_out = False
        best, best_point, without = -np.inf, None, 0
        started = perf_counter() - (history.seconds[-1] if history.seconds else 0.0)
        for _ in range(max_epochs):
            sound = self._point()
            # Overflow on the way to a reported divergence is not news.
            with np.errstate(over="ignore", invalid="ignore"):
                loss = self.epoch(X, y, batches.one_epoch(rng), weight)
            if not (np.isfinite(loss) and np.isfinite(self.theta).all()):
                self._restore(sound)
                history.stopped_by = self._warn_of_divergence(history, loss)
                break
            history.loss.append(loss)
            history.gradient_norm.append(float(np.linalg.norm(self.gradient)))
            history.seconds.append(perf_counter() - started)
            score = None
            if validation_score is not None:
                score = validation_score()
                history.validation_score.append(score)
            report = Epoch(len(history.loss), loss, score, history.gradient_norm[-1], self.theta)
            # A list, so that each callback is told, also after one has asked for the end.
            if any([callback(report) for callback in callbacks]):  # noqa: C419
                history.stopped_by = "a callback asked for the end of the training"
                break
            rating = -loss if score is None else score
            without = without + 1 if rating < best + tolerance else 0
            if rating > best:
                best = rating
                best_point = None if score is None else self._point()
            if patience is not None and without > patience:
                history.converged = True
                name = "loss" if score is None else "validation score"
                history.stopped_by = (
                    f"the {name} did not improve by {tolerance:g} in {without} epochs"
                )
                break
        else:
            history.ran_out = True
            history.stopped_by = f"the {max_epochs} epochs were used up"
        if best_point is not None:
            self._restore(best_point)
        return history

    def _penalty(self) -> float:
        return 0.0 if self.penalty is None else self.penalty.value(self._weights)

    def _point(self) -> tuple[FloatArray, dict[str, FloatArray]]:
        return self.theta.copy(), self.network.copy_of_state()

    def _restore(self, point: tuple[FloatArray, dict[str, FloatArray]]) -> None:
        theta, state = point
        np.copyto(self.theta, theta)
        self.network.restore_state(state)

    def _warn_of_divergence(self, history: History, loss: float) -> str:
        message = f"the loss of epoch {len(history.loss) + 1} was {loss:g}"
        warnings.warn(
            f"the training diverged: {message}. Take a smaller step, clip the gradient, or bring "
            "the features to a common scale.",
            DivergenceWarning,
            stacklevel=3,
        )
        return message
