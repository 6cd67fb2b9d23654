r"""Information geometry: families of distributions as surfaces, and descent along them.

Chapter: *Natural gradient*.

================== ================================================================================
module             holds
================== ================================================================================
`families`         distributions in coordinates; score; Fisher information in closed form
`divergences`      Kullback-Leibler divergence and Fisher-Rao distance in closed form
`curvature`        the curvature of a surface with a given metric
`fisher`           the Fisher matrix of a model: exact, by Monte Carlo, and what is taken for it
`linear_solver`    conjugate gradients, for a matrix known by its products
`natural_gradient` the optimizer
`kronecker`        K-FAC, the approximation for dense networks
`layerwise`        what these need to know of a model's layers
================== ================================================================================
"""

from course_lib.information_geometry.curvature import gaussian_curvature
from course_lib.information_geometry.divergences import (
    fisher_rao_distance,
    kl_between,
    kl_between_gaussians,
)
from course_lib.information_geometry.families import (
    COORDINATES,
    Coordinates,
    Family,
    NegativeLogLikelihood,
    Poisson,
    fisher_information,
)
from course_lib.information_geometry.fisher import (
    MonteCarloFisher,
    empirical_fisher,
    fisher_exact,
    fisher_monte_carlo,
    fisher_vector_product,
    model_labels,
)
from course_lib.information_geometry.kronecker import KFAC, KroneckerFactors
from course_lib.information_geometry.layerwise import DensePair, dense_pairs, per_sample_gradients
from course_lib.information_geometry.linear_solver import LinearSolution, solve_by_products
from course_lib.information_geometry.natural_gradient import NaturalGradient, natural_direction

__all__ = [
    "COORDINATES",
    "KFAC",
    "Coordinates",
    "DensePair",
    "Family",
    "KroneckerFactors",
    "LinearSolution",
    "MonteCarloFisher",
    "NaturalGradient",
    "NegativeLogLikelihood",
    "Poisson",
    "dense_pairs",
    "empirical_fisher",
    "fisher_exact",
    "fisher_information",
    "fisher_monte_carlo",
    "fisher_rao_distance",
    "fisher_vector_product",
    "gaussian_curvature",
    "kl_between",
    "kl_between_gaussians",
    "model_labels",
    "natural_direction",
    "per_sample_gradients",
    "solve_by_products",
]
