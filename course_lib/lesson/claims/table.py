"""The ledger as a page shows it: one table, which becomes one card a claim where room is short."""

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
    return ClaimsTable(groups, complete=wanted is None)


class ClaimsTable:
    """Findings, grouped under titles; a notebook displays it as a table.

    Parameters
    ----------
    groups
        Titles and the findings under each.
    complete
        Whether these are all claims of a chapter, or a selection. Rows of a complete table can be
        linked to (``#claim-c002``) and filtered by verdict.
    """

    def __init__(
        self, groups: Sequence[tuple[str, Sequence[Finding]]], *, complete: bool = True
    ) -> None:
        self.groups = [(title, list(findings)) for title, findings in groups]
        self.complete = complete

    @property
    def findings(self) -> list[Finding]:
        """All findings, in order."""
        return [finding for _, findings in self.groups for finding in findings]

    def count(self, verdict: str) -> int:
        """Return how many claims have ``verdict``."""
        return sum(finding.claim.verdict == verdict for finding in self.findings)

    @property
    def summary(self) -> str:
        """One sentence: how many claims, and what becomes of them."""
        n = len(self.findings)
        counts = {verdict: self.count(verdict) for verdict in VERDICTS}
        parts = [
            f"{counts['holds']} {'holds' if counts['holds'] == 1 else 'hold'}",
            f"{counts['conditional']} {'holds' if counts['conditional'] == 1 else 'hold'} under "
            "a condition",
            f"{counts['wrong']} {'does' if counts['wrong'] == 1 else 'do'} not hold",
        ]
        listing = ", ".join(
            part for part, count in zip(parts, counts.values(), strict=True) if count
        )
        return f"{n} {'claim' if n == 1 else 'claims'} of the source documents: {listing}."

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": self.to_text()}

    def __repr__(self) -> str:
        return self.to_text()

    def to_text(self) -> str:
        """Return the table as plain text: a paragraph a claim."""
        lines = [self.summary]
        for title, findings in self.groups:
            lines += ["", title]
            for finding in findings:
                claim = finding.claim
                lines.append(f"{claim.id}  {VERDICTS[claim.verdict]}: {claim.claim}")
                lines.append(f"      {finding.sentence}")
        return "\n".join(lines)

    def to_html(self) -> str:
        """Return the table as HTML that brings its own style."""
        head = "".join(
            f'<th role="columnheader" scope="col">{escape(column)}</th>' for column in COLUMNS
        )
        return "\n".join(
            [
                '<div class="dh dh-claims">',
                style(("course_lib.lesson.claims", "style.css")),
                *([self._filter()] if self.complete else []),
                '<table role="table">',
                f"<caption>{escape(self.summary)}</caption>",
                f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>',
                *(self._section(title, findings) for title, findings in self.groups),
                "</table>",
                "</div>",
            ]
        )

    def _filter(self) -> str:
        choices = [("all", f"all {len(self.findings)}")]
        choices += [
            (verdict, f"{label} ({self.count(verdict)})") for verdict, label in VERDICTS.items()
        ]
        buttons = "".join(
            f'<label><input type="radio" name="verdict" value="{value}"'
            f"{' checked' if value == 'all' else ''}> {escape(label)}</label>"
            for value, label in choices
        )
        return f"<form><fieldset><legend>Show</legend>{buttons}</fieldset></form>"

    def _section(self, title: str, findings: Sequence[Finding]) -> str:
        rows = "\n".join(self._row(finding) for finding in findings)
        return (
            '<tbody role="rowgroup">\n<tr role="row" class="section">'
            f'<th role="rowheader" scope="rowgroup" colspan="{len(COLUMNS)}">{to_html(title)}</th>'
            f"</tr>\n{rows}\n</tbody>"
        )

    def _row(self, finding: Finding) -> str:
        claim = finding.claim
        anchor = f' id="claim-{claim.id.lower()}"' if self.complete else ""
        said = f"<p>{to_html(claim.claim)}</p><p class='source'>{escape(_source(claim))}</p>"
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


def _source(claim: Claim) -> str:
    if claim.kind == "claim":
        return f"Document {claim.source}"
    return f"Document {claim.source}, as the formula circulates"


def _cite(reference: Reference) -> str:
    name = escape(load_references()[reference.key], quote=False)
    place = f", {escape(reference.place, quote=False)}" if reference.place else ""
    return f'<cite data-cite="{reference.key}">{name}</cite>{place}'
