r"""The little language of the ledger: ``$maths$``, ``*stress*``, ```code``` and ``{{number}}``.

Places for numbers are filled first. In mathematics a number becomes TeX, in running text it
becomes typography: ``1.8e-05`` is written :math:`1.8 \times 10^{-5}` in both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

PLACE = re.compile(r"\{\{(\w+)(?::([^{}]+))?\}\}")
SPAN = re.compile(r"\$(?P<maths>[^$]+)\$|`(?P<code>[^`]+)`|\*(?P<stress>[^*\s][^*]*)\*")
PUNCTUATION = re.compile(r"[,.;:!?)]+")
SCIENTIFIC = re.compile(r"(-?[\d.]+)e([+-]\d+)")
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def fill(template: str, numbers: Mapping[str, int | float | str], *, where: str) -> str:
    """Return ``template`` with its places filled.

    Parameters
    ----------
    template
        Text with places such as ``{{cosine:.3f}}``: a name and, after a colon, a format.
    numbers
        What to fill in. Without a format, whole numbers get thousands separators, others three
        significant digits, and texts are taken as they are.
    where
        Whose text it is, for messages.

    Raises
    ------
    LookupError
        If a place has no number, or a number has no place: one of the two was forgotten.
    """
    used = {name for name, _ in PLACE.findall(template)}
    if missing := sorted(used - set(numbers)):
        raise LookupError(f"{where}: the check returned no number called {', '.join(missing)}")
    if unused := sorted(set(numbers) - used):
        raise LookupError(f"{where}: the text has no place for {', '.join(unused)}")
    parts = template.split("$")
    for i, part in enumerate(parts):
        in_maths = i % 2 == 1
        parts[i] = PLACE.sub(
            lambda match, tex=in_maths: _number(numbers[match[1]], match[2], tex), part
        )
    return "$".join(parts)


def to_html(text: str) -> str:
    """Return ``text`` as HTML; the book's MathJax typesets what carries the class ``math``."""
    pieces, end = [], 0
    for match in SPAN.finditer(text):
        pieces.append(_running_text(text[end : match.start()]))
        end = match.end()
        if match["maths"]:
            maths = escape(match["maths"], quote=False)
            formula = rf'<span class="math notranslate nohighlight">\({maths}\)</span>'
            if mark := PUNCTUATION.match(text, end):
                # A comma must not open the next line.
                formula = f'<span class="together">{formula}{mark[0]}</span>'
                end = mark.end()
            pieces.append(formula)
        elif match["code"]:
            pieces.append(f"<code>{escape(match['code'], quote=False)}</code>")
        else:
            pieces.append(f"<em>{_running_text(match['stress'])}</em>")
    return "".join(pieces) + _running_text(text[end:])


def _running_text(text: str) -> str:
    return escape(text.replace("'", "’"), quote=False)


def _number(value: int | float | str, spec: str | None, tex: bool) -> str:
    if isinstance(value, str):
        return value
    written = format(value, spec or ("," if isinstance(value, int) else ".3g"))
    if not written.strip("-0."):
        written = written.lstrip("-")
    if match := SCIENTIFIC.fullmatch(written):
        mantissa, exponent = match[1], int(match[2])
        power = f"10^{{{exponent}}}" if tex else "10" + str(exponent).translate(SUPERSCRIPTS)
        if mantissa in ("1", "-1"):
            written = mantissa.replace("1", "") + power
        else:
            written = mantissa + (r" \times " if tex else " × ") + power
    return written.replace(",", "{,}") if tex else written.replace("-", "−")
