"""Optimizers: each is an `init` and an `update` on the flat parameter vector.

Chapters: *Gradient descent*, *Momentum and adaptive optimizers*.
"""

from collections.abc import Callable
from typing import Any

from course_lib.optimizers.adam import Adam, AdamW
from course_lib.optimizers.adam_variants import AMSGrad, Nadam
from course_lib.optimizers.adaptive import AdaDelta, AdaGrad, RMSProp
from course_lib.optimizers.base import Optimizer, State
from course_lib.optimizers.conjugate_gradient import ConjugateGradient
from course_lib.optimizers.first_order import FirstOrder
from course_lib.optimizers.gradient_descent import GradientDescent
from course_lib.optimizers.momentum import (
    Momentum,
    Nesterov,
    accelerated_momentum,
    classical_velocity,
)
from course_lib.optimizers.newton import Newton
from course_lib.optimizers.sgd import SGD
from course_lib.optimizers.transforms import (
    Chain,
    Link,
    accumulate,
    add_weight_decay,
    chain,
    clip_by_norm,
    clip_by_value,
    direction_of,
    rescale,
    scale_by_step_size,
)
from course_lib.validation import check_choice

#: Every optimizer of the course, by name.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "gradient_descent": GradientDescent,
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "adadelta": AdaDelta,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
    "amsgrad": AMSGrad,
    "nadam": Nadam,
    "newton": Newton,
    "conjugate_gradient": ConjugateGradient,
}


def named_optimizer(name: str, **settings: Any) -> Optimizer:
    """Return the optimizer called ``name``, with its own default for every setting not given.

    `NaturalGradient` and `KFAC` have no name here: they ask the objective for the likelihood of its
    model, which a function of ``theta`` has not. Make them from `course_lib.information_geometry`.

    Examples
    --------
    >>> named_optimizer("momentum", step_size=0.1, momentum=0.95)
    Momentum(step_size=0.1, momentum=0.95, form='classical')
    """
    return OPTIMIZERS[check_choice("optimizer", name, OPTIMIZERS)](**settings)


__all__ = [
    "OPTIMIZERS",
    "SGD",
    "AMSGrad",
    "AdaDelta",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Chain",
    "ConjugateGradient",
    "FirstOrder",
    "GradientDescent",
    "Link",
    "Momentum",
    "Nadam",
    "Nesterov",
    "Newton",
    "Optimizer",
    "RMSProp",
    "State",
    "accelerated_momentum",
    "accumulate",
    "add_weight_decay",
    "chain",
    "classical_velocity",
    "clip_by_norm",
    "clip_by_value",
    "direction_of",
    "named_optimizer",
    "rescale",
    "scale_by_step_size",
]
