"""What several workloads need of the peers: PyTorch on one thread, fits without warnings."""

from __future__ import annotations

import warnings
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np


def pytorch() -> ModuleType:
    """Return PyTorch, on one thread."""
    import torch

    torch.set_num_threads(1)
    return torch


def fit_quietly(model: Any, X: np.ndarray, y: np.ndarray) -> Any:
    """Fit without a word about the epochs, which are few on purpose."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


class TorchNetwork:
    """A ReLU network in PyTorch, trained as its tutorials do, with the fastest of its Adams."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        torch = self.torch = pytorch()
        torch.manual_seed(0)
        layers: list[Any] = []
        for n_in, n_out in pairwise(sizes):
            layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
        self.network = torch.nn.Sequential(*layers[:-1])
        self.cost = torch.nn.CrossEntropyLoss()

    def fit(self, X: np.ndarray, y: np.ndarray, batch_size: int, epochs: int) -> TorchNetwork:
        torch = self.torch
        optimizer = torch.optim.Adam(self.network.parameters(), fused=True)
        inputs, targets = torch.from_numpy(X), torch.from_numpy(y)
        self.loss = 0.0
        for _ in range(epochs):
            for batch in torch.randperm(len(X)).split(batch_size):
                optimizer.zero_grad()
                loss = self.cost(self.network(inputs[batch]), targets[batch])
                loss.backward()
                optimizer.step()
                self.loss += loss.item()
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        with self.torch.no_grad():
            scores = self.network(self.torch.from_numpy(X))
            return self.torch.softmax(scores, dim=1).numpy()
