"""Programs that differentiate. Checks of claims about a listing and about frameworks."""

from __future__ import annotations

import numpy as np

from course_lib import tape
from course_lib.activations import sigmoid
from course_lib.batching import MiniBatches
from course_lib.costs import LogisticLoss, SoftmaxCrossEntropy
from course_lib.gradient_check import check_gradient, finite_difference_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.networks import Dense, Network
from course_lib.objectives import FunctionObjective
from course_lib.optimizers import SGD
from course_lib.parameters import ParameterLayout
from course_lib.tape import Variable, value_and_gradients
from course_lib.training import Training
from course_lib.validation import FloatArray

#: What each function that the listing defines takes, and what it returns.
LISTING = {
    "sigmoid": ({"weighted sums"}, "activations"),
    "cost": ({"output", "labels"}, "cost"),
    "update": ({"parameters", "gradients"}, "parameters"),
}
#: What a training step needs besides.
MISSING = {
    "forward pass": ({"inputs", "parameters"}, "output"),
    "backward pass": ({"output", "labels", "inputs", "parameters"}, "gradients"),
}


def unguarded_logarithms() -> Evidence:
    """Evaluate the cross-entropy at an ordinary output and at a saturated one."""
    with np.errstate(all="ignore"):
        ordinary = _unguarded(0.8, 1.0)
        right_and_sure = _unguarded(1.0, 1.0)
        wrong_and_sure = _unguarded(1.0, 0.0)
    saturated = float(sigmoid(40.0))
    score = LogisticLoss().value([40.0], [0.0])
    assert np.isclose(score, 40.0)
    return Evidence(
        supports=np.isclose(ordinary, -np.log(0.8)),
        contradicts=np.isnan(right_and_sure) and np.isinf(wrong_and_sure) and saturated == 1.0,
        ordinary=ordinary,
        sure="not a number" if np.isnan(right_and_sure) else f"{right_and_sure}",
        wrong="infinity" if np.isinf(wrong_and_sure) else f"{wrong_and_sure}",
        saturated=saturated,
        score=score,
    )


def _unguarded(output: float, label: float) -> float:
    a = np.float64(output)
    return float(-(label * np.log(a) + (1.0 - label) * np.log(1.0 - a)))


def nothing_in_the_listing_makes_a_gradient() -> Evidence:
    """Follow what the listing's functions can make of each other, then add what is missing."""
    given = {"inputs", "labels", "parameters"}
    with_listing = _reachable(given, LISTING)
    repaired = _reachable(given, LISTING | MISSING)

    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 2))
    y = (X[:, :1] * X[:, 1:] > 0).astype(float)
    network = Network(2, [Dense(16, "tanh"), Dense(1)])
    theta = network.initial_parameters(seed=0)
    # The update in place that the listing makes: the caller's parameters are gone.
    mine, start = theta, theta.copy()
    batches = MiniBatches(len(X), 20, seed=0)
    Training(network, LogisticLoss(), theta, SGD(0.5)).run(X, y, batches, max_epochs=60)
    assert not np.array_equal(mine, start)
    accuracy = float(np.mean((network.predict(theta, X) > 0) == (y > 0)))
    return Evidence(
        supports="gradients" in with_listing,
        contradicts="gradients" not in with_listing and "gradients" in repaired,
        defined=len(LISTING),
        missing=" and the ".join(MISSING),
        accuracy=100 * accuracy,
    )


def _reachable(given: set[str], functions: dict[str, tuple[set[str], str]]) -> set[str]:
    have = set(given)
    for _ in functions:
        have |= {made for needs, made in functions.values() if needs <= have}
    return have


def a_tape_differentiates_programs() -> Evidence:
    """Differentiate a program with a loop by the tape, and by central differences."""
    start = np.array([0.3, -0.7, 1.1])
    _, (gradient,) = value_and_gradients(_program, start)
    objective = FunctionObjective(
        lambda t: float(_program(Variable(t)).value),
        lambda t: value_and_gradients(_program, t)[1][0],
        n_parameters=3,
    )
    error = check_gradient(objective, start, tolerance=10.0).relative_error
    assert np.allclose(gradient, finite_difference_gradient(objective, start), atol=1e-7)
    return Evidence(
        supports=error < 1e-8,
        contradicts=error >= 1e-8,
        agree="below 1e-08" if error < 1e-8 else f"{error:.0e}",
        rounds=20,
    )


def _program(t: Variable) -> Variable:
    x = t[0] * t[1] + tape.exp(t[2])
    for _ in range(20):
        x = x + 0.1 * (tape.tanh(x * t[0]) - t[2] / (x * x + 1.0))
    return x


def recording_once_or_every_time() -> Evidence:
    """Record a loop whose length depends on the data, and replay the record elsewhere."""
    recorded = _halvings(5.0)
    fresh, stale = _halve(20.0, _halvings(20.0)), _halve(20.0, recorded)
    value, (slope,) = value_and_gradients(lambda x: _halve(x, _halvings(20.0)), 20.0)
    assert value == fresh
    assert float(slope) == 0.5 ** _halvings(20.0)
    # Where the branches are the same ones, the two modes cannot be told apart.
    same = _halve(6.0, recorded) == _halve(6.0, _halvings(6.0))
    eager_by_default, written = {"PyTorch": 2016, "TensorFlow": 2019}, 2024
    return Evidence(
        supports=stale != fresh,
        contradicts=same and max(eager_by_default.values()) < written,
        fresh=fresh,
        stale=stale,
        recorded=recorded,
        needed=_halvings(20.0),
        since=str(eager_by_default["TensorFlow"]),
        written=str(written),
    )


def _halvings(x: float) -> int:
    """Return how often to halve ``x`` until it is 2 or less."""
    return max(0, int(np.ceil(np.log2(x / 2.0))))


def _halve(x: Variable | float, times: int) -> Variable | float:
    for _ in range(times):
        x = x * 0.5
    return x


def attention_is_trained_by_the_same_sweep() -> Evidence:
    """Check the gradient of an attention head, masked and not, and look where targets come from."""
    rng = np.random.default_rng(0)
    text = rng.integers(0, VOCABULARY, WORDS + 1)
    theta = 0.7 * rng.standard_normal(sum(np.prod(shape) for shape in HEAD.values()))
    future = np.triu(np.full((WORDS, WORDS), -1e9), 1)
    errors, leaks = {}, {}
    for name, mask in [("causal", future), ("bidirectional", np.zeros_like(future))]:

        def loss(flat: Variable, mask: FloatArray = mask) -> Variable:
            parts = _head_parts(flat)
            scores = _attend(parts["embedding"][text[:-1]], parts, mask)
            return tape.mean_cost(SoftmaxCrossEntropy(), scores, text[1:])

        objective = FunctionObjective(
            lambda t, loss=loss: float(loss(Variable(t)).value),
            lambda t, loss=loss: value_and_gradients(loss, t)[1][0],
            n_parameters=len(theta),
        )
        errors[name] = check_gradient(objective, theta, tolerance=10.0).relative_error
        parts = _head_parts(Variable(theta))
        inputs = Variable(parts["embedding"].value[text[:-1]])
        _attend(inputs, parts, mask)[0].sum().backward()
        leaks[name] = float(np.abs(inputs.gradient[1:]).max())
    small = max(errors.values()) < 1e-6
    return Evidence(
        supports=small and leaks["causal"] == 0.0 < leaks["bidirectional"],
        # Without targets there is no loss; here each is a word of the text itself.
        contradicts=len(text[1:]) == WORDS and bool((text[1:-1] == text[:-1][1:]).all()),
        agree="below 1e-06" if small else f"{max(errors.values()):.0e}",
        leak=leaks["causal"],
        targets=WORDS,
    )


WORDS, WIDTH, VOCABULARY = 6, 4, 5
HEAD = {
    "embedding": (VOCABULARY, WIDTH),
    "query": (WIDTH, WIDTH),
    "key": (WIDTH, WIDTH),
    "value": (WIDTH, WIDTH),
    "readout": (WIDTH, VOCABULARY),
}


def _head_parts(flat: Variable) -> dict[str, Variable]:
    slices = ParameterLayout(HEAD).slices
    return {name: flat[slices[name]].reshape(*shape) for name, shape in HEAD.items()}


def _attend(inputs: Variable, parts: dict[str, Variable], mask: FloatArray) -> Variable:
    """Return next-word scores of one attention head."""
    query, key = inputs @ parts["query"], inputs @ parts["key"]
    scores = (query @ key.T) / np.sqrt(WIDTH) + mask
    weights = tape.exp(scores - tape.logsumexp(scores, axis=1, keepdims=True))
    return (weights @ (inputs @ parts["value"])) @ parts["readout"]
