"""How large should weights be? Checks of claims about initialisation."""

from __future__ import annotations

import numpy as np

from course_lib.activations import relu, tanh
from course_lib.costs import SoftmaxCrossEntropy
from course_lib.initializers import glorot_normal, he_normal, lecun_normal, small_random
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.vanishing_and_exploding.deep_networks import brought_back, reports
from course_lib.networks import Dense, Network
from course_lib.objectives import EmpiricalRisk


def rules_of_initialisation_must_match_the_activation() -> Evidence:
    """Carry a gradient back through thirty layers, for each rule with each activation."""
    rules = {"xavier": glorot_normal, "he": he_normal}
    found = {
        (rule, name): brought_back(
            reports(200, [Dense(200, name, initializer=draw) for _ in range(31)])
        )
        for rule, draw in rules.items()
        for name in ("tanh", "relu", "sigmoid")
    }
    return Evidence(
        supports=found["xavier", "tanh"] > 0.05 and 0.1 < found["he", "relu"] < 10,
        contradicts=found["xavier", "relu"] < 1e-3 and found["he", "sigmoid"] < 1e-10,
        tanh=found["xavier", "tanh"],
        relu=found["he", "relu"],
        mismatch=found["xavier", "relu"],
        sigmoid_xavier=found["xavier", "sigmoid"],
        sigmoid_he=found["he", "sigmoid"],
    )


def small_numbers_break_symmetry_and_kill_a_deep_signal() -> Evidence:
    """Compare zeros, small and scaled weights; in one hidden layer, then in ten."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 5)), np.arange(200) % 3
    different = {}
    for name, draw in {"equal": lambda shape, rng, dtype: np.full(shape, 0.01, dtype),
                       "random": small_random}.items():  # fmt: skip
        network = Network(5, [Dense(4, "tanh", initializer=draw), Dense(3, initializer=draw)])
        theta = network.initial_parameters(seed=0)
        gradient = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y).gradient(theta)
        columns = network.layout.views(gradient)["1.weights"]
        different[name] = not np.allclose(columns, columns[:, :1], rtol=1e-6, atol=0)
    ends = {}
    for name, draw in {"small": small_random, "scaled": glorot_normal}.items():
        a = rng.standard_normal((500, 100))
        for _ in range(10):
            a = tanh(a @ draw((100, 100), rng))
        ends[name] = float(a.std())
    return Evidence(
        supports=different["random"] and not different["equal"],
        contradicts=ends["small"] < 1e-8 < 0.1 < ends["scaled"],
        **ends,
    )


def xavier_is_a_compromise_between_two_ways() -> Evidence:
    """Measure both gains of a linear layer from 300 to 500 units."""
    rng = np.random.default_rng(0)
    W = glorot_normal((300, 500), rng)
    x, delta = rng.standard_normal((2000, 300)), rng.standard_normal((2000, 500))
    forward, backward = float((x @ W).var()), float((delta @ W.T).var())
    square = glorot_normal((400, 400), rng)
    both = [float((rng.standard_normal((2000, 400)) @ M).var()) for M in (square, square.T)]
    agrees = np.allclose([forward, backward], [600 / 800, 1000 / 800], rtol=0.03)
    agrees &= np.allclose(both, 1, rtol=0.03)
    return Evidence(
        supports=agrees, contradicts=not agrees, forward=forward, backward=backward, square=both[0]
    )


def he_makes_up_for_the_silent_half() -> Evidence:
    """Pass a signal through twenty ReLU layers with both rules, in the mean of forty networks."""
    rng = np.random.default_rng(0)
    left = {}
    for name, draw in {"he": he_normal, "one_over_n": lecun_normal}.items():
        ratios = []
        for _ in range(40):
            a = rng.standard_normal((10, 200))
            before = (a**2).mean()
            for _ in range(20):
                a = relu(a @ draw((200, 200), rng))
            ratios.append((a**2).mean() / before)
        left[name] = float(np.mean(ratios))
    agrees = 0.6 < left["he"] < 1.7 and left["one_over_n"] < 2**-19
    return Evidence(supports=agrees, contradicts=not agrees, **left)


def listing_does_not_show_he() -> Evidence:
    """Draw what the listing draws, with its seed, and compare spreads."""
    spread = {}
    for fan_in in (2, 1000, 20_000):
        drawn = 0.01 * np.random.RandomState(2).standard_normal((50, fan_in))
        wanted = he_normal((fan_in, 50), seed=2).std()
        spread[fan_in] = (float(drawn.std()), float(wanted))
    deep = {n: abs(drawn / wanted - 1) for n, (drawn, wanted) in spread.items()}
    first = 0.01 * np.random.RandomState(2).standard_normal()
    assert deep[20_000] < 0.02  # The one fan-in for which the two coincide.
    return Evidence(
        supports=deep[2] < 0.1 and deep[1000] < 0.1,
        contradicts=deep[1000] > 0.5 and deep[2] > 0.9,
        first=first,
        drawn=spread[1000][0],
        wanted=spread[1000][1],
        wanted_two=np.sqrt(2 / 2),
        meeting=2 / 0.01**2,
    )
