"""Clipping, normalisation, skip connections: checks of claims about repairs."""

from __future__ import annotations

import numpy as np

from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.vanishing_and_exploding.deep_networks import (
    brought_back,
    dense,
    reports,
)
from course_lib.networks import (
    BatchNorm,
    Dense,
    LayerNorm,
    Network,
    Nonlinearity,
    Residual,
    gaussian_moments,
)
from course_lib.optimizers import clip_by_norm, clip_by_value


def clipping_bounds_the_step() -> Evidence:
    """Clip (1, 100) by its norm and by its entries, and a long gradient of a thousand entries."""
    gradient = np.array([1.0, 100.0])
    cosine, length = {}, {}
    for name, link in {"norm": clip_by_norm(1.0), "entries": clip_by_value(1.0)}.items():
        clipped = link.update(gradient, link.init(gradient), gradient).copy()
        length[name] = float(np.linalg.norm(clipped))
        cosine[name] = float(clipped @ gradient / length[name] / np.linalg.norm(gradient))
    exploded = 1e12 * np.random.default_rng(0).standard_normal(1000)
    link = clip_by_norm(1.0)
    bounded = np.linalg.norm(link.update(exploded, link.init(exploded), exploded))
    agrees = np.isclose(bounded, 1) and np.isclose(cosine["norm"], 1) and cosine["entries"] < 0.8
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        norm=cosine["norm"],
        entries=cosine["entries"],
        before=np.linalg.norm(exploded),
        after=bounded,
    )


def normalisation_helps_and_batch_norm_itself_explodes() -> Evidence:
    """Scale weights by a thousand; then carry gradients back through forty normalised layers."""
    X = np.random.default_rng(0).standard_normal((64, 50))
    outputs = []
    for factor in (1.0, 1000.0):
        network = Network(50, [Dense(50, bias=False), BatchNorm()])
        theta = network.initial_parameters(seed=0)
        network.layout.views(theta)["1.weights"][...] *= factor
        outputs.append(network.forward(theta, X)[0])
    invariant = np.allclose(outputs[0], outputs[1], atol=1e-4)

    width, depth, back = 200, 40, {}
    for norm, name in ((BatchNorm, "relu"), (BatchNorm, "sigmoid"), (LayerNorm, "sigmoid")):
        layers = []
        for _ in range(depth + 1):
            layers += [Dense(width, bias=False), norm(), Nonlinearity(name)]
        found = reports(width, layers, samples=256)[2::3]
        back[norm.__name__, name] = brought_back(found)
    plain = brought_back(reports(width, [dense(width, "sigmoid", 1.0) for _ in range(depth + 1)]))
    moments = gaussian_moments("relu")
    predicted = moments.squared_slope / (moments.second_moment - moments.mean**2)
    assert np.isclose(predicted, np.pi / (np.pi - 1), rtol=1e-5)
    per_layer = back["BatchNorm", "relu"] ** (2 / depth)
    assert abs(per_layer / predicted - 1) < 0.08
    return Evidence(
        supports=invariant and back["BatchNorm", "sigmoid"] > 0.1 > 1e-10 > plain,
        contradicts=back["BatchNorm", "relu"] > 100 and back["LayerNorm", "sigmoid"] < 1e-10,
        plain=plain,
        saved=back["BatchNorm", "sigmoid"],
        explodes=back["BatchNorm", "relu"],
        per_layer=per_layer,
        predicted=predicted,
        layer_norm=back["LayerNorm", "sigmoid"],
    )


def skip_connection_adds_the_identity() -> Evidence:
    """Carry a gradient back through fifty layers of small weights, with and without a way around.

    The Jacobian of one block minus that of its stack is the identity.
    """
    width, depth = 100, 50
    plain = brought_back(reports(width, [dense(width, "tanh", 0.5) for _ in range(depth + 1)]))
    blocks = [Residual([dense(width, "tanh", 0.5)]) for _ in range(depth + 1)]
    residual = brought_back(reports(width, blocks))

    x = np.random.default_rng(0).standard_normal((1, 6))
    jacobians = []
    for layers in ([dense(6, "tanh", 1.0)], [Residual([dense(6, "tanh", 1.0)])]):
        network = Network(6, layers)
        theta = network.initial_parameters(seed=0)
        rows = []
        for unit in np.eye(6):
            _, saved = network.forward(theta, x)
            rows.append(network.input_gradient(theta, saved, unit[None])[0])
        jacobians.append(np.array(rows))
    identity = np.allclose(jacobians[1] - jacobians[0], np.eye(6), atol=1e-12)
    agrees = identity and plain < 1e-10 < 0.5 < residual
    return Evidence(supports=agrees, contradicts=not agrees, plain=plain, residual=residual)
