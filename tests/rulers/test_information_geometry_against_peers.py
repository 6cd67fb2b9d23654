"""Information geometry measured with JAX, PyTorch and scipy."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from scipy import sparse, stats

from course_lib.costs import HalfSquaredError, LogisticLoss, SoftmaxCrossEntropy, SquaredError
from course_lib.information_geometry import (
    Family,
    NaturalGradient,
    Poisson,
    dense_pairs,
    empirical_fisher,
    fisher_exact,
    fisher_information,
    fisher_vector_product,
    gaussian_curvature,
    kl_between,
    kl_between_gaussians,
    solve_by_products,
)
from course_lib.likelihoods import Bernoulli, Binomial, Categorical, Gaussian
from course_lib.line_search import StepContext
from course_lib.linear_models import LinearModel
from course_lib.networks import Dense, Network
from course_lib.objectives import EmpiricalRisk

jax.config.update("jax_enable_x64", True)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 3))
NUMBERS = RNG.standard_normal(12)
BITS = np.arange(12) % 2
CLASSES = np.arange(12) % 3


# --- families -----------------------------------------------------------------------------------


def jax_kl(name):
    """The divergence as a function of two parameter vectors, in JAX's hands."""

    def bernoulli(a, b):
        return a[0] * jnp.log(a[0] / b[0]) + (1 - a[0]) * jnp.log((1 - a[0]) / (1 - b[0]))

    def categorical(a, b):
        p, q = (jnp.append(t, 1 - t.sum()) for t in (a, b))
        return jnp.sum(p * jnp.log(p / q))

    def poisson(a, b):
        return a[0] * jnp.log(a[0] / b[0]) - a[0] + b[0]

    def gaussian(a, b):
        return jnp.log(b[1] / a[1]) + (a[1] ** 2 + (a[0] - b[0]) ** 2) / (2 * b[1] ** 2) - 0.5

    return {
        "Bernoulli": bernoulli,
        "Binomial": lambda a, b: 9 * bernoulli(a, b),
        "Categorical": categorical,
        "Poisson": poisson,
        "Gaussian": gaussian,
    }[name]


def chart(name):
    """Coordinates to parameters, in JAX's hands."""
    return {
        "parameters": lambda z: z,
        "log odds": lambda z: jax.nn.softmax(jnp.append(z, 0.0))[:-1],
        "log": jnp.exp,
        "mean and log scale": lambda z: jnp.array([z[0], jnp.exp(z[1])]),
        "mean and variance": lambda z: jnp.array([z[0], jnp.sqrt(z[1])]),
        "natural": lambda z: jnp.array([-0.5 * z[0] / z[1], jnp.sqrt(-0.5 / z[1])]),
    }[name]


FAMILIES = [
    (Bernoulli(0.3), "parameters"),
    (Bernoulli(0.02), "log odds"),
    (Binomial(9, 0.7), "parameters"),
    (Binomial(9, 0.7), "log odds"),
    (Categorical([0.1, 0.2, 0.3, 0.4]), "parameters"),
    (Categorical([0.1, 0.2, 0.3, 0.4]), "log odds"),
    (Poisson(3.0), "parameters"),
    (Poisson(3.0), "log"),
    (Gaussian(-0.7, 0.4), "parameters"),
    (Gaussian(-0.7, 0.4), "mean and log scale"),
    (Gaussian(-0.7, 0.4), "mean and variance"),
    (Gaussian(-0.7, 0.4), "natural"),
]


@pytest.mark.parametrize(("member", "name"), FAMILIES)
def test_fisher_is_jaxs_hessian_of_the_divergence(member, name):
    family, map_, kl = Family(member, name), chart(name), jax_kl(type(member).__name__)
    theta = family.coordinates_of(member)
    hessian = jax.jit(jax.hessian(lambda z: kl(map_(theta), map_(z))))(theta)
    np.testing.assert_allclose(family.fisher(theta), hessian, rtol=1e-10, atol=1e-10)
    other = 0.8 * theta
    ours = kl_between(member, family.distribution(other))
    assert ours == pytest.approx(float(kl(map_(theta), map_(other))), rel=1e-10)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Bernoulli(0.3), stats.bernoulli(0.3)),
        (Binomial(9, 0.7), stats.binom(9, 0.7)),
        (Poisson(3.0), stats.poisson(3.0)),
        (Gaussian(-0.7, 0.4), stats.norm(-0.7, 0.4)),
    ],
)
def test_densities_are_scipys(ours, theirs):
    x = np.array([0.0, 1.0, 1.0, 0.0])
    log_density = theirs.logpdf if isinstance(ours, Gaussian) else theirs.logpmf
    np.testing.assert_allclose(ours.log_density(x), log_density(x), rtol=1e-12)


def test_divergences_are_pytorchs():
    t = torch.tensor
    d = torch.distributions
    pairs = [
        (Bernoulli(0.3), Bernoulli(0.8), d.Bernoulli(t(0.3)), d.Bernoulli(t(0.8))),
        (Poisson(3.0), Poisson(0.5), d.Poisson(t(3.0)), d.Poisson(t(0.5))),
        (Gaussian(1.0, 2.0), Gaussian(0.0, 0.5), d.Normal(t(1.0), t(2.0)), d.Normal(0.0, 0.5)),
        (
            Categorical([0.1, 0.2, 0.7]),
            Categorical([0.5, 0.3, 0.2]),
            d.Categorical(t([0.1, 0.2, 0.7], dtype=torch.float64)),
            d.Categorical(t([0.5, 0.3, 0.2], dtype=torch.float64)),
        ),
    ]
    for ours_p, ours_q, p, q in pairs:
        assert kl_between(ours_p, ours_q) == pytest.approx(float(d.kl_divergence(p, q)), rel=1e-6)
    rng = np.random.default_rng(0)
    means = rng.standard_normal((2, 4))
    roots = rng.standard_normal((2, 4, 4)) + 3 * np.eye(4)
    S = roots @ roots.transpose(0, 2, 1)
    p, q = (d.MultivariateNormal(t(m), t(c)) for m, c in zip(means, S, strict=True))
    expected = float(d.kl_divergence(p, q))
    found = kl_between_gaussians(means[0], S[0], means[1], S[1])
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("member", [Gaussian(0.3, 1.7), Poisson(2.0), Bernoulli(0.2)])
def test_divergence_and_information_within_their_monte_carlo_error(member):
    n = 200_000
    x = member.sample(n, seed=4)
    other = member.with_parameters(0.8 * member.parameters)
    ratios = member.log_density(x) - other.log_density(x)
    assert abs(ratios.mean() - kl_between(member, other)) < 4 * ratios.std() / np.sqrt(n)
    score = member.score(x)
    squares = score[:, :, None] * score[:, None, :]
    error = squares.std(axis=0) / np.sqrt(n)
    assert np.all(np.abs(squares.mean(axis=0) - fisher_information(member)) <= 4 * error + 1e-12)


def test_curvature_is_jaxs():
    """Gaussian curvature from the Riemann tensor, with derivatives by JAX."""

    def metric(z):  # The Gaussians in natural coordinates: the Hessian of the log normalizer.
        return jax.hessian(lambda e: -0.25 * e[0] ** 2 / e[1] - 0.5 * jnp.log(-2 * e[1]))(z)

    @jax.jit
    def christoffel(z):
        g, dg = metric(z), jax.jacfwd(metric)(z)  # dg[i, j, k] = d g_ij / d z_k
        lowered = 0.5 * (
            jnp.einsum("ilj->lij", dg) + jnp.einsum("jli->lij", dg) - jnp.einsum("ijl->lij", dg)
        )
        return jnp.einsum("kl,lij->kij", jnp.linalg.inv(g), lowered)

    z = jnp.array([0.7, -0.9])
    G, dG = christoffel(z), jax.jit(jax.jacfwd(christoffel))(z)
    # R^l_{212}: the only independent component in two dimensions.
    R = [
        dG[k, 1, 1, 0]
        - dG[k, 1, 0, 1]
        + sum(G[k, 0, m] * G[m, 1, 1] - G[k, 1, m] * G[m, 1, 0] for m in range(2))
        for k in range(2)
    ]
    g = metric(z)
    expected = float((g[0, 0] * R[0] + g[0, 1] * R[1]) / jnp.linalg.det(g))
    assert expected == pytest.approx(-0.5, abs=1e-10)
    family = Family(Gaussian(0.0, 1.0), "natural")
    np.testing.assert_allclose(family.fisher(np.array(z)), g, rtol=1e-12)
    assert gaussian_curvature(family.fisher, np.array(z)) == pytest.approx(expected, abs=1e-7)


# --- models -------------------------------------------------------------------------------------


def jax_network(model):
    """The same outputs as a function of theta and one sample, in JAX's hands."""
    layout = model.layout

    def parts(theta):
        return {n: theta[layout.slices[n]].reshape(s) for n, s in layout.shapes.items()}

    if isinstance(model, LinearModel):
        return lambda theta, x: jnp.atleast_1d(x @ parts(theta)["weights"] + parts(theta)["bias"])

    def outputs(theta, x):
        p = parts(theta)
        n_layers = sum(name.endswith("weights") for name in layout.shapes)
        for k in range(1, n_layers + 1):
            x = x @ p[f"{k}.weights"] + p[f"{k}.bias"]
            x = jnp.tanh(x) if k < n_layers else x
        return x

    return outputs


def jax_divergence(cost):
    """The divergence between the distributions that two outputs name."""
    if isinstance(cost, LogisticLoss):
        return lambda z, w: jnp.sum(
            jax.nn.sigmoid(z) * (z - w) + jnp.logaddexp(0, w) - jnp.logaddexp(0, z)
        )
    if isinstance(cost, SoftmaxCrossEntropy):
        return lambda z, w: jnp.sum(
            jax.nn.softmax(z) * (jax.nn.log_softmax(z) - jax.nn.log_softmax(w))
        )
    return lambda z, w: (1.0 if isinstance(cost, SquaredError) else 0.5) * jnp.sum((z - w) ** 2)


RISKS = {
    "linear": EmpiricalRisk(LinearModel(3), HalfSquaredError(), X, NUMBERS),
    "linear, doubled": EmpiricalRisk(LinearModel(3), SquaredError(), X, NUMBERS),
    "logistic": EmpiricalRisk(LinearModel(3), LogisticLoss(), X, BITS),
    "softmax": EmpiricalRisk(Network(3, [Dense(3)]), SoftmaxCrossEntropy(), X, CLASSES),
    "deep": EmpiricalRisk(
        Network(3, [Dense(5, "tanh"), Dense(4, "tanh"), Dense(3)]),
        SoftmaxCrossEntropy(),
        X,
        CLASSES,
    ),
    "deep regression": EmpiricalRisk(
        Network(3, [Dense(4, "tanh"), Dense(2)]), SquaredError(), X, RNG.standard_normal((12, 2))
    ),
}


def point(risk):
    return 0.7 * np.random.default_rng(2).standard_normal(risk.n_parameters)


@pytest.mark.parametrize("name", RISKS)
def test_fisher_of_a_model_is_jaxs_hessian_of_the_mean_divergence(name):
    risk = RISKS[name]
    theta, outputs, divergence = point(risk), jax_network(risk.model), jax_divergence(risk.cost)

    def mean_divergence(t):
        return jnp.mean(jax.vmap(lambda x: divergence(outputs(theta, x), outputs(t, x)))(X))

    expected = np.array(jax.jit(jax.hessian(mean_divergence))(jnp.array(theta)))
    np.testing.assert_allclose(fisher_exact(risk, theta), expected, rtol=1e-9, atol=1e-11)
    v = np.random.default_rng(3).standard_normal(len(theta))
    np.testing.assert_allclose(
        fisher_vector_product(risk, theta, v), expected @ v, rtol=1e-9, atol=1e-11
    )


@pytest.mark.parametrize("name", RISKS)
def test_empirical_fisher_is_made_of_pytorchs_gradients(name):
    risk = RISKS[name]
    theta = point(risk)
    layout, rows = risk.model.layout, []
    for x, y in zip(X, risk.y, strict=True):
        t = torch.tensor(theta, requires_grad=True)
        p = {n: t[layout.slices[n]].reshape(s) for n, s in layout.shapes.items()}
        h = torch.tensor(x)
        if isinstance(risk.model, LinearModel):
            h = h @ p["weights"] + p["bias"]
        else:
            n_layers = sum(n.endswith("weights") for n in layout.shapes)
            for k in range(1, n_layers + 1):
                h = h @ p[f"{k}.weights"] + p[f"{k}.bias"]
                h = torch.tanh(h) if k < n_layers else h
        if isinstance(risk.cost, LogisticLoss):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(h, torch.tensor(float(y)))
        elif isinstance(risk.cost, SoftmaxCrossEntropy):
            loss = torch.nn.functional.cross_entropy(h[None], torch.tensor([int(y)]))
        else:
            scale = 1.0 if isinstance(risk.cost, SquaredError) else 0.5
            loss = scale * torch.sum((h - torch.tensor(y)) ** 2)
        loss.backward()
        rows.append(t.grad.numpy())
    rows = np.array(rows)
    np.testing.assert_allclose(
        empirical_fisher(risk, theta), rows.T @ rows / len(rows), rtol=1e-9, atol=1e-11
    )


def test_pairs_are_pytorchs_gradients_at_the_layers():
    risk = RISKS["deep"]
    theta, layout = point(risk), risk.model.layout
    p = {n: torch.tensor(theta[layout.slices[n]].reshape(s)) for n, s in layout.shapes.items()}
    h, inputs, sums = torch.tensor(X), [], []
    for k in (1, 2, 3):
        inputs.append(h)
        z = (h @ p[f"{k}.weights"] + p[f"{k}.bias"]).requires_grad_()
        z.retain_grad()
        sums.append(z)
        h = torch.tanh(z) if k < 3 else z
    torch.nn.functional.cross_entropy(h, torch.tensor(CLASSES), reduction="sum").backward()
    z = risk.model.predict(theta, X)
    pairs = dense_pairs(risk.model, theta, X, risk.cost.derivative(z, risk.y))
    for pair, a, s in zip(pairs, inputs, sums, strict=True):
        np.testing.assert_allclose(pair.inputs, a.detach().numpy(), rtol=1e-10)
        np.testing.assert_allclose(pair.gradients, s.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_conjugate_gradients_are_scipys():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((40, 40))
    A, b = root @ root.T + np.eye(40), rng.standard_normal(40)
    iterates = []
    sparse.linalg.cg(A, b, rtol=1e-12, callback=lambda x: iterates.append(x.copy()))
    for n in (1, 5, 15):
        ours = solve_by_products(lambda v: A @ v, b, max_iterations=n, tol=0.0).x
        np.testing.assert_allclose(ours, iterates[n - 1], rtol=1e-9, atol=1e-12)


def test_a_natural_step_of_a_network_is_jaxs():
    risk = RISKS["deep"]
    theta, outputs, divergence = point(risk), jax_network(risk.model), jax_divergence(risk.cost)

    def mean_divergence(t):
        return jnp.mean(jax.vmap(lambda x: divergence(outputs(theta, x), outputs(t, x)))(X))

    def loss(t):
        scores = jax.nn.log_softmax(jax.vmap(lambda x: outputs(t, x))(X))
        return -jnp.mean(scores[jnp.arange(len(X)), CLASSES])

    F = np.array(jax.jit(jax.hessian(mean_divergence))(jnp.array(theta)))
    g = np.array(jax.jit(jax.grad(loss))(jnp.array(theta)))
    expected = -0.3 * np.linalg.solve(F + 1e-3 * np.eye(len(theta)), g)
    for solver in ("direct", "conjugate gradients"):
        optimizer = NaturalGradient(0.3, damping=1e-3, solver=solver, tol=1e-13)
        context = StepContext(risk, risk.value(theta))
        step = optimizer.update(risk.gradient(theta), optimizer.init(theta), theta, context)
        np.testing.assert_allclose(step, expected, rtol=1e-7, atol=1e-9)
