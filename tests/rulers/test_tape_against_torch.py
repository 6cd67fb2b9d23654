"""The tape against PyTorch's autograd, operation by operation, in double precision."""

import numpy as np
import pytest
import torch

from course_lib import tape
from course_lib.tape import Variable

PAIRS = {
    "add": (lambda a, b: a + b, lambda a, b: a + b),
    "subtract": (lambda a, b: 1.0 - a - b, lambda a, b: 1.0 - a - b),
    "multiply": (lambda a, b: a * b, lambda a, b: a * b),
    "divide": (lambda a, b: a / b + 2.0 / a, lambda a, b: a / b + 2.0 / a),
    "power": (lambda a, b: a**3 * b**-2, lambda a, b: a**3 * b**-2),
    "product": (lambda a, b: a @ b.T, lambda a, b: a @ b.T),
    "maximum": (tape.maximum, torch.maximum),
    "exp log": (
        lambda a, b: tape.exp(a) * tape.log(b * b),
        lambda a, b: torch.exp(a) * torch.log(b * b),
    ),
    "squashed": (
        lambda a, b: tape.tanh(a) * tape.sigmoid(b),
        lambda a, b: torch.tanh(a) * torch.sigmoid(b),
    ),
    "rectified": (
        lambda a, b: tape.relu(a) + tape.absolute(b),
        lambda a, b: torch.relu(a) + torch.abs(b),
    ),
    "erf": (lambda a, b: tape.erf(a) * tape.erf(b), lambda a, b: torch.erf(a) * torch.erf(b)),
    "softplus": (
        lambda a, b: tape.softplus(a) - b,
        lambda a, b: torch.logaddexp(a, torch.zeros_like(a)) - b,
    ),
    "logsumexp": (
        lambda a, b: tape.logsumexp(a, axis=0) + tape.logsumexp(b, axis=0),
        lambda a, b: torch.logsumexp(a, 0) + torch.logsumexp(b, 0),
    ),
    "max": (
        lambda a, b: a.max(axis=1) * b.max(axis=1),
        lambda a, b: torch.amax(a, 1) * torch.amax(b, 1),
    ),
    "index": (
        lambda a, b: a[[0, 0, 2]] * b[:, [1, 1]].mean(),
        lambda a, b: a[[0, 0, 2]] * b[:, [1, 1]].mean(),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 50.0, 300.0])
def test_agrees(name, scale):
    ours, theirs = PAIRS[name]
    rng = np.random.default_rng(0)
    values = [scale * rng.standard_normal((3, 4)) for _ in range(2)]
    values[1][0] = values[0][0]  # Ties.
    a, b = map(Variable, values)
    x, y = (torch.tensor(value, requires_grad=True) for value in values)
    mine, reference = ours(a, b).sum(), theirs(x, y).sum()
    mine.backward()
    reference.backward()
    np.testing.assert_allclose(mine.value, reference.item(), rtol=1e-12)
    for variable, tensor in ((a, x), (b, y)):
        grad = tensor.grad.numpy()
        np.testing.assert_allclose(
            variable.gradient, grad, rtol=1e-10, atol=1e-14 * max(1.0, np.abs(grad).max())
        )
