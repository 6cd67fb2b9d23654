r"""Five mistakes that people make on the way back, to be caught by a gradient check.

Chapter: *Backpropagation*. A `FaultyDense` is a `Dense` whose way forward is right and whose way
back has one mistake. Nothing crashes and all shapes fit. Worse: most networks made of it learn,
because a step that is only roughly downhill still goes down. So neither a falling loss nor a good
accuracy shows that a gradient is right; a comparison with differences does.

==================== ============================ ==============================================
fault                right                        what this layer does
==================== ============================ ==============================================
``untransposed``     :math:`\delta W^\top`        :math:`\delta W`, which fits a square matrix
``no slope``         :math:`\delta \odot f'(Z)`   :math:`\delta`
``slope misfed``     :math:`A \odot (1 - A)`      :math:`Z \odot (1 - Z)`: the formula for the
                                                  output, fed with the input
``bias averaged``    :math:`1^\top \delta`        :math:`\frac1n 1^\top \delta`, although the
                                                  cost has divided by :math:`n` already
``overwritten``      :math:`X^\top \delta`        :math:`x_n \delta_n^\top`: ``=`` for ``+=`` in a
                                                  loop over samples, so that the last one is left
==================== ============================ ==============================================
"""

from __future__ import annotations

from typing import Any

import numpy as np

from course_lib.activations import Activation, Elementwise
from course_lib.networks.layers import Dense, Parts, sum_over_samples
from course_lib.validation import FloatArray, check_choice

#: The faults by name, as in the table of the module.
FAULTS = ("untransposed", "no slope", "slope misfed", "bias averaged", "overwritten")


class FaultyDense(Dense):
    """A `Dense` layer with a mistake on the way back.

    Parameters
    ----------
    n_outputs, activation
        As of `Dense`. The activation is one whose slope can be told from its output.
    fault
        One of `FAULTS`.
    """

    def __init__(self, n_outputs: int, activation: str | Activation, fault: str) -> None:
        super().__init__(n_outputs, activation)
        self.fault = check_choice("fault", fault, FAULTS)
        if not isinstance(self.activation, Elementwise) or self.activation.saves != "activation":
            raise ValueError(
                "activation must be one whose slope can be told from its output, such as 'tanh', "
                f"got {self.activation!r}"
            )

    def _prepare(self, rng: np.random.Generator | None) -> None:
        super()._prepare(rng)
        if self.fault == "untransposed" and self.n_inputs != self.n_outputs:
            raise ValueError(
                "the fault 'untransposed' goes unnoticed in square layers only, got "
                f"{self.n_inputs} inputs and {self.n_outputs} outputs"
            )

    def forward(self, parts: Parts, x: FloatArray, training: bool) -> tuple[FloatArray, Any]:
        z = np.dot(x, parts["weights"]) + parts["bias"]
        return self.activation(z), (x, z)

    def backward(
        self,
        parts: Parts,
        saved: Any,
        upstream: FloatArray,
        gradients: Parts,
        wants_input: bool = True,
    ) -> FloatArray | None:
        x, z = saved
        if self.fault == "no slope":
            delta = upstream
        else:
            misfed = self.fault == "slope misfed"
            delta = self.activation.backward(upstream, z if misfed else self.activation(z))
        if self.fault == "overwritten":
            np.dot(x[-1:].T, delta[-1:], out=gradients["weights"])
        else:
            np.dot(x.T, delta, out=gradients["weights"])
        sum_over_samples(delta, out=gradients["bias"])
        if self.fault == "bias averaged":
            gradients["bias"] /= len(x)
        weights = parts["weights"]
        return np.dot(delta, weights if self.fault == "untransposed" else weights.T)

    def __repr__(self) -> str:
        return f"FaultyDense({self.units}, {self.activation!r}, {self.fault!r})"
