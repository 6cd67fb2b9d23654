"""The ledger as a page shows it: a table a subject, and a card a claim where room is short."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from course_lib.lesson.claims.evidence import Finding, examine
from course_lib.lesson.claims.ledger import (
    CHAPTERS,
    VERDICTS,
    Claim,
    Reference,
    load_chapter,
    load_references,
)
from course_lib.lesson.claims.markup import to_html
from course_lib.lesson.page import style
from course_lib.validation import check_choice

COLUMNS = ("Claim", "What the documents say", "What is right, and what shows it")


def claims(chapter: str | None = None, *, only: Iterable[str] | None = None) -> ClaimsTable:
    """Put the claims of a chapter to the test and return the table to be shown.

    Every check runs now, so the numbers in the table are those of the code that is installed.

    Parameters
    ----------
    chapter
        The chapter's name, such as ``"gradient-descent"``; all chapters if not given.
    only
        Ids of the claims wanted, such as ``["C002", "C007"]``; all if not given.

    Returns
    -------
    ClaimsTable
        Which a notebook displays.

    Raises
    ------
    VerdictMismatch
        If a check does not conclude the verdict that the ledger prints.
    """
    chapters = [load_chapter(name) for name in ([chapter] if chapter else CHAPTERS)]
    wanted = None if only is None else set(only)
    if wanted is not None:
        known = {claim.id for found in chapters for claim in found.claims}
        if unknown := sorted(wanted - known):
            raise ValueError(
                f"only must hold ids of claims in {chapter or 'the ledger'}, got "
                f"{', '.join(map(repr, unknown))}"
            )
    groups = []
    for found in chapters:
        for subject in found.subjects:
            title = subject.title if chapter else f"{found.title}: {subject.title}"
            members = [c for c in subject.claims if wanted is None or c.id in wanted]
            if members:
                groups.append((title, [examine(claim) for claim in members]))
    return ClaimsTable(groups, "selection" if only else "chapter" if chapter else "ledger")


class ClaimsTable:
    """Findings, grouped under titles; a notebook displays one table a group.

    Parameters
    ----------
    groups
        Titles and the findings under each.
    view
        ``"chapter"``: groups unfold on demand, the first is open. ``"ledger"``: all are open, and
        can be filtered by verdict. ``"selection"``: tables alone, which may stand beside the full
        ones; the rows of the other two can be linked to (``#claim-c002``).
    """

    def __init__(
        self, groups: Sequence[tuple[str, Sequence[Finding]]], view: str = "chapter"
    ) -> None:
        self.groups = [(title, list(findings)) for title, findings in groups]
        self.view = check_choice("view", view, ("chapter", "ledger", "selection"))

    @property
    def findings(self) -> list[Finding]:
        """All findings, in order."""
        return [finding for _, findings in self.groups for finding in findings]

    @property
    def summary(self) -> str:
        """One sentence: how many claims, and what becomes of them."""
        n = len(self.findings)
        return (
            f"{n} {'claim' if n == 1 else 'claims'} of the source documents: "
            f"{_tally(self.findings)}."
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": self.to_text()}

    def __repr__(self) -> str:
        return self.to_text()

    def to_text(self) -> str:
        """Return the tables as plain text: a paragraph a claim."""
        lines = [self.summary]
        for title, findings in self.groups:
            lines += ["", title]
            for finding in findings:
                claim = finding.claim
                lines.append(f"{claim.id}  {VERDICTS[claim.verdict]}: {claim.claim}")
                lines.append(f"      {finding.sentence}")
        return "\n".join(lines)

    def to_html(self) -> str:
        """Return the tables as HTML that brings its own style."""
        return "\n".join(
            [
                '<div class="dh dh-claims">',
                style(("course_lib.lesson.claims", "style.css")),
                f'<p class="summary">{escape(self.summary)}</p>',
                *([self._filter()] if self.view == "ledger" else []),
                *(self._group(i, title, found) for i, (title, found) in enumerate(self.groups)),
                "</div>",
            ]
        )

    def _filter(self) -> str:
        choices = [("all", f"all {len(self.findings)}")]
        choices += [(v, f"{label} ({_count(self.findings, v)})") for v, label in VERDICTS.items()]
        buttons = "".join(
            f'<label><input type="radio" name="verdict" value="{value}"'
            f"{' checked' if value == 'all' else ''}> {escape(label)}</label>"
            for value, label in choices
        )
        return f"<form><fieldset><legend>Show</legend>{buttons}</fieldset></form>"

    def _group(self, position: int, title: str, findings: Sequence[Finding]) -> str:
        head = "".join(
            f'<th role="columnheader" scope="col">{escape(column)}</th>' for column in COLUMNS
        )
        rows = "\n".join(self._row(finding) for finding in findings)
        table = (
            f'<table role="table">\n<caption class="for-ears">{to_html(title)}</caption>\n'
            f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>\n'
            f'<tbody role="rowgroup">\n{rows}\n</tbody>\n</table>'
        )
        if self.view == "selection":
            return table
        unfolded = " open" if self.view == "ledger" or position == 0 else ""
        return (
            f"<details{unfolded}><summary>{to_html(title)}"
            f'<span class="tally">{_tally(findings)}</span></summary>\n{table}\n</details>'
        )

    def _row(self, finding: Finding) -> str:
        claim = finding.claim
        anchor = f' id="claim-{claim.id.lower()}"' if self.view != "selection" else ""
        said = f'<p>{to_html(claim.claim)}</p><p class="source">{escape(_source(claim))}</p>'
        right = (
            f"<p>{to_html(claim.statement)}</p>"
            f'<p class="shows">{to_html(finding.sentence)}</p>'
            f'<p class="source">{"; ".join(map(_cite, claim.references))}</p>'
        )
        return (
            f'<tr role="row" class="claim verdict-{claim.verdict}"{anchor}>'
            f'<th role="rowheader" scope="row">{claim.id}<br>'
            f'<span class="verdict">{escape(VERDICTS[claim.verdict])}</span></th>'
            f'<td role="cell" data-label="{COLUMNS[1]}">{said}</td>'
            f'<td role="cell" data-label="{COLUMNS[2]}">{right}</td></tr>'
        )


def _count(findings: Sequence[Finding], verdict: str) -> int:
    return sum(finding.claim.verdict == verdict for finding in findings)


def _tally(findings: Sequence[Finding]) -> str:
    endings = {"holds": "", "conditional": " under a condition", "wrong": " not hold"}
    parts = []
    for verdict, ending in endings.items():
        if n := _count(findings, verdict):
            verb = ("do" if n > 1 else "does") if verdict == "wrong" else "hold" + "s" * (n == 1)
            parts.append(f"{n} {verb}{ending}")
    return ", ".join(parts)


def _source(claim: Claim) -> str:
    # Non-breaking hyphens: "001-A" is one name.
    place = "Document " + claim.source.replace("-", "\N{NON-BREAKING HYPHEN}")
    return place if claim.kind == "claim" else f"{place}, as the formula circulates"


def _cite(reference: Reference) -> str:
    name = escape(load_references()[reference.key], quote=False)
    place = f", {escape(reference.place, quote=False)}" if reference.place else ""
    return f'<cite data-cite="{reference.key}">{name}</cite>{place}'
