"""What a kind of hostile code is, and the class in which it does its work."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.grading.assignment import Assignment
from tests.grading.hostile.files import FULL, RIGHT

#: Said by code that found what it should not see, or reached what it should not touch.
FOUND = "LEAKED"


@dataclass(frozen=True)
class CodeKind:
    """A notebook with code that does harm, and what must come of it.

    Attributes
    ----------
    name
        In words.
    first
        Put in front of the right answer to the question about the mean.
    mean_square, step
        Put in place of the right answers.
    scores
        Points by question.
    status
        How the cell about the mean ends.
    known
        Why a kind earns more than it should; empty where it does not.
    files
        Beside the notebook.
    """

    name: str
    first: str = ""
    mean_square: str = RIGHT["mean-square"]
    step: str = RIGHT["step"]
    scores: tuple[float, float] = tuple(FULL.values())
    status: str = "ok"
    known: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """The class in which the submissions stand, and all that they might reach for.

    Attributes
    ----------
    assignment, folder
        The master, and the folder of the class.
    port
        Of a local server that must not be reached.
    token
        What must not be seen.
    mark
        A number that tells the workers of this run from others on the machine.
    """

    assignment: Assignment
    folder: Path
    port: int
    token: str
    mark: int = 20_001

    def fill(self, code: str) -> str:
        """Return code with the places that it attacks."""
        places = {
            "@CLASS@": str(self.folder),
            "@PORT@": str(self.port),
            "@TOKEN@": self.token,
            "@PID@": str(os.getpid()),
        }
        for name, value in places.items():
            code = code.replace(name, value)
        return code
