"""What the backward sweep is. Checks of claims about the chain rule, and about who does what."""

from __future__ import annotations

import numpy as np

from course_lib import tape
from course_lib.activations import sigmoid
from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.gradient_check import check_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.networks import Dense, FaultyDense, Network
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.tape import Variable
from course_lib.validation import FloatArray


def small_risk(hidden: int = 4) -> tuple[EmpiricalRisk, FloatArray]:
    """Return the risk of a small tanh network on random data, and a point away from zero."""
    rng = np.random.default_rng(3)
    network = Network(3, [Dense(hidden, "tanh"), Dense(2, "tanh")])
    X, y = rng.standard_normal((20, 3)), rng.uniform(-0.8, 0.8, (20, 2))
    risk = EmpiricalRisk(network, HalfSquaredError(), X, y)
    return risk, network.initial_parameters(seed=3)


def partial_derivatives_lower_the_loss() -> Evidence:
    """Compare backpropagation with differences, and follow its steps downhill."""
    risk, theta = small_risk()
    check = check_gradient(risk, theta, tolerance=10.0)
    trace = descend(risk, theta, GradientDescent(0.1), max_iterations=100)
    too_long = descend(risk, theta, GradientDescent(20.0), max_iterations=1)
    assert too_long.value[1] > too_long.value[0]
    falls = bool((np.diff(trace.value) < 0).all())
    return Evidence(
        supports=check.relative_error < 1e-7 and falls,
        contradicts=not (check.relative_error < 1e-7 and falls),
        parameters=risk.n_parameters,
        agree="below 1e-07" if check.relative_error < 1e-7 else f"{check.relative_error:.0e}",
        before=trace.value[0],
        after=trace.value[-1],
        too_long=too_long.value[1],
    )


def backward_pass_moves_no_weight() -> Evidence:
    """Run the backward pass, look at the weights, and use one gradient in two ways."""
    risk, theta = small_risk()
    before = theta.copy()
    value, gradient = risk.value_and_gradient(theta)
    moved = int(np.count_nonzero(theta != before))
    lower, higher = risk.value(theta - 0.1 * gradient), risk.value(theta + 0.1 * gradient)
    return Evidence(
        supports=lower < value,
        contradicts=moved == 0 and higher > value,
        moved=moved,
        parameters=len(theta),
        value=value,
        lower=lower,
        higher=higher,
    )


def errors_go_back_through_transposed_weights() -> Evidence:
    """Send the error back through the weights as they are, and through their transpose."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 5)), rng.standard_normal((20, 2))
    errors = {}
    for name, middle in [
        ("transposed", Dense(5, "tanh")),
        ("as they are", FaultyDense(5, "tanh", "untransposed")),
    ]:
        network = Network(5, [Dense(5, "tanh"), middle, Dense(2)])
        risk = EmpiricalRisk(network, HalfSquaredError(), X, y)
        theta = network.initial_parameters(seed=0)
        check = check_gradient(risk, theta, tolerance=10.0)
        errors[name] = check.by_part(network.layout)["1.weights"]
    right = errors["transposed"] < 1e-7
    return Evidence(
        supports=right and errors["as they are"] > 0.1,
        contradicts=not right,
        right="below 1e-07" if right else f"{errors['transposed']:.0e}",
        wrong=errors["as they are"],
    )


def the_sixties_knew_the_sweep() -> Evidence:
    """Compute a gradient by the adjoint recursion of optimal control and by the tape."""
    # x_{k+1} = x_k + h (u_k - x_k^3), and the cost x_K^2 + h sum u_k^2, as in Kelley and Bryson.
    steps, h = 30, 0.1
    control = 0.5 * np.cos(np.arange(steps))
    states = [0.8]
    for u in control:
        states.append(states[-1] + h * (u - states[-1] ** 3))
    adjoint, adjoint_gradient = 2.0 * states[-1], np.empty(steps)
    for k in range(steps - 1, -1, -1):
        adjoint_gradient[k] = adjoint * h + 2.0 * h * control[k]
        adjoint = adjoint * (1.0 - 3.0 * h * states[k] ** 2)

    u = Variable(control)
    x, running = Variable(0.8), Variable(0.0)
    for k in range(steps):
        running = running + h * u[k] ** 2
        x = x + h * (u[k] - x**3)
    (x**2 + running).backward()
    same = bool(np.allclose(u.gradient, adjoint_gradient, rtol=1e-12, atol=1e-14))

    published = {"kelley": 1960, "linnainmaa": 1970, "werbos": 1974, "rumelhart": 1986}
    return Evidence(
        supports=same and min(published.values()) // 10 == 196,
        contradicts=published["linnainmaa"] < 1980 and published["werbos"] < 1980,
        steps=steps,
        digits=12 if same else 0,
        reverse_mode=str(published["linnainmaa"]),
        networks=str(published["werbos"]),
        lead=published["rumelhart"] - published["linnainmaa"],
    )


def derivatives_of_compositions_multiply() -> Evidence:
    """Differentiate a composition of numbers and one of vectors, both ways."""
    x, h = 0.7, 1e-6
    product = np.exp(np.sin(x)) * np.cos(x)
    measured = (np.exp(np.sin(x + h)) - np.exp(np.sin(x - h))) / (2 * h)

    rng = np.random.default_rng(1)
    A, c, point = rng.standard_normal((4, 3)), rng.standard_normal(4), rng.standard_normal(3)
    jacobian = (1.0 - np.tanh(A @ point) ** 2)[:, None] * A
    carried_back = jacobian.T @ c
    slopes = [
        (c @ np.tanh(A @ (point + h * e)) - c @ np.tanh(A @ (point - h * e))) / (2 * h)
        for e in np.eye(3)
    ]
    right = abs(product - measured) < 1e-8 and np.allclose(carried_back, slopes, atol=1e-8)
    return Evidence(
        supports=right,
        contradicts=not right,
        product=product,
        measured=measured,
        first=carried_back[0],
        first_measured=slopes[0],
    )


def slope_of_the_sigmoid() -> Evidence:
    """Compare the slope with differences, and feed its formula with the wrong argument."""
    z = np.linspace(-8.0, 8.0, 401)
    h = 1e-5
    measured = (sigmoid(z + h) - sigmoid(z - h)) / (2 * h)
    a = sigmoid(z)
    error = np.abs(a * (1 - a) - measured).max()
    misfed = np.abs(z * (1 - z) - measured)
    variable = Variable(z)
    tape.sigmoid(variable).sum().backward()
    assert np.allclose(variable.gradient, a * (1 - a), atol=1e-15)
    return Evidence(
        supports=error < 1e-9,
        contradicts=error >= 1e-9,
        bound=1e-9,
        misfed=misfed.max(),
        at=z[misfed.argmax()],
    )
