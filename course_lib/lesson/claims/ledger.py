"""The ledger: claims as data, read from one TOML file a subject and checked while reading."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course_lib.validation import check_choice

#: The chapters that have claims, by name, in the order of the book, and the folder of each.
CHAPTERS = {
    "cost-functions": "cost_functions",
    "gradient-descent": "gradient_descent",
    "gd-variants": "gd_variants",
    "momentum-and-adaptive": "momentum_and_adaptive",
    "linear-learners": "linear_learners",
    "backpropagation": "backpropagation",
    "vanishing-and-exploding": "vanishing_and_exploding",
    "regularization": "regularization",
    "natural-gradient": "natural_gradient",
    "lda-and-pca": "lda_and_pca",
}

#: What a verdict is called on the page.
VERDICTS = {"holds": "holds", "conditional": "holds if …", "wrong": "does not hold"}

#: Claims of the documents, and errors in formulas that they lost and that a restorer would import.
KINDS = ("claim", "formula in circulation")

CLAIM_ID = re.compile(r"[CU]\d{2,3}")
REFERENCE = re.compile(r"([a-z]+(?:\d{4}[a-z]*|docs|reference))(?:, (.+))?")

HERE = Path(__file__).parent


class LedgerError(ValueError):
    """An entry of the ledger is malformed."""


@dataclass(frozen=True)
class Reference:
    """Where a statement is proved: an entry of the bibliography and a place in it."""

    key: str
    place: str = ""


@dataclass(frozen=True)
class Claim:
    """One checkable statement of the source documents.

    Attributes
    ----------
    id : str
        Its number, C for claims and U for formulas in circulation.
    source : str
        The places where it stands: document and section.
    claim : str
        What the documents say, in this book's words.
    verdict : {"holds", "conditional", "wrong"}
        What becomes of it.
    statement : str
        What is right.
    references : tuple of Reference
        Where that is shown.
    check : str
        The function that puts it to the test, in the module named after the subject.
    shows : str
        A sentence on what the check found, with places such as ``{{cosine:.3f}}`` for its numbers.
    kind : str
        One of `KINDS`.
    chapter, subject : str
        Where it belongs: the name of the chapter and, within it, of the file and the module.
    """

    id: str
    source: str
    claim: str
    verdict: str
    statement: str
    references: tuple[Reference, ...]
    check: str
    shows: str
    kind: str
    chapter: str
    subject: str


@dataclass(frozen=True)
class Subject:
    """Claims on one subject."""

    name: str
    title: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Chapter:
    """The claims of one chapter."""

    name: str
    title: str
    subjects: tuple[Subject, ...]

    @property
    def claims(self) -> tuple[Claim, ...]:
        """All claims, in the order of the subjects."""
        return tuple(claim for subject in self.subjects for claim in subject.claims)


@cache
def load_chapter(name: str) -> Chapter:
    """Return the claims of the chapter called ``name``, such as ``"gradient-descent"``."""
    return read_chapter(HERE / CHAPTERS[check_choice("chapter", name, CHAPTERS)], name)


@cache
def load_references() -> dict[str, str]:
    """Return how the works cited by claims are called in running text, by bibliography key."""
    return _read(HERE / "references.toml")


def read_chapter(folder: Path, name: str) -> Chapter:
    """Return the chapter that the TOML files in ``folder`` describe.

    Raises
    ------
    LedgerError
        If an entry lacks a field, has an unknown one, repeats an id or does not say what is
        expected of it; the message names the file, the entry and the field.
    """
    data = _read(folder / "chapter.toml")
    _check_fields("chapter.toml", data, {"title": str, "subjects": list})
    seen: dict[str, str] = {}
    subjects = []
    for subject in data["subjects"]:
        file = f"{subject}.toml"
        entries = _read(folder / file)
        _check_fields(file, entries, {"title": str, "claim": list})
        members = tuple(_claim(file, fields, name, subject) for fields in entries["claim"])
        for claim in members:
            if claim.id in seen:
                raise LedgerError(
                    f"{file}: id {claim.id!r} is taken by an entry of {seen[claim.id]}; ids are "
                    "unique"
                )
            seen[claim.id] = file
        subjects.append(Subject(subject, entries["title"], members))
    return Chapter(name, data["title"], tuple(subjects))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LedgerError(f"{path.name} is missing in {path.parent}") from None
    except tomllib.TOMLDecodeError as error:
        raise LedgerError(f"{path.name} is not valid TOML: {error}") from None


def _claim(file: str, fields: dict[str, Any], chapter: str, subject: str) -> Claim:
    where = f"{file}, claim {fields.get('id', '(without id)')}"
    texts = ("id", "source", "claim", "verdict", "statement", "check", "shows")
    _check_fields(
        where, fields, {**dict.fromkeys(texts, str), "references": list}, optional={"kind": str}
    )
    if not CLAIM_ID.fullmatch(fields["id"]):
        raise LedgerError(f"{where}: id must be C or U and digits, such as 'C002'")
    kind = fields.get("kind", KINDS[0])
    for field, value, known in (("verdict", fields["verdict"], VERDICTS), ("kind", kind, KINDS)):
        if value not in known:
            listing = ", ".join(repr(choice) for choice in known)
            raise LedgerError(f"{where}: unknown {field} {value!r}: choose one of {listing}")
    if not fields["check"].isidentifier():
        raise LedgerError(
            f"{where}: check must name a function in {subject}.py, got {fields['check']!r}"
        )
    texts = {name: " ".join(fields[name].split()) for name in texts}
    references = tuple(_reference(where, text) for text in fields["references"])
    return Claim(**texts, references=references, kind=kind, chapter=chapter, subject=subject)


def _reference(where: str, text: Any) -> Reference:
    match = REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise LedgerError(
            f"{where}: a reference is a bibliography key and, after a comma, a place in the work, "
            f"such as 'nocedal2006, §3.3'; got {text!r}"
        )
    key, place = match.groups()
    if key not in load_references():
        raise LedgerError(
            f"{where}: references.toml does not say what {key!r} is called in running text: add a "
            "line there"
        )
    return Reference(key, place or "")


def _check_fields(
    where: str,
    found: dict[str, Any],
    wanted: dict[str, type],
    optional: dict[str, type] | None = None,
) -> None:
    optional = optional or {}
    missing = [field for field in wanted if field not in found]
    unknown = [field for field in found if field not in wanted and field not in optional]
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] if missing else []
        parts += [f"has unknown fields {', '.join(unknown)}"] if unknown else []
        raise LedgerError(f"{where}: the entry {' and '.join(parts)}")
    for field, kind in (wanted | optional).items():
        if field in found and (not isinstance(found[field], kind) or not found[field]):
            raise LedgerError(
                f"{where}: {field} must be a non-empty {'text' if kind is str else 'list'}, got "
                f"{found[field]!r}"
            )
