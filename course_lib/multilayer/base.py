"""What the multi-layer classifier and the multi-layer regressor share."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from course_lib.activations import Activation
from course_lib.batching import MiniBatches
from course_lib.costs.base import Cost
from course_lib.estimator import new_data, progress_bar, random_generator
from course_lib.networks import BatchNorm, Dense, Dropout, Layer, LayerNorm, Network, Nonlinearity
from course_lib.optimizers import (
    OPTIMIZERS,
    FirstOrder,
    Optimizer,
    chain,
    clip_by_norm,
    named_optimizer,
)
from course_lib.penalties import L1, L2, ElasticNet, Penalty
from course_lib.schedules import Schedule
from course_lib.training import Epoch, EpochCallback, History, Training
from course_lib.validation import FloatArray, check_choice, check_integer, check_real

#: The optimizers that need nothing but the gradient of a batch.
FIRST_ORDER = [
    name
    for name, kind in OPTIMIZERS.items()
    if isinstance(kind, type) and issubclass(kind, FirstOrder)
]


@dataclass(eq=False, repr=False)
class Multilayer(BaseEstimator):
    """A multi-layer network as a scikit-learn estimator.

    A dataclass, for scikit-learn wants the constructor to store its arguments and do nothing else.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int
        The numbers of hidden units, layer by layer.
    activation : str or Activation
        Of the hidden units.
    normalization : "batch", "layer" or None
        Normalise the weighted sums of each hidden layer.
    dropout : float
        The probability of dropping a hidden unit in training.
    initializer : str or callable, optional
        Of the weights; what suits the activation if not given.
    layers : sequence of Layer, optional
        Hidden layers of your own making, in place of the ones that the five parameters above
        describe.
    optimizer : str or Optimizer
        The name of a first-order optimizer, or one made ready.
    step_size : float or schedule, optional
        Of an optimizer given by name; its own default if not given.
    batch_size : int or "auto"
        Samples to a step; "auto" is 200, or all if they are fewer.
    max_iter : int
        The most epochs.
    l1, l2 : float
        Strengths of the penalties on the weights, ``l1 * sum(|w|) + l2 / 2 * sum(w ** 2)``; biases
        and gains are not penalised.
    max_gradient_norm : float, optional
        Shorten the gradient of a batch where it is longer.
    early_stopping : bool
        Whether to keep a part of the data aside, to stop when the score on it no longer improves,
        and to return to where it was best.
    validation_fraction : float
        The size of that part.
    n_iter_no_change : int
        How many epochs in succession may bring no improvement of the loss, or of the score with
        early stopping, before the training ends.
    tol : float
        What counts as improvement.
    warm_start : bool
        Whether `fit` goes on from the parameters of the last one.
    callbacks : sequence of callable, optional
        Each is given an `Epoch` after every epoch; something true ends the training.
    progress : bool
        Whether to show a progress bar; needs tqdm.
    random_state : int, numpy Generator or None
        Decides the weights at the start, the order of the samples, dropout, and the part kept
        aside.

    Attributes
    ----------
    network_ : Network
    theta_ : ndarray of shape (n_parameters,)
        All parameters. ``network_.layout.views(theta_)`` names them.
    history_ : History
        Loss, gradient norm and validation score, epoch by epoch, and why the training ended.
    loss_curve_ : list of float
    loss_ : float
        The last of them.
    n_iter_ : int
        Epochs.
    n_features_in_ : int
    """

    hidden_layer_sizes: Sequence[int] = (100,)
    activation: str | Activation = "relu"
    _: KW_ONLY
    normalization: str | None = None
    dropout: float = 0.0
    initializer: str | Callable[..., FloatArray] | None = None
    layers: Sequence[Layer] | None = None
    optimizer: str | Optimizer = "adam"
    step_size: float | Schedule | None = None
    batch_size: int | str = "auto"
    max_iter: int = 200
    l1: float = 0.0
    l2: float = 1e-4
    max_gradient_norm: float | None = None
    early_stopping: bool = False
    validation_fraction: float = 0.1
    n_iter_no_change: int = 10
    tol: float = 1e-4
    warm_start: bool = False
    callbacks: Sequence[EpochCallback] | None = None
    progress: bool = False
    random_state: int | np.random.Generator | None = None

    @property
    def loss_curve_(self) -> list[float]:
        """Return the loss after every epoch."""
        check_is_fitted(self)
        return self.history_.loss

    @property
    def loss_(self) -> float:
        """Return the last loss; NaN where not one epoch went well."""
        return self.loss_curve_[-1] if self.loss_curve_ else float("nan")

    @property
    def n_iter_(self) -> int:
        """Return the number of epochs."""
        return len(self.loss_curve_)

    @abstractmethod
    def _cost(self) -> Cost:
        """Return what is minimised."""

    @abstractmethod
    def _score(self, output: FloatArray, y: NDArray[Any], weight: FloatArray | None) -> float:
        """Return the score of the outputs, for early stopping; higher is better."""

    def _outputs(self, X: ArrayLike) -> FloatArray:
        data = new_data(self, X)
        return self.network_.predict(self.theta_, data)

    def _start(self, n_outputs: int, dtype: np.dtype) -> None:
        """Make the network, and ``theta_`` before the first step."""
        self.rng_ = random_generator(self.random_state)
        layers = [*self._hidden_layers(), Dense(n_outputs)]
        self.network_ = Network(self.n_features_in_, layers, seed=self.rng_)
        self.theta_ = self.network_.initial_parameters(self.rng_, dtype)
        self.history_ = History()
        self.optimizer_state_ = None

    def _hidden_layers(self) -> list[Layer]:
        if self.layers is not None:
            return list(self.layers)
        sizes = self.hidden_layer_sizes
        sizes = [sizes] if np.ndim(sizes) == 0 else list(sizes)
        rate = check_real("dropout", self.dropout, at_least=0, below=1)
        layers: list[Layer] = []
        for k, size in enumerate(sizes):
            check_integer(f"hidden_layer_sizes[{k}]", size, at_least=1)
            if self.normalization is None:
                layers.append(Dense(size, self.activation, initializer=self.initializer))
            else:
                check_choice("normalization", self.normalization, ["batch", "layer"])
                normalize = BatchNorm() if self.normalization == "batch" else LayerNorm()
                activate = Nonlinearity(self.activation)
                start = self.initializer or Dense(size, activate.activation).initializer
                layers += [Dense(size, bias=False, initializer=start), normalize, activate]
            if rate:
                layers.append(Dropout(rate))
        return layers

    def _optimizer(self) -> Optimizer:
        if isinstance(self.optimizer, Optimizer):
            optimizer = self.optimizer
        else:
            settings = {} if self.step_size is None else {"step_size": self.step_size}
            name = check_choice("optimizer", self.optimizer, FIRST_ORDER)
            optimizer = named_optimizer(name, **settings)
        if self.max_gradient_norm is None:
            return optimizer
        return chain(clip_by_norm(self.max_gradient_norm), optimizer)

    def _penalty(self) -> Penalty | None:
        l1, l2 = check_real("l1", self.l1, at_least=0), check_real("l2", self.l2, at_least=0)
        if l1 and l2:
            return ElasticNet(l1 + l2, l1_ratio=l1 / (l1 + l2))
        return L1(l1) if l1 else L2(l2) if l2 else None

    def _train(
        self,
        X: FloatArray,
        y: NDArray[Any],
        weight: FloatArray | None,
        epochs: int,
        *,
        one_pass: bool = False,
    ) -> Self:
        """Train for at most so many epochs, or for exactly one pass over the data."""
        training = Training(
            self.network_,
            self._cost(),
            self.theta_,
            self._optimizer(),
            penalty=self._penalty(),
            state=self.optimizer_state_,
        )
        rules: dict[str, Any] = {}
        if not one_pass:
            rules["patience"] = check_integer("n_iter_no_change", self.n_iter_no_change, at_least=1)
            rules["tolerance"] = check_real("tol", self.tol, at_least=0)
            if self.early_stopping:
                X, y, weight, rules["validation_score"] = self._keep_aside(X, y, weight)
        if weight is not None:
            weight = weight / weight.mean()
        with progress_bar(self.progress and not one_pass, epochs) as advance:

            def move(epoch: Epoch) -> None:
                advance(loss=f"{epoch.loss:.4g}")

            training.run(
                X,
                y,
                self._batches(len(X)),
                max_epochs=epochs,
                weight=weight,
                rng=self.rng_,
                callbacks=[*(self.callbacks or ()), move],
                history=self.history_,
                **rules,
            )
        self.optimizer_state_ = training.state
        return self

    def _warn_if_not_converged(self) -> None:
        if self.history_.ran_out:
            warnings.warn(
                f"{type(self).__name__} stopped after max_iter = {self.max_iter} epochs, and the "
                "loss was still falling: more epochs or a larger step_size may fit better",
                ConvergenceWarning,
                stacklevel=3,
            )

    def _batches(self, n_samples: int) -> MiniBatches:
        size = self.batch_size
        if isinstance(size, str):
            check_choice("batch_size", size, ["auto"])
            size = 200
        size = min(check_integer("batch_size", size, at_least=1), n_samples)
        # A batch of one has no variance to normalise by; other samples are left out each epoch.
        lonely = n_samples % size == 1 and size > 1
        has_batch_norm = any(name.endswith("running_mean") for name in self.network_.state)
        return MiniBatches(n_samples, size, seed=0, drop_last=lonely and has_batch_norm)

    def _keep_aside(
        self, X: FloatArray, y: NDArray[Any], weight: FloatArray | None
    ) -> tuple[FloatArray, NDArray[Any], FloatArray | None, Callable[[], float]]:
        from sklearn.model_selection import train_test_split

        fraction = check_real("validation_fraction", self.validation_fraction, above=0, below=1)
        train, aside = train_test_split(
            np.arange(len(X)),
            test_size=fraction,
            random_state=int(self.rng_.integers(2**31)),
            stratify=y if is_classifier(self) else None,
        )
        X_aside, y_aside = X[aside], y[aside]
        weight_aside = None if weight is None else weight[aside]

        def score() -> float:
            output = self.network_.predict(self.theta_, X_aside)
            return self._score(output, y_aside, weight_aside)

        return X[train], y[train], None if weight is None else weight[train], score
