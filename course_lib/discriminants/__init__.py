"""Discriminants: directions along which classes differ most.

Chapter: *LDA and PCA*. The scatter matrices, the ratio that Fisher's criterion maximizes and its
solutions are plain mathematics and load with this package; the estimator
`LinearDiscriminantAnalysis` needs scikit-learn and loads when it is first named.
"""

from typing import TYPE_CHECKING, Any

from course_lib.discriminants.fisher import (
    DiscriminantDirections,
    FisherDirection,
    discriminant_directions,
    fisher_direction,
)
from course_lib.discriminants.rayleigh import RayleighQuotient, rayleigh_quotient
from course_lib.discriminants.scatter import ScatterMatrices, scatter_matrices
from course_lib.discriminants.shrinkage import (
    ledoit_wolf_intensity,
    pooled_ledoit_wolf,
    shrink_to_identity,
)
from course_lib.discriminants.threshold import Cut, best_cut, gaussian_error

if TYPE_CHECKING:
    from course_lib.discriminants.lda import DiscardedDirectionsWarning, LinearDiscriminantAnalysis

__all__ = [
    "Cut",
    "DiscardedDirectionsWarning",
    "DiscriminantDirections",
    "FisherDirection",
    "LinearDiscriminantAnalysis",
    "RayleighQuotient",
    "ScatterMatrices",
    "best_cut",
    "discriminant_directions",
    "fisher_direction",
    "gaussian_error",
    "ledoit_wolf_intensity",
    "pooled_ledoit_wolf",
    "rayleigh_quotient",
    "scatter_matrices",
    "shrink_to_identity",
]


def __getattr__(name: str) -> Any:
    if name in ("DiscardedDirectionsWarning", "LinearDiscriminantAnalysis"):
        from course_lib.discriminants import lda

        return getattr(lda, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
