r"""Activations: what a neuron does to its weighted sum.

Chapters: *Backpropagation*, *Vanishing and exploding gradients*. A neuron receives the
*pre-activation* :math:`z = w^\top x + b` and answers with the *activation* :math:`a = f(z)`.

The derivative :math:`f'(z)` can often be written in terms of either. Both spellings are called
"the derivative" in books and listings, and one in the place of the other is wrong without a word:
:math:`a (1 - a)` fed with :math:`z` returns nonsense of the right shape. Here the argument must say
which it is:

>>> float(sigmoid.derivative(pre_activation=0.0)), float(sigmoid.derivative(activation=0.5))
(0.25, 0.25)

The table of the package. The last column is empty where the function is not monotone: there the
activation does not determine the slope.

============== ========================= ============================== =======================
activation     value                     slope from :math:`z`           slope from :math:`a`
============== ========================= ============================== =======================
``identity``   z                         1                              1
``step``       1 if z > 0 else 0         0                              0
``sigmoid``    1 / (1 + e⁻ᶻ)             e⁻ᶻ / (1 + e⁻ᶻ)²               a (1 − a)
``tanh``       tanh z                    1 / cosh² z                    1 − a²
``relu``       max(0, z)                 1 if z > 0 else 0              1 if a > 0 else 0
``leaky_relu`` max(s z, z)               1 if z > 0 else s              1 if a > 0 else s
``elu``        z if z > 0 else α(eᶻ − 1) 1 if z > 0 else α eᶻ           1 if a > 0 else a + α
``selu``       λ elu(z)                  λ if z > 0 else λα eᶻ          λ if a > 0 else a + λα
``softplus``   log(1 + eᶻ)               σ(z)                           1 − e⁻ᵃ
``gelu``       z Φ(z)                    Φ(z) + z φ(z)
``gelu_tanh``  z σ(2u)                   σ(2u) + 2 z u′ σ(2u) σ(−2u)
``swish``      z σ(βz)                   σ(βz) + βz σ(βz) σ(−βz)
``mish``       z g, g = tanh(softplus z) g + z σ(z) (1 − g²)
``softmax``    eᶻ / Σ eᶻ                 a matrix                       aᵢ (δᵢⱼ − aⱼ)
============== ========================= ============================== =======================

At the kink of ``relu``, ``leaky_relu`` and of an ``elu`` with α ≠ 1 the slope is the one on the
left, as in PyTorch.
"""

from course_lib.activations.base import Activation, Elementwise
from course_lib.activations.gated import (
    GELU,
    GELUTanh,
    Mish,
    Swish,
    gelu,
    gelu_tanh,
    mish,
    swish,
)
from course_lib.activations.rectifiers import (
    ELU,
    SELU,
    Identity,
    LeakyReLU,
    ReLU,
    Softplus,
    elu,
    identity,
    leaky_relu,
    relu,
    selu,
    softplus,
)
from course_lib.activations.squashing import (
    Sigmoid,
    Softmax,
    Step,
    Tanh,
    log_softmax,
    sigmoid,
    softmax,
    step,
    tanh,
)
from course_lib.validation import check_choice

ACTIVATIONS: dict[str, Activation] = {
    "identity": identity,
    "step": step,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "softplus": softplus,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "swish": swish,
    "mish": mish,
    "softmax": softmax,
}


def named_activation(activation: str | Activation) -> Activation:
    """Return the activation of that name with its usual constants, or the one given."""
    if isinstance(activation, Activation):
        return activation
    return ACTIVATIONS[check_choice("activation", activation, ACTIVATIONS)]


__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "SELU",
    "Activation",
    "Elementwise",
    "GELUTanh",
    "Identity",
    "LeakyReLU",
    "Mish",
    "ReLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Step",
    "Swish",
    "Tanh",
    "elu",
    "gelu",
    "gelu_tanh",
    "identity",
    "leaky_relu",
    "log_softmax",
    "mish",
    "named_activation",
    "relu",
    "selu",
    "sigmoid",
    "softmax",
    "softplus",
    "step",
    "swish",
    "tanh",
]
