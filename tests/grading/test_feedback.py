"""Feedback pages: right, readable, and safe to open whatever a student wrote."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from types import SimpleNamespace

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_output

from course_lib.checks import CheckResult
from course_lib.grading.course import open_gradebook
from course_lib.grading.feedback import feedback_page, png_output, write_feedback, write_rejection
from course_lib.grading.intake import Submission
from course_lib.grading.judge import QuestionVerdict, Verdict
from course_lib.grading.master import grade_id, read_master
from course_lib.grading.pictures import picture_address, still_jpeg, still_png
from course_lib.grading.record import Outcome, graded_notebook
from course_lib.grading.safe_html import code, markdown, table
from tests.grading.hostile.files import RIGHT
from tests.grading.hostile.markup import VECTORS, Seen, assert_harmless
from tests.grading.hostile.master import NAME, POINTS, SECRET, write_master

# nbgrader's gradebook as it is.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

PAGE = "http://feedback.test/page.html"


def png(width: int = 2, height: int = 2, *extra: tuple[bytes, bytes]) -> bytes:
    """Return a grey picture, with some chunks before its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = zlib.compress(b"\x00\x80\x80" * 2)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + b"".join(chunk(*pair) for pair in extra)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def jpeg(width: int, height: int) -> bytes:
    frame = struct.pack(">HHBHHB", 0xFFC0, 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xe0\x00\x04ab" + frame + b"\xff\xd9"


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    return read_master(write_master(tmp_path_factory.mktemp("masters")))


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory, assignment):
    address = f"sqlite:///{tmp_path_factory.mktemp('class') / 'gradebook.db'}"
    book = open_gradebook(address, "course")
    book.add_assignment(NAME)
    book.add_notebook(NAME, NAME)
    for name in ("mean-square", "step"):
        book.add_grade_cell(f"{name}-check", NAME, NAME, max_score=POINTS[name], cell_type="code")
        book.add_solution_cell(name, NAME, NAME)
    book.add_grade_cell("why", NAME, NAME, max_score=2, cell_type="markdown")
    book.add_solution_cell("why", NAME, NAME)
    for student in ("ada", "bob"):
        book.add_student(student)
        book.add_submission(NAME, student)
    marks = book.find_submission_notebook(NAME, NAME, "ada")
    for grade in marks.grades:
        grade.auto_score = {"mean-square-check": 3.0, "step-check": 2.0}.get(grade.name)
        grade.needs_manual_grade = grade.name == "why"
    for comment in marks.comments:
        if comment.name == "step":
            comment.manual_comment = "Well done, see [the book](https://example.org/book)."
    marks.late_submission_penalty = 0.5
    book.db.commit()
    yield book
    book.close()


@pytest.fixture
def verdict():
    wrong = "a factor 2 too many\nlook again"
    return Verdict(
        NAME,
        0,
        (
            QuestionVerdict(
                "mean-square",
                4.0,
                3.0,
                (
                    CheckResult("a case by hand", 1.0, True),
                    CheckResult("other lengths", 1.0, False, wrong),
                ),
            ),
            QuestionVerdict("step", 2.0, 2.0, (CheckResult("a step by hand", 1.0, True),)),
        ),
    )


@pytest.fixture
def notebook(assignment):
    """An autograded notebook at its worst: the master's own cells, hidden checks and all."""
    notebook = nbformat.from_dict(assignment.notebook)
    for cell in notebook.cells:
        if grade_id(cell) in RIGHT:
            cell.source = RIGHT[grade_id(cell)]
    return notebook


def with_output(notebook, *outputs):
    cell = next(c for c in notebook.cells if grade_id(c) == "step")
    cell.outputs = list(outputs)
    return notebook


def test_the_page_says_what_was_earned_and_why(assignment, gradebook, notebook, verdict):
    page = feedback_page(assignment, "ada", gradebook, notebook, verdict, ["The name is odd."])
    text = " ".join(Seen(page).text.split())
    for expected in (
        "4.5 of 8 points so far; some answers wait to be read.",
        "5 points were earned, 0.5 are taken off because it came late.",
        "The mean of squares 3 4 One step 2 2 Why the mean? not yet read 2",
        "Passed: a case by hand",
        "Failed: other lengthsa factor 2 too many look again",
        "Well done, see the book.",
        "def step(gradient, point, size):",
        "It does not grow with the data.",
        "The name is odd.",
    ):
        assert expected in text
    for name in assignment.questions:
        assert f'href="#q-{name.id}"' in page
        assert f'id="q-{name.id}"' in page


def test_no_check_and_no_expected_value_is_on_it(assignment, gradebook, notebook, verdict):
    assert any(str(SECRET) in cell.source for cell in notebook.cells)
    page = feedback_page(assignment, "ada", gradebook, notebook, verdict)
    for secret in (str(SECRET), "HIDDEN", "SOLUTION", "reference.", "default_rng", "check.value"):
        assert secret not in page


def test_what_is_not_there_is_said(assignment, gradebook, verdict):
    page = feedback_page(assignment, "bob", gradebook, None, verdict)
    assert page.count("The cell of this question is not in the notebook.") == 3
    with pytest.raises(ValueError, match="no submission of mean-and-step by eve"):
        feedback_page(assignment, "eve", gradebook, None)


def test_files_are_written(assignment, gradebook, notebook, verdict, tmp_path):
    source = tmp_path / "autograded.ipynb"
    nbformat.write(notebook, source)
    path = tmp_path / "feedback" / "ada" / NAME / f"{NAME}.html"
    write_feedback(path, assignment, "ada", gradebook=gradebook, notebook=source, verdict=verdict)
    assert "Feedback for" in path.read_text(encoding="utf-8")
    message = "The notebook is no complete JSON file. <script>"
    write_rejection(path, assignment, "ada", "broken-json", message)
    page = path.read_text(encoding="utf-8")
    assert "Not graded" in page
    assert "broken-json" in page
    assert "script" not in Seen(page).elements


def test_outputs_are_text_pictures_and_tables(assignment, gradebook, notebook):
    frame = "<style>td {color: red}</style><div><table border='1'><tr><th scope='col'>a</th></tr>"
    frame += "<tr><td colspan='2'>4.25</td></tr></table><script>fired()</script></div>"
    with_output(
        notebook,
        new_output("stream", text="printed \x1b[31mred\x1b[0m"),
        new_output("display_data", {"image/png": base64.b64encode(png()).decode()}),
        new_output("execute_result", {"text/html": frame, "text/plain": "plain"}),
        new_output("display_data", {"application/javascript": "fired()", "text/latex": "$x$"}),
        new_output("display_data", {"image/svg+xml": "<svg onload=fired()>", "text/plain": "svg"}),
        new_output("error", ename="ValueError", evalue="<b>no</b>", traceback=["\x1b[31mtrace"]),
    )
    page = feedback_page(assignment, "ada", gradebook, notebook)
    assert "printed red" in page
    assert "data:image/png;base64," in page
    assert '<tr><td colspan="2">4.25</td></tr>' in page
    assert "ValueError: &lt;b&gt;no&lt;/b&gt;" in page
    assert "color: red" not in page
    assert "fired" not in page
    assert "plain<" not in page


def test_outputs_and_pages_are_bounded(assignment, gradebook, notebook):
    flood = [new_output("stream", text="x" * 1_000_000) for _ in range(40)]
    picture = base64.b64encode(png()).decode()
    pictures = [new_output("display_data", {"image/png": picture}) for _ in range(50)]
    with_output(notebook, *flood, *pictures)
    # Put together by hand: nbformat's own functions check all of it, cell by cell.
    notebook.cells += [
        {**new_code_cell(f"y = {i}\n" + "# a comment\n" * 10_000), "outputs": flood}
        for i in range(100)
    ]
    notebook = nbformat.from_dict(notebook)
    page = feedback_page(assignment, "ada", gradebook, notebook)
    assert len(page) < 1_500_000
    assert "the rest is left out" in page
    with_output(notebook, *pictures)
    page = feedback_page(assignment, "ada", gradebook, notebook)
    assert page.count("data:image/png") == 6


def everywhere(vector: str, assignment, gradebook, notebook, verdict) -> str:
    """Return a page on which a text stands in every place that a student or a grader can fill."""
    for cell in notebook.cells:
        if grade_id(cell) in RIGHT:
            cell.source = vector
            if cell.cell_type == "markdown":
                address = base64.b64encode(png()).decode()
                cell.attachments = {vector[:90]: {"image/png": address, vector: vector}}
    with_output(
        notebook,
        new_output("stream", text=vector),
        new_output("execute_result", {"text/html": vector, "text/plain": vector}),
        new_output("display_data", {"text/html": f"<table><tr><td>{vector}</td></tr></table>"}),
        new_output("display_data", {"text/html": f"<table>{vector}</table>"}),
        new_output("display_data", {"image/png": vector}),
        new_output("error", ename=vector, evalue=vector, traceback=[vector]),
    )
    notebook.cells.append(new_code_cell(vector))
    broken = CheckResult(vector, 1.0, False, vector)
    verdict = Verdict(NAME, 0, (QuestionVerdict("step", 2.0, 0.0, (broken,), vector),))
    marks = gradebook.find_submission_notebook(NAME, NAME, "ada")
    comment = next(c for c in marks.comments if c.name == "step")
    before = comment.manual_comment
    comment.manual_comment = vector
    gradebook.db.commit()
    try:
        return feedback_page(assignment, "ada", gradebook, notebook, verdict, [vector])
    finally:
        comment.manual_comment = before
        gradebook.db.commit()


@pytest.mark.parametrize("vector", VECTORS)
def test_only_harmless_elements_come_through(vector, assignment, gradebook, notebook, verdict):
    page = everywhere(vector, assignment, gradebook, notebook, verdict)
    assert_harmless(page)
    assert "49" not in page.partition("</style>")[2]


@pytest.fixture(scope="module")
def opened(browser):
    """Return a function that opens HTML and tells what fired and where requests went."""
    context = browser.new_context()
    page = context.new_page()
    log = SimpleNamespace(fired=[], requests=[], page=page)
    page.expose_function("report", lambda: log.fired.append(True))
    page.add_init_script("window.fired = () => window.report()")
    page.on("dialog", lambda dialog: (log.fired.append(True), dialog.dismiss()))
    content = {}

    def route(handler):
        if handler.request.url == PAGE:
            handler.fulfill(body=content["html"], content_type="text/html; charset=utf-8")
        elif not handler.request.url.startswith("data:"):
            log.requests.append(handler.request.url)
            handler.abort()
        else:
            handler.continue_()

    context.route("**/*", route)

    def open_page(html: str):
        content["html"] = html
        log.fired.clear()
        log.requests.clear()
        page.goto(PAGE, wait_until="load")
        page.wait_for_timeout(30)
        return log

    yield open_page
    context.close()


@pytest.mark.browser
def test_nothing_fires_and_no_request_leaves(opened, assignment, gradebook, notebook, verdict):
    for start in range(0, len(VECTORS), 6):
        vector = "\n\n".join(VECTORS[start : start + 6])
        page = everywhere(vector, assignment, gradebook, notebook, verdict)
        # The policy is taken away, so that what is on the page must be harmless by itself.
        bare = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
        assert bare != page
        log = opened(bare)
        assert (log.fired, log.requests) == ([], []), vector


@pytest.mark.browser
def test_the_policy_alone_stops_what_would_fire(opened, assignment, gradebook):
    page = feedback_page(assignment, "ada", gradebook, None)
    policy = re.search(r'<meta http-equiv="Content-Security-Policy"[^>]*>', page)[0]
    vectors = [vector for vector in VECTORS if "http-equiv=refresh" not in vector]
    for vector in vectors:
        log = opened(f"<!DOCTYPE html>{policy}<title>x</title>{vector}")
        assert (log.fired, log.requests) == ([], []), vector
    # Without the policy the browser does what they want: these tests can fail.
    harmful = 0
    for vector in vectors[:20]:
        log = opened(f"<!DOCTYPE html><title>x</title>{vector}")
        harmful += bool(log.fired or log.requests)
    assert harmful > 15


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_accessible_and_fits_a_phone(
    theme, browser, assignment, gradebook, notebook, verdict, tmp_path
):
    from axe_playwright_python.sync_playwright import Axe

    wide = "<table><thead><tr>" + "<th>column</th>" * 30 + "</tr></thead></table>"
    with_output(
        notebook,
        new_output("stream", text="x" * 300),
        new_output("execute_result", {"text/html": wide}),
        new_output("display_data", {"image/png": base64.b64encode(png()).decode()}),
        new_output("error", ename="ValueError", evalue="no", traceback=[]),
    )
    notebook.cells.append(
        new_code_cell(
            'import numpy as np\n\n# why\nclass A:\n    """Words."""\n    x = f"{1:.2f}"\n'
        )
    )
    path = tmp_path / "page.html"
    write_feedback(
        path,
        assignment,
        "ada",
        gradebook=gradebook,
        notebook=notebook,
        verdict=verdict,
        notes=["A note."],
    )
    context = browser.new_context(color_scheme=theme, viewport={"width": 360, "height": 740})
    try:
        page = context.new_page()
        errors = []
        page.on("console", lambda message: errors.append(message.text))
        page.goto(path.as_uri())
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 360
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 25, 29)"
        assert dark == (theme == "dark")
        assert errors == []
        page.set_viewport_size({"width": 1100, "height": 800})
        # axe comes as a script, which the page's own policy would not let in.
        context.close()
        context = browser.new_context(color_scheme=theme, bypass_csp=True)
        page = context.new_page()
        page.goto(path.as_uri())
        results = Axe().run(page).response
        assert [v["id"] for v in results["violations"]] == []
    finally:
        context.close()


def test_pictures_hold_nothing_but_the_picture():
    plain = png()
    noisy = png(2, 2, (b"tEXt", b"Comment\x00<script>"), (b"acTL", bytes(8)), (b"iCCP", b"x" * 99))
    assert still_png(plain) == plain
    assert still_png(noisy) == plain
    assert still_png(png(50_000, 50_000)) is None
    assert still_png(png(0, 5)) is None
    assert still_png(plain[:-5]) is None
    assert still_png(plain[:-20] + b"x" + plain[-19:]) is None
    assert still_png(b"<svg>") is None
    assert still_png(plain + b"<script>") == plain
    assert still_jpeg(jpeg(640, 480)) == jpeg(640, 480)
    assert still_jpeg(jpeg(60_000, 60_000)) is None
    assert still_jpeg(b"\xff\xd8\xff") is None
    assert picture_address("image/svg+xml", "PHN2Zz4=") is None
    assert picture_address(["image/png"], None) is None
    assert picture_address("image/png", "AAA\u00e9") is None
    assert png_output(b"x") is None
    assert png_output(plain).data["image/png"] == base64.b64encode(plain).decode()


def test_tables_and_text():
    assert table("no table") == ""
    assert table("<TABLE><td>1<table><td>2").startswith("<table><tbody><tr><td>1")
    assert len(table("<table>" + "<tr><td>x</td></tr>" * 100_000)) < 200_000
    assert table("<table>" + "<table><td>" * 20_000)
    assert markdown("a *b* `c` $x<y$") == "<p>a <em>b</em> <code>c</code> $x&lt;y$</p>\n"
    assert "<a" not in markdown("[x](https://example.org)")
    assert "x (https://example.org)" in markdown("[x](https://example.org)")
    assert 'rel="noopener noreferrer nofollow"' in markdown("[x](https://e.org)", links=True)
    shown = markdown("![s](attachment:s.png)", {"s.png": "data:image/png;base64,AA", "t.png": "x"})
    assert shown.count("<img") == 1
    assert '<span class="k">def</span>' in code("def f(): pass")


@pytest.mark.parametrize("text", ["[" * 10_000, "> " * 10_000, "*a " * 7000, "`" * 20_000])
def test_no_markdown_takes_the_page_down(text):
    assert markdown(text)


def test_a_pasted_drawing_reaches_the_form_grader_and_the_page(assignment, gradebook):
    drawing = base64.b64encode(png()).decode("ascii")
    text = "![sketch](attachment:sketch.png) as drawn [here](attachment:sketch.png)"
    submission = Submission(
        NAME, f"{NAME}.ipynb", (), {"why": text}, {"why": {"sketch.png": {"image/png": drawing}}}
    )
    notebook = graded_notebook(assignment, Outcome("ada", 0, submission))
    cell = next(cell for cell in notebook.cells if grade_id(cell) == "why")
    assert cell.source == text
    nbformat.validate(notebook)
    shown, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    assert f'src="data:image/png;base64,{drawing}"' in shown
    page = feedback_page(assignment, "ada", gradebook, notebook)
    assert f'src="data:image/png;base64,{drawing}"' in page
