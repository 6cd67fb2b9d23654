"""Workloads of networks and of the tape, beside their peers.

Each workload is a function that prepares the data and returns what is to be timed: functions
without arguments, by contender. `TARGETS` says which ratio of ours to a peer's time is to be
reached.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np

from course_lib import tape
from course_lib.batching import MiniBatches
from course_lib.costs import SoftmaxCrossEntropy
from course_lib.multilayer import MultilayerClassifier
from course_lib.networks import Dense, Network
from course_lib.optimizers import Adam
from course_lib.training import Training

Contenders = dict[str, Callable[[], object]]
EPOCHS = 20


@cache
def digits(dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16.0).astype(dtype), y


def digits_network(batch_size: int) -> Contenders:
    """A network 64-100-50-10 on the digits, Adam, 20 epochs."""

    def ours(dtype: type) -> object:
        X, y = digits(dtype)
        # The loss is not to stop anyone: all take 20 epochs.
        net = MultilayerClassifier(
            (100, 50),
            batch_size=batch_size,
            max_iter=EPOCHS,
            n_iter_no_change=EPOCHS,
            random_state=0,
        )
        return _quietly(net.fit, X, y)

    def scikit_learn(dtype: type) -> object:
        from sklearn.neural_network import MLPClassifier

        X, y = digits(dtype)
        net = MLPClassifier(
            (100, 50),
            batch_size=batch_size,
            max_iter=EPOCHS,
            n_iter_no_change=EPOCHS,
            random_state=0,
        )
        return _quietly(net.fit, X, y)

    def pytorch() -> object:
        X, y = digits(np.float32)
        return _train_in_pytorch(X, y, (64, 100, 50, 10), batch_size, EPOCHS)

    return {
        "ours, float32": lambda: ours(np.float32),
        "ours, float64": lambda: ours(np.float64),
        "scikit-learn, float64": lambda: scikit_learn(np.float64),
        "scikit-learn, float32": lambda: scikit_learn(np.float32),
        "PyTorch eager, fused Adam, float32": pytorch,
    }


def large_network(n_samples: int = 20_000) -> Contenders:
    """A network 784-512-512-10, batches of 128, one epoch over random rows, float32."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, 784), dtype=np.float32)
    y = rng.integers(0, 10, n_samples)

    def ours() -> object:
        network = Network(784, [Dense(512, "relu"), Dense(512, "relu"), Dense(10)])
        theta = network.initial_parameters(0, np.float32)
        training = Training(network, SoftmaxCrossEntropy(), theta, Adam())
        return training.epoch(X, y, MiniBatches(n_samples, 128, seed=0))

    def pytorch() -> object:
        return _train_in_pytorch(X, y, (784, 512, 512, 10), 128, 1)

    def products() -> object:
        """The same number of operations, as products of square matrices: the machine's peak."""
        n = 1024
        left = X.ravel()[: n * n].reshape(n, n)
        right, out = left.copy(), np.empty_like(left)
        for _ in range(round(large_network_operations(n_samples) / (2 * n**3))):
            np.dot(left, right, out=out)
        return out

    return {
        "ours, float32": ours,
        "PyTorch eager, fused Adam, float32": pytorch,
        "matrix products of as many operations": products,
    }


def large_network_operations(n_samples: int) -> int:
    """Return the additions and multiplications in the matrix products of an epoch."""
    first, hidden, last = 784 * 512, 512 * 512, 512 * 10
    # Forward, gradient of the weights, gradient of the inputs (not of the first layer).
    return 2 * n_samples * (2 * first + 3 * hidden + 3 * last)


def tape_gradient(repeats: int = 50) -> Contenders:
    """Value and gradient of the digits network on one batch of 32 by automatic differentiation."""
    import autograd.numpy as anp
    import torch
    from autograd import value_and_grad
    from torch.nn import functional

    y, samples = digits()[1][:32], np.arange(32)
    cost = SoftmaxCrossEntropy()

    def start(dtype: type) -> tuple[np.ndarray, list[np.ndarray]]:
        network = Network(64, [Dense(100, "relu"), Dense(50, "relu"), Dense(10)])
        parts = network.views(network.initial_parameters(0, dtype))
        return digits(dtype)[0][:32], [layer[k] for layer in parts for k in ("weights", "bias")]

    def ours(dtype: type) -> Callable[[], object]:
        X, arrays = start(dtype)

        def loss(W1, b1, W2, b2, W3, b3):
            hidden = tape.relu(tape.relu(X @ W1 + b1) @ W2 + b2)
            return tape.mean_cost(cost, hidden @ W3 + b3, y)

        return lambda: tape.value_and_gradients(loss, *arrays)

    def layers(dtype: type) -> Callable[[], object]:
        X, _ = start(dtype)
        network = Network(64, [Dense(100, "relu"), Dense(50, "relu"), Dense(10)])
        theta = network.initial_parameters(0, dtype)
        gradient = np.empty_like(theta)

        def step():
            output, saved = network.forward(theta, X)
            network.backward(theta, saved, cost.derivative(output, y) / 32, gradient)

        return step

    def pytorch(dtype: type) -> Callable[[], object]:
        X, arrays = start(dtype)
        inputs, targets = torch.tensor(X), torch.tensor(y)
        W1, b1, W2, b2, W3, b3 = tensors = [torch.tensor(a, requires_grad=True) for a in arrays]

        def step():
            for tensor in tensors:
                tensor.grad = None
            hidden = torch.relu(torch.addmm(b1, inputs, W1))
            hidden = torch.relu(torch.addmm(b2, hidden, W2))
            loss = functional.cross_entropy(torch.addmm(b3, hidden, W3), targets)
            loss.backward()
            return loss.item()

        return step

    def hips_autograd(dtype: type) -> Callable[[], object]:
        X, arrays = start(dtype)

        def loss(parameters):
            W1, b1, W2, b2, W3, b3 = parameters
            hidden = anp.maximum(anp.dot(X, W1) + b1, 0)
            hidden = anp.maximum(anp.dot(hidden, W2) + b2, 0)
            scores = anp.dot(hidden, W3) + b3
            scores = scores - anp.max(scores, axis=1, keepdims=True)
            log_total = anp.log(anp.sum(anp.exp(scores), axis=1))
            return anp.mean(log_total - scores[samples, y])

        gradient = value_and_grad(loss)
        return lambda: gradient(arrays)

    return {
        "ours, float32": _many(ours(np.float32), repeats),
        "ours, float64": _many(ours(np.float64), repeats),
        "ours, layers, float32": _many(layers(np.float32), repeats),
        "PyTorch eager, float32": _many(pytorch(np.float32), repeats),
        "PyTorch eager, float64": _many(pytorch(np.float64), repeats),
        "HIPS autograd, float64": _many(hips_autograd(np.float64), repeats),
    }


WORKLOADS: dict[str, Callable[[], Contenders]] = {
    "network on digits, batch 32": lambda: digits_network(32),
    "network on digits, batch 200": lambda: digits_network(200),
    "network 784-512-512-10, batch 128": large_network,
    "tape, value and gradient": tape_gradient,
}

#: (workload, ours, peer): the largest ratio of the times that will do.
TARGETS: dict[tuple[str, str, str], float] = {
    ("network on digits, batch 32", "ours, float32", "scikit-learn, float64"): 0.33,
    ("network on digits, batch 32", "ours, float64", "scikit-learn, float64"): 0.50,
    ("network on digits, batch 32", "ours, float32", "PyTorch eager, fused Adam, float32"): 0.30,
    ("network on digits, batch 200", "ours, float32", "scikit-learn, float64"): 0.40,
    ("network on digits, batch 200", "ours, float64", "scikit-learn, float64"): 0.65,
    (
        "network 784-512-512-10, batch 128",
        "ours, float32",
        "PyTorch eager, fused Adam, float32",
    ): 1.15,
    # At least 55 % of the peak.
    (
        "network 784-512-512-10, batch 128",
        "ours, float32",
        "matrix products of as many operations",
    ): 1 / 0.55,
    ("tape, value and gradient", "ours, float32", "PyTorch eager, float32"): 0.7,
    ("tape, value and gradient", "ours, float64", "PyTorch eager, float64"): 0.7,
    ("tape, value and gradient", "ours, float64", "HIPS autograd, float64"): 0.25,
}


def _many(function: Callable[[], object], repeats: int) -> Callable[[], object]:
    def run() -> None:
        for _ in range(repeats):
            function()

    return run


def _quietly(function: Callable[..., object], *arguments: object) -> object:
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return function(*arguments)


def _train_in_pytorch(
    X: np.ndarray, y: np.ndarray, sizes: tuple[int, ...], batch_size: int, epochs: int
) -> float:
    import torch

    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    cost = torch.nn.CrossEntropyLoss()
    inputs, targets = torch.from_numpy(X), torch.from_numpy(y)
    total = 0.0
    for _ in range(epochs):
        for batch in torch.randperm(len(X)).split(batch_size):
            optimizer.zero_grad()
            loss = cost(network(inputs[batch]), targets[batch])
            loss.backward()
            optimizer.step()
            total += loss.item()
    return total
