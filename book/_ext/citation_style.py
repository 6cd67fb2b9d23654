"""Citations by author and year, in the text and in the bibliography alike.

The text says *Nocedal and Wright (2006)* or *(Nocedal and Wright, 2006)*, and the bibliography
lists the work under *Nocedal and Wright 2006*.

In HTML the bibliography is a list of list items. Docutils gives its entries a role that the
standard has since withdrawn, and that no list may contain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from string import ascii_lowercase

import pybtex.plugin
import sphinxcontrib.bibtex.plugin
from docutils import nodes
from pybtex.database import Entry, Person
from pybtex.style.formatting.unsrt import Style as PlainStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

NAME = "downhill"


def family_name(person: Person) -> str:
    """Return the name that a work is cited under, with its particles."""
    name = " ".join([*person.prelast_names, *person.last_names])
    return name.strip("{}")  # the braces that keep an organization's name in one piece


def authors_of(entry: Entry) -> str:
    """Return one name, two joined by "and", or the first and "et al."."""
    names = [family_name(person) for person in entry.persons["author"]]
    if len(names) > 2:
        return f"{names[0]} et al."
    return " and ".join(names)


class AuthorYearLabels(BaseLabelStyle):
    """Labels such as "Nocedal and Wright 2006", with a letter where two works share one."""

    def format_labels(self, sorted_entries: Iterable[Entry]) -> Iterator[str]:
        """Yield a label for each entry."""
        labels = [f"{authors_of(entry)} {entry.fields['year']}" for entry in sorted_entries]
        works = Counter(labels)
        used: Counter[str] = Counter()
        for label in labels:
            letter = ascii_lowercase[used[label]] if works[label] > 1 else ""
            used[label] += 1
            yield label + letter


class AuthorYearBibliography(PlainStyle):
    """The bibliography sorted and labelled by author and year."""

    default_label_style = AuthorYearLabels
    default_sorting_style = "author_year_title"


def round_brackets() -> BracketStyle:
    """Return "(...)", with a semicolon between two works."""
    return BracketStyle(left="(", right=")", sep="; ")


@dataclass
class AuthorYearReferences(AuthorYearReferenceStyle):
    """References in the text: *Cauchy (1847)*, *(Cauchy, 1847)*."""

    bracket_textual: BracketStyle = field(default_factory=round_brackets)
    bracket_parenthetical: BracketStyle = field(default_factory=round_brackets)


def open_entry(translator: HTML5Translator, node: nodes.citation) -> None:
    """Open an entry of the bibliography, and the list before the first one."""
    if not isinstance(node.previous_sibling(), nodes.citation):
        translator.body.append('<div role="list" class="citation-list">\n')
    translator.body.append(translator.starttag(node, "div", CLASS="citation", role="listitem"))


def close_entry(translator: HTML5Translator, node: nodes.citation) -> None:
    """Close an entry, and the list after the last one."""
    translator.body.append("</div>\n")
    if not isinstance(node.next_node(descend=False, siblings=True), nodes.citation):
        translator.body.append("</div>\n")


def setup(app: Sphinx) -> dict[str, object]:
    """Register both styles, for ``_config.yml`` to choose, and the HTML of an entry."""
    pybtex.plugin.register_plugin("pybtex.style.formatting", NAME, AuthorYearBibliography)
    sphinxcontrib.bibtex.plugin.register_plugin(
        "sphinxcontrib.bibtex.style.referencing", NAME, AuthorYearReferences
    )
    app.add_node(nodes.citation, override=True, html=(open_entry, close_entry))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
