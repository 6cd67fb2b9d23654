"""What is measured: contenders that do the same work on the same data, and ratios to reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

#: What is timed.
Run = Callable[[], Any]
#: Prepares, from the data, what is timed: buffers and models that a user, too, makes once.
Contender = Callable[[Any], Run]


@dataclass(frozen=True)
class Target:
    """The largest ratio of our time to a peer's that will do.

    Attributes
    ----------
    ours, peer
        Names of contenders.
    most
        The ratio, with numba where the workload has compiled loops.
    most_without_numba
        The ratio where numba is not there; the same one if None.
    as_share
        Whether the peer is a ceiling, and what is told is the share of it that we reach.
    """

    ours: str
    peer: str
    most: float
    most_without_numba: float | None = None
    as_share: bool = False

    def at_most(self, compiled: bool) -> float:
        if compiled or self.most_without_numba is None:
            return self.most
        return self.most_without_numba


@dataclass(frozen=True)
class Workload:
    """A piece of work and those who do it.

    Attributes
    ----------
    title
        For the table.
    data
        Makes what all contenders are given; with ``True``, a tiny piece of it, for tests and for
        warming up.
    contenders
        By name. Ours begin with "ours".
    targets
        What to reach. May be empty.
    compiled_loops
        Whether the library has loops here that numba compiles: it is then measured with and
        without.
    reached
        What was reached, a name and a function of the data and of what a run returned: the same
        work, or better.
    no_less_accurate
        A contender of ours and a peer, where what is reached is an error and ours is to be no
        larger.
    """

    title: str
    data: Callable[[bool], Any]
    contenders: Mapping[str, Contender]
    targets: tuple[Target, ...] = ()
    compiled_loops: bool = False
    reached: tuple[str, Callable[[Any, Any], float]] | None = None
    no_less_accurate: tuple[str, str] | None = None


class SelfMeasured(NamedTuple):
    """What a run returns that takes place in a process of its own."""

    seconds: float
    bytes: int
