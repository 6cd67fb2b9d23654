"""Companion library of *Downhill: gradient-based learning from cost functions to curvature*.

Everything learns by moving one flat parameter vector. A model owns a map from names to views of
that vector, an objective turns the vector into a value and a gradient, an optimizer turns a
gradient into a step, and a run is the loop whose return value is the whole history::

    data -> model + cost + penalty -> objective(theta, batch) -> optimizer -> trace -> figure

The modules stand on four floors, and imports only go down:

1. plain mathematics: costs, schedules, rates of convergence, data sets;
2. things that learn: objectives, models, optimizers, line searches;
3. runs: the descent loop, its stopping rules and its trace;
4. presentation: figures, explorables and the parts of a lesson.

``import course_lib`` loads none of them: a submodule loads when it is first used.
"""

from importlib import import_module
from types import ModuleType

__version__ = "0.1.0"

SUBMODULES = (
    # Floor 1: plain mathematics.
    "activations",
    "augmentation",
    "batching",
    "compiled",
    "costs",
    "datasets",
    "initializers",
    "likelihoods",
    "momentum_rates",
    "noise_ball",
    "penalties",
    "preprocessing",
    "rates",
    "schedules",
    "spectral_filters",
    "validation",
    # Floor 2: things that learn.
    "gradient_check",
    "information_geometry",
    "line_search",
    "linear_models",
    "networks",
    "objectives",
    "oja",
    "optimizers",
    "parameters",
    "tape",
    # Floor 3: runs.
    "averaging",
    "descent",
    "discriminants",
    "estimator",
    "linear_learners",
    "multilayer",
    "pca",
    "quasi_newton",
    "stopping",
    "trace",
    "training",
    # Floor 4: presentation.
    "checks",
    "explorables",
    "figures",
    "grading",
    "lesson",
)

__all__ = ["__version__", *SUBMODULES]


def __getattr__(name: str) -> ModuleType:
    if name in SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
