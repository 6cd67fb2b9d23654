"""Natural gradient, conjugate gradients, K-FAC: what they solve, and that they do not care how the
model is written down."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.costs import (
    HalfSquaredError,
    LogisticLoss,
    SoftmaxCrossEntropy,
    SquaredError,
)
from course_lib.descent import descend
from course_lib.information_geometry import (
    KFAC,
    DensePair,
    Family,
    KroneckerFactors,
    NaturalGradient,
    NegativeLogLikelihood,
    Poisson,
    dense_pairs,
    empirical_fisher,
    fisher_exact,
    kl_between,
    natural_direction,
    solve_by_products,
)
from course_lib.information_geometry.layerwise import forward_pass
from course_lib.likelihoods import Bernoulli, Categorical, Gaussian
from course_lib.line_search import BacktrackingLineSearch, StepContext
from course_lib.linear_models import LinearModel
from course_lib.networks import Dense, LayerNorm, Network
from course_lib.objectives import EmpiricalRisk, FunctionObjective, Quadratic
from course_lib.optimizers import GradientDescent, Newton
from course_lib.penalties import L2
from course_lib.stopping import GradientNorm

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4)) * [1.0, 2.0, 0.5, 5.0]
NUMBERS = X @ [1.0, -0.5, 2.0, 0.1] + 0.3 + 0.3 * RNG.standard_normal(60)
BITS = (NUMBERS + 2.0 * RNG.standard_normal(60) > 0).astype(np.int64)
CLASSES = np.digitize(NUMBERS, [-1.0, 1.0])

RISKS = {
    "linear": EmpiricalRisk(LinearModel(4), HalfSquaredError(), X, NUMBERS),
    "linear, doubled": EmpiricalRisk(LinearModel(4), SquaredError(), X, NUMBERS),
    "logistic": EmpiricalRisk(LinearModel(4), LogisticLoss(), X, BITS),
    "softmax": EmpiricalRisk(Network(4, [Dense(3)]), SoftmaxCrossEntropy(), X, CLASSES),
    "network": EmpiricalRisk(
        Network(4, [Dense(6, "tanh"), Dense(3)]), SoftmaxCrossEntropy(), X, CLASSES
    ),
    "deep regression": EmpiricalRisk(
        Network(4, [Dense(5, "tanh"), Dense(1)]), HalfSquaredError(), X, NUMBERS[:, None]
    ),
}


def start(risk):
    if isinstance(risk.model, Network):
        return risk.model.initial_parameters(seed=1)
    return np.zeros(risk.n_parameters)


def context(risk, theta, batch=None):
    return StepContext(risk, risk.value(theta, batch), batch)


class TestConjugateGradients:
    @pytest.fixture
    def system(self):
        rng = np.random.default_rng(1)
        Q = np.linalg.qr(rng.standard_normal((30, 30)))[0]
        A = (Q * np.logspace(-2, 2, 30)) @ Q.T
        return (A + A.T) / 2, rng.standard_normal(30)

    def test_solve(self, system):
        A, b = system
        found = solve_by_products(lambda v: A @ v, b, tol=1e-12)
        np.testing.assert_allclose(found.x, np.linalg.solve(A, b), rtol=1e-8)
        assert found.converged
        assert found.residual_norms[0] == pytest.approx(np.linalg.norm(b))
        assert found.residual_norms[-1] <= 1e-12 * np.linalg.norm(b)

    def test_need_one_product_for_every_different_eigenvalue(self):
        d = np.repeat([1.0, 3.0, 10.0], 20)
        found = solve_by_products(lambda v: d * v, np.arange(1.0, 61.0), tol=1e-12)
        assert len(found.residual_norms) == 4
        np.testing.assert_allclose(found.x, np.arange(1.0, 61.0) / d, rtol=1e-10)

    def test_stop_where_they_are_told(self, system):
        A, b = system
        found = solve_by_products(lambda v: A @ v, b, max_iterations=3)
        assert not found.converged
        assert len(found.residual_norms) == 4

    def test_solve_nothing_at_once(self):
        found = solve_by_products(lambda v: v, np.zeros(3))
        assert found.converged
        np.testing.assert_array_equal(found.x, 0.0)

    def test_refuse_what_is_not_positive_definite(self):
        with pytest.raises(ValueError, match=r"v @ A @ v = -1 .*Add damping"):
            solve_by_products(lambda v: -v, [1.0, 0.0])
        with pytest.raises(ValueError, match=r"v @ A @ v = 0 .*Add damping"):
            solve_by_products(lambda v: 0 * v, [1.0, 0.0])
        with pytest.raises(ValueError, match="max_iterations must be at least 1"):
            solve_by_products(lambda v: v, [1.0], max_iterations=0)

    def test_keep_float32(self, system):
        A, b = (array.astype(np.float32) for array in system)
        assert solve_by_products(lambda v: A @ v, b, tol=1e-3).x.dtype == np.float32


class TestStep:
    @pytest.mark.parametrize("name", RISKS)
    @pytest.mark.parametrize("solver", ["direct", "conjugate gradients"])
    def test_solves_the_damped_system(self, name, solver):
        risk = RISKS[name]
        theta = start(risk) + 0.1
        g = risk.gradient(theta)
        optimizer = NaturalGradient(0.5, damping=0.01, solver=solver, tol=1e-12)
        state = optimizer.init(theta)
        step = optimizer.update(g.copy(), state, theta, context(risk, theta))
        F = fisher_exact(risk, theta) + 0.01 * np.eye(len(theta))
        np.testing.assert_allclose(step, -0.5 * np.linalg.solve(F, g), rtol=1e-6, atol=1e-9)
        assert step is state["step"]
        assert state["step_size"] == 0.5

    def test_uses_the_batch_of_the_step(self):
        risk, batch = RISKS["logistic"], np.arange(20)
        theta = start(risk) + 0.1
        g = risk.gradient(theta, batch)
        optimizer = NaturalGradient(damping=0.0)
        step = optimizer.update(g, optimizer.init(theta), theta, context(risk, theta, batch))
        expected = -np.linalg.solve(fisher_exact(risk, theta, batch), g)
        np.testing.assert_allclose(step, expected, rtol=1e-10)

    def test_of_a_linear_model_is_newtons(self):
        for name in ("linear", "logistic"):
            risk = RISKS[name]
            theta = start(risk) + 0.1
            g = risk.gradient(theta)
            steps = []
            for optimizer in (NaturalGradient(damping=0.0), Newton()):
                steps.append(
                    optimizer.update(g, optimizer.init(theta), theta, context(risk, theta))
                )
            np.testing.assert_allclose(steps[0], steps[1], rtol=1e-9)

    def test_is_the_steepest_way_for_the_divergence_it_costs(self):
        risk = RISKS["logistic"]
        theta = start(risk) + 0.1
        g, F = risk.gradient(theta), fisher_exact(risk, theta)
        natural = -natural_direction(F, g)
        others = np.random.default_rng(0).standard_normal((20_000, len(theta)))
        others = np.concatenate([others, [-g]])
        slopes = others @ g / np.sqrt(np.einsum("ij,jk,ik->i", others, F, others))
        best = natural @ g / np.sqrt(natural @ F @ natural)
        assert best == pytest.approx(-np.sqrt(g @ np.linalg.solve(F, g)))
        assert np.all(slopes >= best * (1 + 1e-12))
        assert slopes[-1] > 0.9 * best

    def test_can_be_shortened_to_a_divergence(self):
        risk = RISKS["softmax"]
        theta = start(risk)
        g, F = risk.gradient(theta), fisher_exact(risk, theta)
        optimizer = NaturalGradient(1.0, damping=1e-3, max_divergence=1e-4)
        state = optimizer.init(theta)
        step = optimizer.update(g, state, theta, context(risk, theta))
        assert 0.5 * step @ F @ step == pytest.approx(1e-4, rel=1e-9)
        assert state["step_size"] < 1.0
        # The predictions do move by that much, on average over the samples.
        before, after = (risk.model.predict(t, X) for t in (theta, theta + step))
        moved = np.mean(
            [kl_between(*map(softmax, pair)) for pair in zip(before, after, strict=True)]
        )
        assert moved == pytest.approx(1e-4, rel=0.05)
        loose = NaturalGradient(1e-3, damping=1e-3, max_divergence=1.0)
        free = NaturalGradient(1e-3, damping=1e-3)
        np.testing.assert_array_equal(
            loose.update(g, loose.init(theta), theta, context(risk, theta)),
            free.update(g, free.init(theta), theta, context(risk, theta)),
        )

    @pytest.mark.parametrize("share", [0.98, 1.02])
    def test_is_shortened_only_where_it_goes_too_far(self, share):
        risk, alpha = RISKS["logistic"], 0.3
        theta = start(risk) + 0.1
        g, F = risk.gradient(theta), fisher_exact(risk, theta)
        full = -alpha * natural_direction(F, g, 0.05)
        limit = share * 0.5 * full @ F @ full
        optimizer = NaturalGradient(alpha, damping=0.05, max_divergence=limit)
        step = optimizer.update(g, optimizer.init(theta), theta, context(risk, theta))
        np.testing.assert_allclose(step, full * np.sqrt(min(1.0, share)), rtol=1e-9)

    @pytest.mark.parametrize("make", [NaturalGradient, KFAC])
    def test_follows_a_schedule(self, make):
        risk = RISKS["linear"]
        trace = descend(risk, start(risk), make(lambda k: 0.5 / (k + 1)), max_iterations=4)
        np.testing.assert_allclose(trace.step_size, 0.5 / np.arange(1, 5))

    def test_has_defaults(self):
        optimizer = NaturalGradient()
        settings = (optimizer.damping, optimizer.solver, optimizer.tol, optimizer.max_iterations)
        assert settings == (1e-4, "direct", 1e-8, None)
        assert optimizer.step_size(0) == KFAC().step_size(0) == 1.0
        assert (KFAC().damping, KFAC().decay, KFAC().seed) == (1e-2, 0.95, 0)

    def test_knows_a_singular_matrix_from_an_ill_conditioned_one(self):
        nearly = np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-52]])
        with pytest.raises(np.linalg.LinAlgError, match="singular"):
            natural_direction(nearly, np.ones(2))
        tilted = np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-40]])
        np.testing.assert_allclose(natural_direction(tilted, np.array([1.0, 1.0])), [1.0, 0.0])
        small = np.diag([1.0, 1e-30])
        np.testing.assert_allclose(natural_direction(small, np.array([2.0, 1e-30])), [2.0, 1.0])

    def test_with_the_empirical_fisher_is_another_step(self):
        risk = RISKS["logistic"]
        theta = start(risk) + 0.1
        g = risk.gradient(theta)
        optimizer = NaturalGradient(fisher=empirical_fisher, damping=0.0)
        step = optimizer.update(g, optimizer.init(theta), theta, context(risk, theta))
        np.testing.assert_allclose(step, -np.linalg.solve(empirical_fisher(risk, theta), g))

    def test_keeps_float32(self):
        risk = EmpiricalRisk(LinearModel(4), LogisticLoss(), X.astype(np.float32), BITS)
        theta = np.zeros(5, np.float32)
        for optimizer in (
            NaturalGradient(0.5),
            NaturalGradient(0.5, solver="conjugate gradients", tol=1e-4),
            KFAC(0.5),
        ):
            g = risk.gradient(theta)
            step = optimizer.update(g, optimizer.init(theta), theta, context(risk, theta))
            assert step.dtype == np.float32

    def test_damping_repairs_a_singular_matrix(self):
        risk = RISKS["softmax"]  # Adding a number to all scores changes no probability.
        theta = start(risk)
        trace = descend(risk, theta, NaturalGradient(damping=0.0), max_iterations=1)
        assert trace.stopped_by.rule == "singular matrix"
        assert "Set damping above 0" in trace.stopped_by.message
        damped = NaturalGradient(BacktrackingLineSearch(), damping=1e-6)
        trace = descend(risk, theta, damped, max_iterations=8)
        assert trace.value[-1] < 0.5 * trace.value[0]

    def test_bad_settings(self):
        with pytest.raises(ValueError, match='fisher is for solver="direct"'):
            NaturalGradient(solver="conjugate gradients", fisher=empirical_fisher)
        with pytest.raises(ValueError, match="unknown solver 'qr'"):
            NaturalGradient(solver="qr")
        with pytest.raises(ValueError, match="damping must be"):
            NaturalGradient(damping=-1.0)
        with pytest.raises(ValueError, match="max_divergence must be"):
            NaturalGradient(max_divergence=0.0)
        with pytest.raises(ValueError, match="max_iterations must be"):
            NaturalGradient(solver="conjugate gradients", max_iterations=0)
        optimizer = NaturalGradient()
        with pytest.raises(TypeError, match="needs the Fisher matrix of the model"):
            optimizer.update(np.ones(2), optimizer.init(np.ones(2)), np.ones(2))
        assert repr(optimizer).startswith("NaturalGradient(")

    def test_an_objective_without_likelihood(self):
        with pytest.raises(TypeError, match="has no Fisher information"):
            descend(Quadratic(np.eye(2)), np.ones(2), NaturalGradient(), max_iterations=1)


def softmax(z):
    return Categorical(np.exp(z - z.max()) / np.exp(z - z.max()).sum())


class TestDescent:
    @pytest.mark.parametrize("name", RISKS)
    @pytest.mark.parametrize(
        "optimizer",
        [
            NaturalGradient(BacktrackingLineSearch(), damping=1e-3),
            NaturalGradient(BacktrackingLineSearch(), damping=1e-3, solver="conjugate gradients"),
            KFAC(BacktrackingLineSearch(), damping=1e-2),
        ],
        ids=repr,
    )
    def test_descends_on_every_model(self, name, optimizer):
        risk = RISKS[name]
        trace = descend(risk, start(risk), optimizer, max_iterations=25)
        assert trace.value[1] < trace.value[0]
        assert np.all(np.diff(trace.value) < 1e-12)
        plain = descend(
            risk, start(risk), GradientDescent(BacktrackingLineSearch()), max_iterations=25
        )
        assert trace.value[-1] < plain.value[-1] + 1e-9

    def test_one_step_solves_a_regression(self):
        trace = descend(
            RISKS["linear"], np.zeros(5), NaturalGradient(damping=0.0), stop=GradientNorm(1e-8)
        )
        assert trace.n_iterations == 1

    @pytest.mark.parametrize(
        ("member", "x"),
        [
            (Bernoulli(0.5), [1, 1, 0, 1, 1]),
            (Poisson(0.5), [3, 0, 2, 5]),
            (Categorical([0.2] * 5), [0, 1, 1, 2, 3, 4, 4]),
        ],
    )
    def test_one_step_solves_a_family_in_the_means_of_what_it_counts(self, member, x):
        objective = NegativeLogLikelihood(Family(member), x)
        trace = descend(
            objective, member.parameters, NaturalGradient(damping=0.0), max_iterations=1
        )
        np.testing.assert_allclose(trace.final, member.fit(x).parameters, rtol=1e-12)

    def test_of_a_gaussian_takes_fewer_steps_than_the_gradient(self):
        x = np.array([103.0, 99.0, 101.5, 97.5])
        family = Family(Gaussian(0.0, 1.0), "mean and log scale")
        objective = NegativeLogLikelihood(family, x)
        theta = np.array([90.0, np.log(10.0)])
        natural = descend(
            objective, theta, NaturalGradient(0.5, damping=0.0), stop=GradientNorm(1e-6)
        )
        assert natural.converged
        np.testing.assert_allclose(natural.final, [x.mean(), np.log(x.std())], atol=1e-5)
        plain = descend(objective, theta, GradientDescent(0.5), stop=GradientNorm(1e-6))
        assert natural.n_iterations < 0.2 * plain.n_iterations


class TestInvariance:
    """The same model written down differently: does it learn the same?"""

    def test_under_linear_maps_of_the_parameters_is_exact(self):
        risk = RISKS["logistic"]
        T = np.random.default_rng(0).standard_normal((5, 5)) + 2 * np.eye(5)
        # theta = T phi: the logistic model with features mixed by T.
        design = np.column_stack([X, np.ones(60)]) @ T
        mixed = EmpiricalRisk(LinearModel(5, intercept=False), LogisticLoss(), design, BITS)
        theta0 = 0.1 * np.arange(5.0)
        natural, plain = (
            [
                descend(risk, theta0, optimizer, max_iterations=15).value,
                descend(mixed, np.linalg.solve(T, theta0), optimizer, max_iterations=15).value,
            ]
            for optimizer in (NaturalGradient(0.3, damping=0.0), GradientDescent(0.01))
        )
        np.testing.assert_allclose(natural[0], natural[1], rtol=1e-10)
        assert np.abs(plain[0] - plain[1]).max() > 1e-3

    @pytest.mark.parametrize(
        ("member", "charts", "x"),
        [
            (Bernoulli(0.3), ("parameters", "log odds"), [1, 1, 0, 1]),
            (Poisson(2.0), ("parameters", "log"), [4, 3, 5]),
            (Categorical([0.2, 0.5, 0.3]), ("parameters", "log odds"), [0, 0, 1, 2]),
            (
                Gaussian(0.3, 1.5),
                ("parameters", "mean and log scale", "mean and variance", "natural"),
                [1.0, -2.0, 0.7],
            ),
        ],
    )
    def test_under_any_coordinates_is_of_second_order_in_the_step(self, member, charts, x):
        def moved_to(chart, optimizer):
            family = Family(member, chart)
            objective = NegativeLogLikelihood(family, x)
            theta = family.coordinates_of(member)
            trace = descend(objective, theta, optimizer, max_iterations=1)
            return family.distribution(trace.final).parameters

        for chart in charts[1:]:
            gaps = {"natural": [], "plain": []}
            for size in (1e-2, 1e-3):
                for name, optimizer in (
                    ("natural", NaturalGradient(size, damping=0.0)),
                    ("plain", GradientDescent(size)),
                ):
                    step = moved_to(chart, optimizer) - moved_to(charts[0], optimizer)
                    gaps[name].append(np.abs(step).max())
            assert gaps["natural"][1] < 0.02 * gaps["natural"][0] + 1e-15  # Second order.
            assert gaps["plain"][1] > 0.05 * gaps["plain"][0]  # First order: another path.
            assert gaps["natural"][1] < 0.05 * gaps["plain"][1]

    def test_whole_paths_come_together_as_steps_get_shorter(self):
        x, member = [1, 1, 0, 1], Bernoulli(0.2)
        gaps = []
        for n in (20, 200):
            paths = []
            for chart in ("parameters", "log odds"):
                family = Family(member, chart)
                trace = descend(
                    NegativeLogLikelihood(family, x),
                    family.coordinates_of(member),
                    NaturalGradient(2.0 / n, damping=0.0),
                    max_iterations=n,
                )
                paths.append(np.array([family.distribution(t).p for t in trace.theta]))
            gaps.append(np.abs(paths[0] - paths[1]).max())
        assert gaps[1] < 0.15 * gaps[0]
        assert gaps[0] < 0.1


class TestKroneckerFactors:
    def pair(self, n=40, bias="bias", seed=0):
        rng = np.random.default_rng(seed)
        inputs = rng.standard_normal((n, 3)) @ rng.standard_normal((3, 3))
        gradients = rng.standard_normal((n, 2)) @ rng.standard_normal((2, 2))
        return DensePair("weights", bias, inputs, gradients)

    def test_are_exact_for_one_sample(self):
        pair = self.pair(n=1)
        a, d = np.append(pair.inputs[0], 1.0), pair.gradients[0]
        gradient = np.outer(a, d).ravel()
        np.testing.assert_allclose(
            KroneckerFactors(pair).matrix(), np.outer(gradient, gradient), rtol=1e-12
        )

    def test_are_exact_where_inputs_and_gradients_are_independent(self):
        # Every input met by every gradient: the mean of the products is the product of the means.
        pair = self.pair(n=6)
        i, j = np.divmod(np.arange(36), 6)
        crossed = DensePair("weights", None, pair.inputs[i], pair.gradients[j])
        rows = np.einsum("na,nd->nad", crossed.inputs, crossed.gradients).reshape(36, -1)
        np.testing.assert_allclose(
            KroneckerFactors(crossed).matrix(), rows.T @ rows / 36, rtol=1e-10, atol=1e-12
        )

    def test_of_a_linear_regression_are_the_fisher_matrix(self):
        risk = EmpiricalRisk(
            Network(4, [Dense(2)]), HalfSquaredError(), X, np.column_stack([NUMBERS, -NUMBERS])
        )
        theta = start(risk)
        # The gradients of all possible labels: +- one standard deviation in one output at a time.
        signs = np.concatenate([np.eye(2), -np.eye(2)]) * np.sqrt(2)
        upstream, rows = np.tile(signs, (60, 1)), np.repeat(X, 4, axis=0)
        (pair,) = dense_pairs(risk.model, theta, rows, upstream)
        layout = risk.model.layout
        order = np.concatenate(
            [np.arange(theta.size)[layout.slices[name]] for name in ("1.weights", "1.bias")]
        )
        F = fisher_exact(risk, theta)[np.ix_(order, order)]
        np.testing.assert_allclose(KroneckerFactors(pair).matrix(), F, rtol=1e-10, atol=1e-12)

    @pytest.mark.parametrize("bias", ["bias", None])
    def test_solve_with_the_damped_product(self, bias):
        factors = KroneckerFactors(self.pair(bias=bias))
        V = np.random.default_rng(3).standard_normal((len(factors.A), 2))
        damping = 0.05
        balance = np.sqrt(np.trace(factors.A) / len(factors.A) / (np.trace(factors.G) / 2))
        left = factors.A + balance * np.sqrt(damping) * np.eye(len(factors.A))
        right = factors.G + np.sqrt(damping) / balance * np.eye(2)
        expected = np.linalg.solve(np.kron(left, right), V.ravel()).reshape(V.shape)
        np.testing.assert_allclose(factors.solve(V, damping), expected, rtol=1e-9)

    def test_damping_does_not_depend_on_where_the_scale_lies(self):
        pair = self.pair()
        shifted = DensePair("weights", None, 100 * pair.inputs, pair.gradients / 100)
        plain = DensePair("weights", None, pair.inputs, pair.gradients)
        V = np.ones((3, 2))
        np.testing.assert_allclose(
            KroneckerFactors(shifted).solve(V, 0.1), KroneckerFactors(plain).solve(V, 0.1)
        )

    def test_of_a_silent_layer_leave_the_damping(self):
        silent = KroneckerFactors(DensePair("weights", None, np.zeros((5, 3)), np.zeros((5, 2))))
        np.testing.assert_allclose(silent.solve(np.ones((3, 2)), 0.25), 4.0)
        # Half silent: nothing to balance, so the damping is shared out equally.
        deaf = KroneckerFactors(DensePair("weights", None, np.ones((5, 1)), np.zeros((5, 2))))
        np.testing.assert_allclose(deaf.solve(np.ones((1, 2)), 0.25), 1 / (1.5 * 0.5))

    def test_blend_with_what_was(self):
        first, second = self.pair(seed=0), self.pair(seed=1)
        factors = KroneckerFactors(first)
        expected = 0.7 * factors.A + 0.3 * KroneckerFactors(second).A
        factors.blend(second, 0.7)
        np.testing.assert_allclose(factors.A, expected)
        assert repr(factors) == "KroneckerFactors('weights', 4 x 2)"


class TestKFAC:
    def test_first_step_by_hand(self):
        risk = RISKS["network"]
        theta = start(risk)
        g = risk.gradient(theta)
        optimizer = KFAC(0.3, damping=0.1, seed=np.random.default_rng(5))
        step = optimizer.update(g.copy(), optimizer.init(theta), theta, context(risk, theta))
        z = forward_pass(risk.model, theta, X)[0]
        labels = np.argmax(z + np.random.default_rng(5).gumbel(size=z.shape), axis=1)
        pairs = dense_pairs(risk.model, theta, X, risk.cost.derivative(z, labels))
        views, steps = risk.model.layout.views(g), risk.model.layout.views(step.copy())
        for k, pair in enumerate(pairs, 1):
            V = np.vstack([views[f"{k}.weights"], views[f"{k}.bias"]])
            solved = -0.3 * KroneckerFactors(pair).solve(V, 0.1)
            np.testing.assert_allclose(steps[f"{k}.weights"], solved[:-1], rtol=1e-9)
            np.testing.assert_allclose(steps[f"{k}.bias"], solved[-1], rtol=1e-9)

    def test_of_a_layer_without_bias(self):
        risk = EmpiricalRisk(
            Network(4, [Dense(5, "relu", bias=False), Dense(3)]), SoftmaxCrossEntropy(), X, CLASSES
        )
        trace = descend(risk, start(risk), KFAC(0.5, damping=0.1), max_iterations=20)
        assert trace.value[-1] < 0.6 * trace.value[0]

    def test_learns_from_batches(self):
        risk = RISKS["network"]
        rng = np.random.default_rng(0)
        batches = (rng.choice(60, 20, replace=False) for _ in range(80))
        trace = descend(risk, start(risk), KFAC(0.2, damping=0.05), batches=batches)
        assert trace.n_iterations == 80
        assert risk.value(trace.final) < 0.4 * risk.value(start(risk))

    def test_factors_are_a_mean_at_first_and_fade_later(self):
        risk = RISKS["linear"]
        theta = start(risk)
        optimizer = KFAC(1e-9, decay=0.75)
        state = optimizer.init(theta)
        batches = [np.arange(10 * k, 10 * k + 10) for k in range(6)]
        means = []
        for batch in batches:
            g = risk.gradient(theta, batch)
            optimizer.update(g, state, theta, context(risk, theta, batch))
            design = np.column_stack([X[batch], np.ones(10)])
            means.append(design.T @ design / 10)
        expected = np.mean(means[:4], axis=0)
        for mean in means[4:]:
            expected = 0.75 * expected + 0.25 * mean
        np.testing.assert_allclose(state["factors"]["weights"].A, expected)

    def test_a_seed_decides_everything_and_a_state_serves_one_run(self):
        risk = RISKS["network"]
        optimizer = KFAC(0.2, damping=0.05, seed=3)
        first = descend(risk, start(risk), optimizer, max_iterations=5).final
        again = descend(risk, start(risk), optimizer, max_iterations=5).final
        other = descend(risk, start(risk), KFAC(0.2, damping=0.05, seed=4), max_iterations=5).final
        np.testing.assert_array_equal(first, again)
        assert np.any(first != other)

    def test_the_penalty_is_part_of_the_gradient(self):
        risk = RISKS["network"]
        penalized = EmpiricalRisk(risk.model, risk.cost, X, CLASSES, penalty=L2(0.1))
        free = descend(risk, start(risk), KFAC(0.3, damping=0.1), max_iterations=60).final
        held = descend(penalized, start(risk), KFAC(0.3, damping=0.1), max_iterations=60).final
        assert np.linalg.norm(held) < 0.8 * np.linalg.norm(free)

    def test_needs_a_dense_network(self):
        optimizer = KFAC()
        with pytest.raises(TypeError, match="KFAC needs the layers of the model"):
            optimizer.update(np.ones(2), optimizer.init(np.ones(2)), np.ones(2))
        bowl = FunctionObjective(lambda t: t @ t, lambda t: 2 * t, n_parameters=2)
        with pytest.raises(TypeError, match="KFAC needs an EmpiricalRisk of a dense network"):
            descend(bowl, np.ones(2), KFAC(), max_iterations=1)
        normed = EmpiricalRisk(
            Network(4, [Dense(3), LayerNorm(), Dense(3)]), SoftmaxCrossEntropy(), X, CLASSES
        )
        with pytest.raises(TypeError, match="the layers must be dense"):
            descend(normed, start(normed), KFAC(), max_iterations=1)
        assert repr(optimizer).startswith("KFAC(")
