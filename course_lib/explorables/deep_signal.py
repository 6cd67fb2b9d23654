r"""Thirty layers deep: what arrives of the images, and what comes back of the gradient.

Chapter: *Vanishing and exploding gradients*. Forty images of digits pass through thirty random
layers of 128 units, and the gradient of the cost comes back. The three panels show, layer by layer,
the size of the gradient, the size of the activations, and how alike any two images have become.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from course_lib.costs import SoftmaxCrossEntropy
from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import decimal, scientific
from course_lib.explorables.scene import Axis, Line, Panel, Region, Scene, Text
from course_lib.initializers import small_random
from course_lib.networks import (
    BatchNorm,
    Dense,
    Layer,
    LayerNorm,
    LayerReport,
    Network,
    Nonlinearity,
    Residual,
    layer_reports,
)
from course_lib.validation import FloatArray

DEPTH, WIDTH, IMAGES = 30, 128, 40
ACTIVATIONS = ("sigmoid", "tanh", "relu", "elu", "swish")
ACTIVATION_NAMES = ("sigmoid", "tanh", "ReLU", "ELU", "Swish")
STRUCTURES = ("plain", "residual", "layer norm", "batch norm")
#: Standard deviation of a weight, times the square root of the width.
GAINS = (0.08, 0.25, 0.5, 0.8, 1.0, 1.1, 1.2, 1.3, float(np.sqrt(2.0)), 1.5, 2.0, 4.0)
#: The target: gradients equal up to this factor, and images less alike than that cosine.
TARGET_FACTOR, TARGET_SIMILARITY = 2.0, 0.9

_LAYERS = np.arange(1, DEPTH + 1)
_LOOK = {"tone": "ink", "width": 3}


def deep_signal_explorable() -> Explorable:
    """Return the explorable of activation, weight scale and structure at depth 30."""
    return Explorable(
        "deep-signal",
        f"Digits through {DEPTH} layers, at the start of training",
        [
            Slider("activation", "Activation", range(5), lambda i: ACTIVATION_NAMES[i]),
            Slider("gain", "Weight scale: standard deviation × √n", GAINS, _two_digits),
            Slider("structure", "Structure", range(4), lambda i: STRUCTURES[i]),
        ],
        draw,
        start={"activation": 0, "gain": 1.0, "structure": 0},
        target=f"the first layer's gradient within a factor {TARGET_FACTOR:.0f} of the last one's, "
        f"and a mean cosine below {decimal(TARGET_SIMILARITY, 1)} between images at the end",
        lead="A gradient must come back, and the images must not become all alike on the way "
        "forward. See which of the two a change repairs.",
    )


def _two_digits(gain: float) -> str:
    return "√2 (He)" if gain == GAINS[8] else decimal(gain, 2)


@lru_cache(maxsize=1)
def digits() -> tuple[FloatArray, FloatArray]:
    """Return the images, each pixel centred and all of them at one scale, and what they show."""
    from sklearn.datasets import load_digits  # Loaded when first needed.

    X, y = load_digits(return_X_y=True)
    X = X - X.mean(axis=0)
    return (X / X.std())[:IMAGES], y[:IMAGES]


def hidden_layers(activation: str, gain: float, structure: str) -> list[Layer]:
    """Return one hidden layer in the given structure."""
    draw_weights = partial(small_random, scale=gain / np.sqrt(WIDTH))
    if structure == "plain":
        return [Dense(WIDTH, activation, initializer=draw_weights)]
    if structure == "residual":
        return [Residual([Dense(WIDTH, activation, initializer=draw_weights)])]
    norm = LayerNorm() if structure == "layer norm" else BatchNorm()
    weights = Dense(WIDTH, bias=False, initializer=draw_weights)
    return [weights, norm, Nonlinearity(activation)]


@lru_cache(maxsize=len(ACTIVATIONS) * len(GAINS) * len(STRUCTURES))
def reports(activation: str, gain: float, structure: str) -> list[LayerReport]:
    """Return a report on the output of each of the thirty hidden layers."""
    if "norm" in structure and gain != 1.0:
        # A normalising layer divides the scale of the weights out again.
        return reports(activation, 1.0, structure)
    X, y = digits()
    network = network_of(activation, 1.0, structure)
    theta = unit_parameters(structure).copy()
    for name, weights in network.layout.views(theta).items():
        if name.endswith("weights") and name not in ("1.weights", f"{len(network.layers)}.weights"):
            weights *= gain
    every = layer_reports(network, theta, X, y, SoftmaxCrossEntropy(), training=True)
    stride = len(hidden_layers(activation, gain, structure))
    return every[stride:-1:stride]


def network_of(activation: str, gain: float, structure: str) -> Network:
    """Return the network: an embedding, thirty hidden layers, and the scores."""
    hidden = [hidden_layers(activation, gain, structure) for _ in range(DEPTH)]
    embed = Dense(WIDTH, initializer="lecun_normal")
    layers = [layer for parts in hidden for layer in parts]
    return Network(64, [embed, *layers, Dense(10)])


@lru_cache(maxsize=len(STRUCTURES))
def unit_parameters(structure: str) -> FloatArray:
    """Return the parameters at weight scale 1; drawing them takes longer than using them."""
    return network_of(ACTIVATIONS[0], 1.0, structure).initial_parameters(seed=0)


def draw(activation: int, gain: float, structure: int) -> Scene:
    """Draw one state.

    Parameters
    ----------
    activation, structure
        Positions in ``ACTIVATIONS`` and ``STRUCTURES``.
    gain
        The standard deviation of the weights times the square root of the width.
    """
    found = reports(ACTIVATIONS[activation], gain, STRUCTURES[structure])
    back = np.array([report.gradient_norm for report in found])
    sizes = np.array([report.activation_norm for report in found])
    alike = np.array([report.similarity for report in found])
    ratio = float(back[0] / back[-1])
    even = 1 / TARGET_FACTOR <= ratio <= TARGET_FACTOR
    distinct = bool(alike[-1] < TARGET_SIMILARITY)
    return Scene(
        [
            [_gradient_panel(back / back[-1], ratio)],
            [_size_panel(sizes), _similarity_panel(alike)],
        ],
        readout=f"{_story(ratio, even)} {_end(float(alike[-1]), distinct)}"
        + _no_effect(gain, structure),
        reached=even and distinct,
        facts={
            "Gradient, first / last layer": _in_words(ratio),
            "Factor per layer, backward": decimal(ratio ** (1 / (DEPTH - 1)), 2),
            "Activation in the last layer": _in_words(float(sizes[-1])),
            "Mean cosine in the last layer": decimal(float(alike[-1]), 2),
        },
    )


def _in_words(value: float) -> str:
    return decimal(value, 2) if 0.01 <= value < 100 else scientific(value, 0)


def _gradient_panel(relative: FloatArray, ratio: float) -> Panel:
    if ratio < 1:
        course = "the gradient shrinks on its way back"
    else:
        course = "the gradient grows on its way back"
    return Panel(
        "Gradient, relative to the last layer",
        Axis("layer", (1, DEPTH), ticks=(1, 10, 20, 30)),
        Axis("root mean square", (1e-12, 1e12), scale="log"),
        [
            Region(y0=1 / TARGET_FACTOR, y1=TARGET_FACTOR, tone="series-3", opacity=0.3),
            Text(2, 4, "target, for layer 1", tone="series-3"),
            Line(_LAYERS, np.clip(relative, 1e-40, 1e40), **_LOOK),
        ],
        description=f"From layer {DEPTH} to layer 1 {course}; it ends at {_in_words(ratio)} times "
        "its size.",
        height=430,
    )


def _size_panel(sizes: FloatArray) -> Panel:
    return Panel(
        "Size of the activations",
        Axis("layer", (1, DEPTH), ticks=(1, 10, 20, 30)),
        Axis("root mean square", (1e-8, 1e8), scale="log", ticks=(1e-8, 1e-4, 1, 1e4, 1e8)),
        [
            Line([1, DEPTH], [1, 1], tone="muted", width=1),
            Line(_LAYERS, np.clip(sizes, 1e-40, 1e40), **_LOOK),
        ],
        description=f"The activations start at {_in_words(float(sizes[0]))} and end at "
        f"{_in_words(float(sizes[-1]))}.",
        height=195,
    )


def _similarity_panel(alike: FloatArray) -> Panel:
    return Panel(
        "How alike two images are",
        Axis("layer", (1, DEPTH), ticks=(1, 10, 20, 30)),
        Axis("mean cosine", (-0.1, 1.05), ticks=(0, 0.5, 1)),
        [
            Region(y0=TARGET_SIMILARITY, tone="series-2", opacity=0.2),
            Text(2, 0.62, "all images alike above", tone="series-2"),
            Line(_LAYERS, alike, **_LOOK),
        ],
        description=f"The mean cosine between two images is {decimal(float(alike[0]), 2)} after "
        f"the first layer and {decimal(float(alike[-1]), 2)} after the last.",
        height=195,
    )


def _story(ratio: float, even: bool) -> str:
    if even:
        return "The first layer's gradient is as large as the last one's, up to a factor 2."
    if ratio < 1:
        return f"The gradient vanishes: {_in_words(ratio)} of it is left at the first layer."
    return f"The gradient explodes: at the first layer it is {_in_words(ratio)} times as large."


def _end(similarity: float, distinct: bool) -> str:
    if distinct:
        return f"The images can still be told apart: their mean cosine is {decimal(similarity, 2)}."
    return f"All images have become nearly one: their mean cosine is {decimal(similarity, 2)}."


def _no_effect(gain: float, structure: int) -> str:
    if "norm" in STRUCTURES[structure] and gain != 1.0:
        return " The weight scale has no effect here: normalization divides it out."
    return ""
