"""What the source documents say, and what becomes of it when it is computed.

The book grew out of five documents on gradient-based learning. Their checkable statements are kept
as data: who says what, whether it holds, what is right, where that is proved. Beside every claim
stands a check, a short function that puts the claim to the test with the course's own code and
concludes a verdict. The numbers on the page come from these checks while the page is made, and a
check that does not conclude the printed verdict stops the page.

`claims` shows them. Every chapter has a folder here, with a file of claims for every subject and,
beside it, the module with their checks.
"""

from course_lib.lesson.claims.evidence import Evidence, Finding, VerdictMismatch, examine
from course_lib.lesson.claims.ledger import (
    CHAPTERS,
    Chapter,
    Claim,
    LedgerError,
    Subject,
    load_chapter,
    load_references,
)
from course_lib.lesson.claims.table import ClaimsTable, claims

__all__ = [
    "CHAPTERS",
    "Chapter",
    "Claim",
    "ClaimsTable",
    "Evidence",
    "Finding",
    "LedgerError",
    "Subject",
    "VerdictMismatch",
    "claims",
    "examine",
    "load_chapter",
    "load_references",
]
