"""From a claim to a finding: run its check and compare what it concludes with the ledger."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from course_lib.descent import DivergenceWarning
from course_lib.lesson.claims.ledger import CHAPTERS, VERDICTS, Claim
from course_lib.lesson.claims.markup import fill

Number = int | float | str


class VerdictMismatch(AssertionError):
    """A check does not conclude the verdict that the ledger prints."""


class Evidence:
    """What a check found.

    Parameters
    ----------
    supports
        Whether a case was met in which the claim, as the documents word it, is right.
    contradicts
        Whether a case was met in which it is wrong.
    **numbers
        The numbers to be shown.

    Notes
    -----
    The verdict follows: supported and never contradicted, a claim *holds*; supported here and
    contradicted there, it *holds if* a condition is met; only contradicted, it *does not hold*.

    Examples
    --------
    >>> Evidence(supports=True, contradicts=True, factor=0.81).verdict
    'conditional'
    """

    def __init__(self, *, supports: bool, contradicts: bool, **numbers: Number) -> None:
        self.supports = bool(supports)
        self.contradicts = bool(contradicts)
        self.numbers = numbers

    @property
    def verdict(self) -> str:
        """The verdict that the cases amount to: ``holds``, ``conditional`` or ``wrong``."""
        if not (self.supports or self.contradicts):
            raise VerdictMismatch("the check met neither a case for the claim nor one against it")
        if not self.contradicts:
            return "holds"
        return "conditional" if self.supports else "wrong"


@dataclass(frozen=True)
class Finding:
    """A claim, and the sentence that says what its check found."""

    claim: Claim
    sentence: str


def check_of(claim: Claim) -> Callable[[], Evidence]:
    """Return the function that puts ``claim`` to the test.

    Raises
    ------
    LookupError
        If the module beside the claim defines no such function.
    """
    module = import_module(f"{__package__}.{CHAPTERS[claim.chapter]}.{claim.subject}")
    check = getattr(module, claim.check, None)
    if not callable(check):
        raise LookupError(
            f"claim {claim.id} names the check {claim.check!r}, which {module.__name__} does not "
            "define"
        )
    return check


def examine(claim: Claim) -> Finding:
    """Put ``claim`` to the test and return what was found.

    Raises
    ------
    VerdictMismatch
        If the check concludes another verdict than the ledger prints.
    """
    with warnings.catch_warnings():
        # Some claims are refuted by a run that diverges; the check says so itself.
        warnings.simplefilter("ignore", DivergenceWarning)
        try:
            evidence = check_of(claim)()
            concluded = evidence.verdict
        except AssertionError as error:
            raise VerdictMismatch(
                f"claim {claim.id} ({claim.check}) is not borne out: {error or 'a check failed'}"
            ) from error
    if concluded != claim.verdict:
        raise VerdictMismatch(
            f"claim {claim.id}: the ledger says {VERDICTS[claim.verdict]!r}, its check "
            f"{claim.check} concludes {VERDICTS[concluded]!r}"
        )
    return Finding(claim, fill(claim.shows, evidence.numbers, where=f"claim {claim.id}"))
