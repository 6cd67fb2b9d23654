"""Networks: layers, and the flat parameter vector that runs through them.

Chapters: *Backpropagation*, *Vanishing and exploding gradients*, *Regularization*.

>>> import numpy as np
>>> from course_lib.objectives import EmpiricalRisk
>>> from course_lib.costs import SoftmaxCrossEntropy
>>> network = Network(2, [Dense(8, "tanh"), Residual([LayerNorm(), Dense(8, "relu")]), Dense(3)])
>>> theta = network.initial_parameters(seed=0)
>>> X, y = np.random.default_rng(1).normal(size=(20, 2)), np.arange(20) % 3
>>> risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y)
>>> value, gradient = risk.value_and_gradient(theta)
"""

from course_lib.networks.blocks import Residual, Stack
from course_lib.networks.diagnostics import LayerReport, layer_reports
from course_lib.networks.faults import FAULTS, FaultyDense
from course_lib.networks.layers import Dense, Dropout, Layer, Nonlinearity, default_initializer
from course_lib.networks.mean_field import GaussianMoments, gaussian_moments, relu_cosine
from course_lib.networks.network import Network
from course_lib.networks.normalization import BatchNorm, LayerNorm
from course_lib.networks.price import Multiplications, count_multiplications, numbers_kept
from course_lib.networks.recomputation import Recomputed

__all__ = [
    "FAULTS",
    "BatchNorm",
    "Dense",
    "Dropout",
    "FaultyDense",
    "GaussianMoments",
    "Layer",
    "LayerNorm",
    "LayerReport",
    "Multiplications",
    "Network",
    "Nonlinearity",
    "Recomputed",
    "Residual",
    "Stack",
    "count_multiplications",
    "default_initializer",
    "gaussian_moments",
    "layer_reports",
    "numbers_kept",
    "relu_cosine",
]
