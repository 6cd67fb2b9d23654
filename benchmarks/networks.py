"""Training networks, and gradients on the tape."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks.peers import TorchNetwork, fit_quietly, pytorch
from benchmarks.workload import Contender, Run, Target, Workload
from course_lib import tape
from course_lib.batching import MiniBatches
from course_lib.costs import SoftmaxCrossEntropy
from course_lib.multilayer import MultilayerClassifier
from course_lib.networks import Dense, Network
from course_lib.optimizers import Adam
from course_lib.training import Training

SINGLE, DOUBLE = np.float32, np.float64
TORCH_TRAINING = "PyTorch eager, fused Adam, float32"


class Samples(NamedTuple):
    """Samples with their classes, in double precision, and how many epochs to go over them."""

    X: np.ndarray
    y: np.ndarray
    epochs: int


def digits(tiny: bool) -> Samples:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Samples(X[:300] / 16.0, y[:300], 1) if tiny else Samples(X / 16.0, y, 20)


def mean_log_loss(data: Samples, model: Any) -> float:
    """Return the loss on the training data at the end."""
    probability = model.predict_proba(data.X.astype(SINGLE))[np.arange(len(data.y)), data.y]
    return float(-np.log(np.maximum(probability, 1e-30)).mean())


def digits_network(batch_size: int, targets: tuple[Target, ...]) -> Workload:
    """A network 64-100-50-10 on the digits."""

    def estimator(make: Callable[[], type], dtype: type) -> Contender:
        def prepare(data: Samples) -> Run:
            X, kind = data.X.astype(dtype), make()

            def run() -> object:
                # The loss is not to stop anyone: all take every epoch.
                model = kind(
                    (100, 50),
                    batch_size=batch_size,
                    max_iter=data.epochs,
                    n_iter_no_change=data.epochs,
                    random_state=0,
                )
                return fit_quietly(model, X, data.y)

            return run

        return prepare

    def scikit_learn() -> type:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier

    def torch_network(data: Samples) -> Run:
        X = data.X.astype(SINGLE)
        return lambda: TorchNetwork((64, 100, 50, 10)).fit(X, data.y, batch_size, data.epochs)

    return Workload(
        f"network 64-100-50-10, digits, Adam, batch {batch_size}, 20 epochs",
        digits,
        {
            "ours, float32": estimator(lambda: MultilayerClassifier, SINGLE),
            "ours, float64": estimator(lambda: MultilayerClassifier, DOUBLE),
            "scikit-learn MLPClassifier, float64": estimator(scikit_learn, DOUBLE),
            "scikit-learn MLPClassifier, float32": estimator(scikit_learn, SINGLE),
            TORCH_TRAINING: torch_network,
        },
        targets,
        reached=("log loss on the training data", mean_log_loss),
    )


LARGE = (784, 512, 512, 10)


def random_rows(tiny: bool) -> Samples:
    rng, n = np.random.default_rng(0), 300 if tiny else 20_000
    return Samples(rng.standard_normal((n, LARGE[0]), dtype=SINGLE), rng.integers(0, 10, n), 1)


def products_of_an_epoch(n_samples: int) -> int:
    """Return the additions and multiplications in the matrix products of an epoch."""
    first, hidden, last = 784 * 512, 512 * 512, 512 * 10
    # Forward, gradient of the weights, gradient of the inputs (not of the first layer).
    return 2 * n_samples * (2 * first + 3 * hidden + 3 * last)


class _Trained(NamedTuple):
    """What an epoch left: its mean loss."""

    loss: float


def large_network(data: Samples) -> Run:
    def run() -> object:
        network = Network(LARGE[0], [Dense(512, "relu"), Dense(512, "relu"), Dense(10)])
        theta = network.initial_parameters(0, SINGLE)
        training = Training(network, SoftmaxCrossEntropy(), theta, Adam())
        return _Trained(training.epoch(data.X, data.y, MiniBatches(len(data.X), 128, seed=0)))

    return run


def large_torch_network(data: Samples) -> Run:
    def run() -> object:
        trained = TorchNetwork(LARGE).fit(data.X, data.y, 128, 1)
        return _Trained(trained.loss / -(-len(data.X) // 128))

    return run


def large_products(data: Samples) -> Run:
    """As many operations in products of large square matrices: the peak of the machine."""
    n = 1024 if len(data.X) > 2000 else 128
    left = np.resize(data.X, (n, n))
    right, out = left.copy(), np.empty_like(left)

    def run() -> object:
        for _ in range(round(products_of_an_epoch(len(data.X)) / (2 * n**3))):
            np.dot(left, right, out=out)
        return _Trained(np.nan)

    return run


def one_batch(tiny: bool) -> Samples:
    data = digits(tiny)
    return Samples(data.X[:32], data.y[:32], 1)


def _network() -> Network:
    return Network(64, [Dense(100, "relu"), Dense(50, "relu"), Dense(10)])


def _parameters(dtype: type) -> list[np.ndarray]:
    network = _network()
    parts = network.views(network.initial_parameters(0, dtype))
    return [layer[name] for layer in parts for name in ("weights", "bias")]


def tape_gradient(dtype: type, data: Samples) -> Run:
    X, y, arrays, cost = data.X.astype(dtype), data.y, _parameters(dtype), SoftmaxCrossEntropy()

    def loss(W1, b1, W2, b2, W3, b3):
        hidden = tape.relu(tape.relu(X @ W1 + b1) @ W2 + b2)
        return tape.mean_cost(cost, hidden @ W3 + b3, y)

    return lambda: tape.value_and_gradients(loss, *arrays)


def layers_gradient(dtype: type, data: Samples) -> Run:
    X, network, cost = data.X.astype(dtype), _network(), SoftmaxCrossEntropy()
    theta = network.initial_parameters(0, dtype)
    gradient = np.empty_like(theta)
    parts = [layer[name] for layer in network.views(gradient) for name in ("weights", "bias")]

    def run() -> object:
        output, saved = network.forward(theta, X)
        costs, slopes = cost.pointwise_and_derivative(output, data.y)
        network.backward(theta, saved, slopes / len(X), gradient)
        return costs.mean(), parts

    return run


def torch_gradient(dtype: type, data: Samples) -> Run:
    torch = pytorch()
    inputs, targets = torch.tensor(data.X.astype(dtype)), torch.tensor(data.y)
    tensors = [torch.tensor(array, requires_grad=True) for array in _parameters(dtype)]
    W1, b1, W2, b2, W3, b3 = tensors

    def run() -> object:
        for tensor in tensors:
            tensor.grad = None
        hidden = torch.relu(torch.addmm(b1, inputs, W1))
        hidden = torch.relu(torch.addmm(b2, hidden, W2))
        loss = torch.nn.functional.cross_entropy(torch.addmm(b3, hidden, W3), targets)
        loss.backward()
        return loss.item(), [tensor.grad for tensor in tensors]

    return run


def hips_gradient(dtype: type, data: Samples) -> Run:
    import autograd.numpy as anp
    from autograd import value_and_grad

    X, arrays, rows = data.X.astype(dtype), _parameters(dtype), np.arange(len(data.X))

    def loss(parameters):
        W1, b1, W2, b2, W3, b3 = parameters
        hidden = anp.maximum(anp.dot(X, W1) + b1, 0)
        hidden = anp.maximum(anp.dot(hidden, W2) + b2, 0)
        scores = anp.dot(hidden, W3) + b3
        scores = scores - anp.max(scores, axis=1, keepdims=True)
        log_total = anp.log(anp.sum(anp.exp(scores), axis=1))
        return anp.mean(log_total - scores[rows, data.y])

    gradient = value_and_grad(loss)
    return lambda: gradient(arrays)


SCIKIT_LEARN = "scikit-learn MLPClassifier, float64"

WORKLOADS = {
    "digits-32": digits_network(
        32,
        (
            Target("ours, float32", SCIKIT_LEARN, 0.33),
            Target("ours, float64", SCIKIT_LEARN, 0.50),
            Target("ours, float32", TORCH_TRAINING, 0.30),
        ),
    ),
    "digits-200": digits_network(
        200,
        (
            Target("ours, float32", SCIKIT_LEARN, 0.40),
            Target("ours, float64", SCIKIT_LEARN, 0.65),
        ),
    ),
    "large-network": Workload(
        "network 784-512-512-10, Adam, batch 128, 20 000 rows, one epoch",
        random_rows,
        {
            "ours, float32": large_network,
            TORCH_TRAINING: large_torch_network,
            "matrix products of as many operations": large_products,
        },
        (
            Target("ours, float32", TORCH_TRAINING, 1.15),
            Target(
                "ours, float32", "matrix products of as many operations", 1 / 0.55, as_share=True
            ),
        ),
        reached=("mean log loss of the epoch", lambda data, trained: trained.loss),
    ),
    "tape": Workload(
        "value and gradient of the digits network on one batch of 32",
        one_batch,
        {
            "ours, tape, float32": partial(tape_gradient, SINGLE),
            "ours, tape, float64": partial(tape_gradient, DOUBLE),
            "ours, layers, float32": partial(layers_gradient, SINGLE),
            "PyTorch eager, float32": partial(torch_gradient, SINGLE),
            "PyTorch eager, float64": partial(torch_gradient, DOUBLE),
            "HIPS autograd, float64": partial(hips_gradient, DOUBLE),
        },
        (
            Target("ours, tape, float32", "PyTorch eager, float32", 0.7),
            Target("ours, tape, float64", "PyTorch eager, float64", 0.7),
            Target("ours, tape, float64", "HIPS autograd, float64", 0.25),
        ),
        reached=("value", lambda data, result: float(result[0])),
    ),
}
