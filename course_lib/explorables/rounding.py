"""Numbers as a page shows them: the same on every processor, and readable aloud.

The stored outputs of the notebooks are compared character by character. Two processors may differ
in the last bit of a result; rounding hides that, except where the exact result is a tie such as
0.9025 or 12.5, which the last bit then decides. Exact results at ties are common (they come from
round inputs), so every number is nudged by far more than the noise and far less than the last
digit shown. A tie then always falls to the same side.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_NUDGE = 1.7e-9
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def steady_integers(values: ArrayLike) -> NDArray[np.int64]:
    """Round to integers so that noise in the last bits cannot flip a tie.

    The nudge is absolute: coordinates of a drawing are a few thousand at most.
    """
    return np.floor(np.asarray(values, dtype=float) + 0.5 + 1e-5).astype(np.int64)


def decimal(value: float, digits: int = 3) -> str:
    """Return ``value`` with a fixed number of decimals and a true minus sign.

    Examples
    --------
    >>> decimal(0.9025), decimal(-1, 1)
    ('0.903', '−1.0')
    """
    text = f"{_nudged(value):.{digits}f}"
    if not text.strip("-0."):  # -0.000 is a zero
        text = text.lstrip("-")
    return text.replace("-", "−")


def scientific(value: float, digits: int = 1) -> str:
    """Return ``value`` as a mantissa times a power of ten, in characters that need no markup.

    Examples
    --------
    >>> scientific(3.24e-7), scientific(0.0), scientific(1e-6, 0)
    ('3.2 × 10⁻⁷', '0', '10⁻⁶')
    """
    if value == 0:
        return "0"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    mantissa, exponent = f"{_nudged(value):.{digits}e}".split("e")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    if digits == 0 and mantissa == "1":
        return power
    return f"{mantissa.replace('-', '−')} × {power}"


def compact(value: float, digits: int = 3) -> str:
    """Return ``value`` with some significant digits: plain if of ordinary size, else scientific.

    Examples
    --------
    >>> compact(0.0523), compact(1905.3), compact(2.5e-8)
    ('0.0523', '1910', '2.50 × 10⁻⁸')
    """
    if value == 0 or not math.isfinite(value):
        return scientific(value)
    magnitude = int(f"{_nudged(value):.{digits - 1}e}".split("e")[1])  # as rounded: 0.9999 is 1.00
    if not -4 <= magnitude < 6:
        return scientific(value, digits - 1)
    decimals = digits - 1 - magnitude
    if decimals < 0:
        return decimal(round(_nudged(value), decimals), 0)
    return decimal(value, decimals)


def _nudged(value: float) -> float:
    return float(value) * (1 + _NUDGE)
