"""What the build does to make pages light: nothing that a page shows may change."""

import html
import io
import re

import numpy as np
import pytest
from PIL import Image
from pygments import highlight
from pygments.lexers import PythonLexer

from book._ext.light_listings import LightFormatter
from book._ext.light_pictures import as_webp
from book._ext.light_styles import cut, names_in_use

LISTING = 'if x[0] < 1e-3:  # done\n    raise ValueError(f"{x} is <b>small</b>")\n'


def test_listings_keep_their_text_and_their_colours():
    written = highlight(LISTING, PythonLexer(), LightFormatter())
    assert html.unescape(re.sub("<[^>]*>", "", written)).strip() == LISTING.strip()
    coloured = dict(re.findall(r'<span class="(\w+)">([^<]+)</span>', written))
    assert coloured["k"] == "raise"
    assert coloured["mf"] == "1e-3"
    assert coloured["c1"] == "# done"
    assert coloured["ne"] == "ValueError"
    assert not {"n", "p", "w"} & set(coloured)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("opacity", ["opaque", "partly transparent"])
def test_pictures_keep_every_pixel(opacity):
    pixels = np.random.default_rng(3).integers(0, 256, (60, 80, 4), dtype=np.uint8)
    pixels[:, 40:] = pixels[0, 0]
    if opacity == "opaque":
        pixels[..., 3] = 255
    light = Image.open(io.BytesIO(as_webp(png(pixels))))
    assert light.format == "WEBP"
    assert light.mode == ("RGB" if opacity == "opaque" else "RGBA")
    assert np.array_equal(np.asarray(light.convert("RGBA")), pixels)


PAGE = '<p class="shown also" id="place"><script>box.classList.add("moved")</script>'


@pytest.mark.parametrize(
    "rule",
    [
        "p{color: red}",
        ".shown{color: red}",
        "#place .also > a{color: red}",
        ".moved{color: red}",
        # Put together by the script.
        ".menu-open{color: red}",
        # Exclusions and alternatives ask for nothing.
        "p:not(.absent){color: red}",
        ":is(.absent,p){color: red}",
        "[class~=absent]{color: red}",
        "@media print{.shown{color: red}}",
        "@font-face{font-family: absent}",
    ],
)
def test_rules_that_can_match_stay(rule):
    used = names_in_use([PAGE], ["function open(menu) {}"])
    assert cut(rule, used) == rule


@pytest.mark.parametrize(
    ("style", "left"),
    [
        (".absent{color: red}", ""),
        (".shown.absent{color: red}", ""),
        ("#absent p{color: red}", ""),
        (".shown,.absent,p{color: red}", ".shown,p{color: red}"),
        ("@media print{.absent{color: red}}", ""),
        ("@media print{.absent{color: red} p{color: red}}", "@media print{p{color: red}}"),
        ("/* why */ p{ /* what */\n  color: red;\n}", "p{color: red;}"),
    ],
)
def test_rules_that_match_nothing_go(style, left):
    assert cut(style, names_in_use([PAGE], [])) == left
