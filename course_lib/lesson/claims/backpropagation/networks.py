"""What networks are, and what they can do. Checks of claims made in passing."""

from __future__ import annotations

import warnings

import numpy as np

from course_lib.activations import relu, sigmoid, step
from course_lib.costs import LogisticLoss
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.networks import Dense, Network
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.validation import FloatArray

#: Works in the bibliography whose titles name the subject.
TITLES = {
    "lecun2015": "Deep Learning",
    "goodfellow2016": "Deep Learning",
    "schmidhuber2015": "Deep Learning in Neural Networks: An Overview",
    "nielsen2015": "Neural Networks and Deep Learning",
}


def the_listing_loses_to_a_line() -> Evidence:
    """Run scikit-learn's network as the listing does, and a logistic regression beside it."""
    from sklearn.datasets import make_classification
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    X, y = make_classification(n_samples=1000, n_features=20, random_state=42)
    split = train_test_split(X, y, test_size=0.2, random_state=42)
    X_train, X_test, y_train, y_test = split
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        network = MLPClassifier(solver="adam", random_state=42).fit(X_train, y_train)
    unfinished = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    line = LogisticRegression().fit(X_train, y_train)
    score, baseline = network.score(X_test, y_test), line.score(X_test, y_test)
    return Evidence(
        supports=score > 0.8,
        contradicts=baseline > score and unfinished,
        network=score,
        line=baseline,
        epochs=network.n_iter_,
        samples=len(y_test),
        difference=round((baseline - score) * len(y_test)),
    )


def the_field_is_called_deep_learning() -> Evidence:
    """Look at the titles of the field's own surveys."""
    deep = sum("deep learning" in title.lower() for title in TITLES.values())
    depth = sum("depth learning" in title.lower() for title in TITLES.values())
    return Evidence(
        supports=depth > 0, contradicts=deep > depth, works=len(TITLES), deep=deep, depth=depth
    )


def a_neuron_that_fires_or_not_has_no_slope() -> Evidence:
    """Compute AND with an all-or-none neuron, and ask what backpropagation could teach it."""
    inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    z = inputs @ np.array([1.0, 1.0]) - 1.5
    fires = step(z)
    slope = np.abs(step.derivative(pre_activation=z)).max()
    smooth = np.abs(sigmoid.derivative(pre_activation=z)).min()
    return Evidence(
        supports=fires.tolist() == [0.0, 0.0, 0.0, 1.0],
        contradicts=slope == 0.0 < smooth,
        slope=slope,
        smooth=smooth,
    )


def equal_units_stay_equal() -> Evidence:
    """Train a network on XOR from equal hidden units, and from random ones."""
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    network = Network(2, [Dense(8, "tanh"), Dense(1)])
    risk = EmpiricalRisk(network, LogisticLoss(), X, y)
    equal = network.layout.zeros()
    views = network.layout.views(equal)
    views["1.weights"][:] = [[0.3], [-0.2]]
    views["2.weights"][:] = 0.5
    ends = {
        name: descend(risk, start, GradientDescent(1.0), max_iterations=1000)
        for name, start in [("equal", equal), ("random", network.initial_parameters(seed=0))]
    }
    weights = network.layout.views(ends["equal"].final)["1.weights"]
    spread = float(np.ptp(weights, axis=1).max())
    losses = {name: trace.value[-1] for name, trace in ends.items()}
    return Evidence(
        supports=losses["equal"] < 2.0 * losses["random"],
        contradicts=spread < 1e-12 and losses["equal"] > 10.0 * losses["random"],
        steps=1000,
        spread="none" if spread < 1e-12 else f"{spread:.1e}",
        equal=losses["equal"],
        random=losses["random"],
    )


def one_layer_fits_what_is_continuous() -> Evidence:
    """Let one hidden layer interpolate a wave, and a jump."""
    fine = np.linspace(-np.pi, np.pi, 20_001)
    jump = np.array([-1e-9, 1e-9])
    wave, at_jump = {}, {}
    for n in (10, 100, 400):
        knots = np.linspace(-np.pi, np.pi, n)
        wave[n] = np.abs(_interpolate(np.sin(2 * knots), knots, fine) - np.sin(2 * fine)).max()
        values = _interpolate((knots > 0).astype(float), knots, jump)
        at_jump[n] = np.abs(values - (jump > 0)).max()
    return Evidence(
        supports=wave[400] < 1e-2 < wave[10],
        contradicts=min(at_jump.values()) > 0.499,
        ten=wave[10],
        hundred=wave[100],
        most=wave[400],
        jump=min(at_jump.values()),
    )


def _interpolate(values: FloatArray, knots: FloatArray, x: FloatArray) -> FloatArray:
    """Return what a network with a hidden rectifier at every knot makes of ``x``."""
    network = Network(1, [Dense(len(knots), "relu"), Dense(1)])
    theta = network.layout.zeros()
    views = network.layout.views(theta)
    slopes = np.diff(values) / np.diff(knots)
    views["1.weights"][:] = 1.0
    views["1.bias"][:] = -knots
    views["2.weights"][:-1, 0] = np.diff(slopes, prepend=0.0)
    views["2.bias"][:] = values[0]
    return network.predict(theta, x[:, None])[:, 0]


def depth_multiplies_the_pieces_of_a_sawtooth() -> Evidence:
    """Count the linear pieces of composed tents, and of one kink."""
    layers = 8
    x = (np.arange(4096) + 0.5) / 4096
    y = x
    for _ in range(layers):
        # A tent from two rectifiers: it rises to 1 at 1/2 and falls back to 0.
        y = 2.0 * relu(y) - 4.0 * relu(y - 0.5)
    pieces = _pieces(y)
    units = 2 * layers
    # A hidden layer of n rectifiers bends at most n times.
    shallow_pieces = units + 1
    one_kink = _pieces(relu(x - 0.5))
    return Evidence(
        supports=pieces > shallow_pieces,
        contradicts=one_kink == 2,  # A single unit does it; there are no fewer than one.
        layers=layers,
        units=units,
        pieces=pieces,
        shallow=shallow_pieces,
        needed=pieces - 1,
    )


def _pieces(y: FloatArray) -> int:
    """Return the number of linear pieces of a function on an even grid that misses its kinks."""
    slopes = np.sign(np.diff(y)) * np.round(np.abs(np.diff(y)) * len(y))
    bends = np.flatnonzero(slopes[1:] != slopes[:-1])
    # A kink between two grid points changes the slope twice in succession.
    return 1 + int(1 + (np.diff(bends) > 1).sum()) if len(bends) else 1
