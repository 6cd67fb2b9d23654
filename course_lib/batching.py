r"""Batches: which samples the next gradient is made from.

Chapter: *Variants of gradient descent*. The step is always the same,

.. math:: \theta \leftarrow \theta - \frac{\alpha}{|B|} \sum_{i \in B} \nabla \ell_i(\theta),

and has many names, which say how the batch :math:`B` is chosen.

============= ======================== ================================ ============================
called        here                     the next batch                   an epoch of n samples
============= ======================== ================================ ============================
batch         `FullBatch`              all samples                      1 step
stochastic    `SingleRandom`           one, drawn with replacement      n steps; 1/e of them unseen
reshuffling   ``replace=False``        one, from a new random order     n steps; each seen once
mini-batch    `MiniBatches`            the next B of a new order        ⌈n / B⌉ steps
incremental   `Incremental`            the next one of a fixed order    n steps
online        `OnlineStream`           whoever comes next               n steps, and no second epoch
============= ======================== ================================ ============================

Each is an iterable of index arrays, made for ``descend(..., batches=...)``.

**Iterating again.** ``iter(batches)`` begins with the first epoch. With a whole number as seed the
same batches come again, however often; with a numpy Generator new ones come, from wherever the
generator stands. A stream can be iterated once.

>>> [batch.tolist() for batch in MiniBatches(5, batch_size=2, seed=0)]
[[2, 4], [3, 0], [1]]
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.activations import sigmoid
from course_lib.validation import FloatArray, check_array, check_integer, check_real

Batch = NDArray[np.integer]
Seed = int | np.random.Generator


class Batches(ABC):
    """Epochs of batches over ``n_samples`` samples.

    Parameters
    ----------
    n_samples
        How many samples there are to choose from.
    batch_size
        How many make a batch. The last batch of an epoch may be smaller.
    epochs
        How often to go through the samples; None means for ever.
    seed
        A whole number or a numpy Generator, where something is random.
    drop_last
        Whether to leave out the last batch of an epoch where it is smaller.
    """

    def __init__(
        self,
        n_samples: int,
        batch_size: int,
        epochs: int | None = 1,
        seed: Seed = 0,
        drop_last: bool = False,
    ) -> None:
        self.n_samples = check_integer("n_samples", n_samples, at_least=1)
        self.batch_size = check_integer("batch_size", batch_size, at_least=1)
        self.epochs = None if epochs is None else check_integer("epochs", epochs, at_least=1)
        self.seed = seed
        self.drop_last = bool(drop_last)
        if self.drop_last and self.batch_size > self.n_samples:
            raise ValueError(
                f"batch_size must be at most n_samples = {self.n_samples} where a smaller batch is "
                f"dropped, got {batch_size}: no batch would be left"
            )

    @property
    def batches_per_epoch(self) -> int:
        """Return the number of steps in an epoch."""
        whole, rest = divmod(self.n_samples, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def one_epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield the batches of one epoch, in an order drawn from ``rng``.

        They are views of that order: do not write into them.
        """
        order = self._order(rng)
        for k in range(self.batches_per_epoch):
            yield order[k * self.batch_size : (k + 1) * self.batch_size]

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng(self.seed)
        for _ in repeat(None) if self.epochs is None else range(self.epochs):
            yield from self.one_epoch(rng)

    def __len__(self) -> int:
        if self.epochs is None:
            raise TypeError("batches for ever (epochs=None) have no length")
        return self.epochs * self.batches_per_epoch

    @abstractmethod
    def _order(self, rng: np.random.Generator) -> Batch:
        """Return the samples of an epoch in the order in which they are used."""

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.n_samples} samples, batch_size={self.batch_size}, "
            f"epochs={self.epochs})"
        )


class FullBatch(Batches):
    """All samples, every time: batch gradient descent.

    ``descend`` without batches does the same and spares the copy of the data that an index array
    asks for; this one is for counting epochs alongside the others.

    Parameters
    ----------
    n_samples, epochs
        As for `Batches`.
    """

    def __init__(self, n_samples: int, *, epochs: int | None = 1) -> None:
        super().__init__(n_samples, n_samples, epochs)

    def _order(self, rng: np.random.Generator) -> Batch:
        return np.arange(self.n_samples)


class MiniBatches(Batches):
    r"""A few samples at a time, in a new random order each epoch.

    Parameters
    ----------
    n_samples, batch_size, epochs, seed
        As for `Batches`.
    drop_last
        Whether to leave out the last batch of an epoch where it is smaller than the others. Then up
        to ``batch_size - 1`` samples, other ones each time, go unseen in an epoch.
    replace
        Whether to draw every sample from all of them instead of going through an order.

    Notes
    -----
    The gradient of a batch is an unbiased estimate of the full one. With :math:`\Sigma` the
    covariance of the gradients of single samples, its own is :math:`\Sigma / B` with replacement
    and :math:`\frac{\Sigma}{B} \frac{n - B}{n - 1}` without [1]_.

    References
    ----------
    .. [1] W. G. Cochran, Sampling Techniques, 3rd ed., Wiley, 1977, sections 2.5 and 2.6.
    """

    def __init__(
        self,
        n_samples: int,
        batch_size: int,
        *,
        seed: Seed,
        epochs: int | None = 1,
        drop_last: bool = False,
        replace: bool = False,
    ) -> None:
        super().__init__(n_samples, batch_size, epochs, seed, drop_last)
        self.replace = bool(replace)

    def _order(self, rng: np.random.Generator) -> Batch:
        if self.replace:
            return rng.integers(self.n_samples, size=self.n_samples)
        return rng.permutation(self.n_samples)


class SingleRandom(MiniBatches):
    """One random sample at a time: stochastic gradient descent in the narrow sense [1]_.

    Parameters
    ----------
    n_samples, epochs, seed
        As for `Batches`.
    replace
        True draws independently: each step's gradient is unbiased whatever came before. False goes
        through a new random order each epoch, as most programs do; that usually converges faster
        [2]_.

    References
    ----------
    .. [1] H. Robbins and S. Monro, "A stochastic approximation method", Annals of Mathematical
       Statistics 22 (1951), pp. 400-407.
    .. [2] K. Mishchenko, A. Khaled and P. Richtárik, "Random reshuffling: simple analysis with vast
       improvements", NeurIPS 2020.
    """

    def __init__(
        self, n_samples: int, *, seed: Seed, epochs: int | None = 1, replace: bool = True
    ) -> None:
        super().__init__(n_samples, 1, seed=seed, epochs=epochs, replace=replace)


class Incremental(Batches):
    """One sample at a time in the same order every epoch [1]_. Nothing is random.

    Every step changes all parameters, by the gradient of one term of the sum. (Changing one
    parameter at a time is coordinate descent, another method.) With a constant step size the run
    ends in a cycle near the minimum, and the order decides in which.

    Parameters
    ----------
    n_samples, epochs
        As for `Batches`.
    order
        The sample numbers in the order of their use; 0, 1, 2, ... if not given.

    References
    ----------
    .. [1] D. P. Bertsekas, "Incremental gradient, subgradient, and proximal methods for convex
       optimization: a survey", in Optimization for Machine Learning, MIT Press, 2011.
    """

    def __init__(
        self, n_samples: int, *, order: ArrayLike | None = None, epochs: int | None = 1
    ) -> None:
        super().__init__(n_samples, 1, epochs)
        every = np.arange(self.n_samples)
        given = every if order is None else check_array("order", order, shape=(self.n_samples,))
        if not np.array_equal(np.sort(given), every):
            raise ValueError(
                f"order must hold each sample number from 0 to {self.n_samples - 1} once, got "
                f"{order!r}"
            )
        self.order = given.astype(np.intp)

    def _order(self, rng: np.random.Generator) -> Batch:
        return self.order


class OnlineStream(Batches):
    """Samples as they arrive, each used once and not kept [1]_.

    Parameters
    ----------
    n_samples
        How many will arrive.
    batch_size
        How many to wait for before each step.

    References
    ----------
    .. [1] M. Zinkevich, "Online convex programming and generalized infinitesimal gradient ascent",
       ICML 2003, pp. 928-935.
    """

    def __init__(self, n_samples: int, *, batch_size: int = 1) -> None:
        super().__init__(n_samples, batch_size)
        self.has_been_seen = False

    def __iter__(self) -> Iterator[Batch]:
        if self.has_been_seen:
            raise RuntimeError(
                "a stream is seen once, and this one has been: make a new OnlineStream, or take "
                "Incremental, which uses the same samples again"
            )
        self.has_been_seen = True
        return super().__iter__()

    def _order(self, rng: np.random.Generator) -> Batch:
        return np.arange(self.n_samples)


class ClickLog(NamedTuple):
    """Impressions of an advertisement, in the order in which they happened.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
        What is known of each impression.
    y : ndarray of shape (n_samples,)
        1 where it was clicked, else 0.
    probability : ndarray of shape (n_samples,)
        The true probability of the click.
    weights : ndarray of shape (n_samples, n_features)
        What each feature was worth at that moment: the target that moves.
    """

    X: FloatArray
    y: FloatArray
    probability: FloatArray
    weights: FloatArray


def drifting_clicks(
    n_samples: int,
    *,
    n_features: int = 5,
    turn: float = 1.0,
    taste: float = 3.0,
    bias: float = -1.0,
    seed: Seed,
) -> ClickLog:
    r"""Return clicks of an audience whose taste changes while it is being learned.

    The probability of a click is :math:`\sigma(w_t^\top x_t + b)`. The weights keep their length
    and turn at a constant rate in a random plane, so a model fitted to the beginning comes to know
    less and less, and one that learns online follows. (Search advertising is the classic case
    [1]_.)

    Parameters
    ----------
    n_samples
        Impressions to draw.
    n_features
        At least 2. The features are independent standard normal numbers.
    turn
        How far the weights turn from the first impression to the last, in full turns; 0 for an
        audience that knows what it wants.
    taste
        The length of the weights.
    bias
        The log-odds of a click where all features are zero.
    seed
        A whole number or a numpy Generator.

    References
    ----------
    .. [1] H. B. McMahan et al., "Ad click prediction: a view from the trenches", KDD 2013.
    """
    n_samples = check_integer("n_samples", n_samples, at_least=1)
    n_features = check_integer("n_features", n_features, at_least=2)
    turn, taste = check_real("turn", turn), check_real("taste", taste, at_least=0)
    rng = np.random.default_rng(seed)
    plane, _ = np.linalg.qr(rng.standard_normal((n_features, 2)))
    angle = 2.0 * np.pi * turn * np.arange(n_samples) / n_samples
    weights = taste * np.column_stack([np.cos(angle), np.sin(angle)]) @ plane.T
    X = rng.standard_normal((n_samples, n_features))
    probability = sigmoid((weights * X).sum(axis=1) + check_real("bias", bias))
    y = (rng.random(n_samples) < probability).astype(np.float64)
    return ClickLog(X, y, probability, weights)
