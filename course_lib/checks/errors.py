"""What went wrong on the learner's side, in one type."""

from __future__ import annotations

KINDS = ("missing", "raised", "timeout", "crashed", "not-plain", "too-large", "refused")


class AnswerError(Exception):
    """The code under judgement gave no answer that can be compared.

    Parameters
    ----------
    kind
        One of `KINDS`.
    message
        A sentence for the learner.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
