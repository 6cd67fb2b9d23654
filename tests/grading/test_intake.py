"""Reading what students hand in: nothing in it is trusted, and nothing in it stops the run."""

from __future__ import annotations

import json
import os
import pickle
import time
import tracemalloc

import pytest

from course_lib.grading.intake import Rejection, read_submission
from course_lib.grading.master import read_master
from course_lib.grading.submitted_files import FILE_BYTES, SubmittedFolder, open_submission
from course_lib.grading.submitted_notebook import submitted_cells
from course_lib.grading.text import one_line, storable, visible
from tests.grading.hostile.files import (
    FILE,
    FULL,
    RIGHT,
    find,
    honest_notebook,
    write,
)
from tests.grading.hostile.games import KINDS
from tests.grading.hostile.master import NAME, write_master

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    return read_master(write_master(tmp_path_factory.mktemp("masters")))


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "submitted" / "ada" / NAME
    path.mkdir(parents=True)
    return path


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "outside"
    path.mkdir()
    (path / "secret.txt").write_text("a secret")
    return path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_read_or_named(kind, assignment, folder, outside):
    kind.pack(folder, honest_notebook(assignment), outside)
    before = sorted((path, path.lstat().st_mtime_ns) for path in folder.rglob("*"))
    started = time.perf_counter()
    if kind.rejection:
        with pytest.raises(Rejection) as caught:
            read_submission(folder, assignment)
        assert caught.value.name == kind.rejection
        assert 10 < len(caught.value.message) < 400
        assert caught.value.message == one_line(caught.value.message, 400)
    else:
        submission = read_submission(folder, assignment)
        assert any(kind.note in note for note in submission.notes) or not kind.note
        assert all(note == one_line(note, 400) for note in submission.notes)
        # What is read can be stored and sent.
        json.dumps([cell.source for cell in submission.cells], ensure_ascii=False).encode()
        assert not any("a secret" in str(data) for data in submission.files.values())
    assert time.perf_counter() - started < 5
    assert sorted((path, path.lstat().st_mtime_ns) for path in folder.rglob("*")) == before


def test_an_honest_submission(assignment, folder):
    notebook = honest_notebook(assignment)
    notebook["cells"].insert(5, {"cell_type": "code", "metadata": {}, "source": "helper = 1"})
    notebook["cells"].insert(5, {"cell_type": "markdown", "metadata": {}, "source": "Some words."})
    write(folder, notebook)
    (folder / "data").mkdir()
    (folder / "data" / "heights.csv").write_text("1,2\n")
    submission = read_submission(folder, assignment)
    assert [(cell.id, cell.source) for cell in submission.cells] == [
        ("mean-square", RIGHT["mean-square"]),
        ("cell-7", "helper = 1"),
        ("step", RIGHT["step"]),
    ]
    assert submission.answers == {"why": RIGHT["why"]}
    assert submission.files == {"data/heights.csv": b"1,2\n"}
    assert submission.notes == submission.missing == ()
    assert submission.notebook == FILE


def test_the_fingerprint_tells_whether_anything_was_changed(assignment, folder):
    write(folder, honest_notebook(assignment))
    seen = {read_submission(folder, assignment).fingerprint}
    assert read_submission(folder, assignment).fingerprint in seen
    (folder / "data.csv").write_text("1")
    seen.add(read_submission(folder, assignment).fingerprint)
    (folder / "data.csv").rename(folder / "other.csv")
    seen.add(read_submission(folder, assignment).fingerprint)
    write(folder, honest_notebook(assignment, why="Another reason."))
    seen.add(read_submission(folder, assignment).fingerprint)
    assert len(seen) == 4


def test_no_locked_cell_is_taken(assignment, folder):
    notebook = honest_notebook(assignment)
    for cell in notebook["cells"]:
        if cell["metadata"]["nbgrader"]["locked"]:
            cell["source"] = "stolen = True"
    write(folder, notebook)
    submission = read_submission(folder, assignment)
    assert {cell.id for cell in submission.cells} == set(FULL)
    assert not any("stolen" in cell.source for cell in submission.cells)


@pytest.mark.parametrize(
    ("line", "seed"), [("seed = 12", 12), ("seed = " + "9" * 40, None), ("speed = 1", None)]
)
def test_the_seed_that_was_handed_in_is_told(assignment, folder, line, seed):
    notebook = honest_notebook(assignment)
    find(notebook, "numbers")["source"] = f"{line}\nnumbers = variant(seed)"
    write(folder, notebook)
    assert read_submission(folder, assignment).seed == seed


def test_the_released_cell_counts_among_copies(assignment, folder):
    notebook = honest_notebook(assignment)
    wrong = json.loads(json.dumps(find(notebook, "step")))
    wrong["source"], wrong["id"] = "def step(gradient, point, size):\n    return 0", "copied"
    for place in (0, len(notebook["cells"])):
        changed = json.loads(json.dumps(notebook))
        changed["cells"].insert(place, wrong)
        write(folder, changed)
        submission = read_submission(folder, assignment)
        assert [cell.source for cell in submission.cells] == [RIGHT[name] for name in FULL]
    for cell in changed["cells"]:
        cell["id"] = "same"
    write(folder, changed)
    cells = read_submission(folder, assignment).cells
    assert [cell.source for cell in cells] == [RIGHT[name] for name in FULL]


def test_pasted_pictures_are_kept_and_nothing_else_pasted(assignment, folder):
    notebook = honest_notebook(assignment)
    find(notebook, "why")["attachments"] = {
        "sketch.png": {"image/png": PNG},
        "page.html": {"text/html": PNG},
        "drawing.svg": {"image/svg+xml": "<svg onload=alert(1)>"},
        "broken.png": {"image/png": "AAAA"},
        "odd\u202e.png": {"image/png": PNG},
    }
    write(folder, notebook)
    pictures = read_submission(folder, assignment).pictures
    assert list(pictures) == ["why"]
    assert list(pictures["why"]) == ["sketch.png"]


def test_a_file_that_is_too_large_is_left_out_before_it_is_read(assignment, folder):
    write(folder, honest_notebook(assignment))
    with open(folder / "big.bin", "wb") as file:
        file.truncate(100 * FILE_BYTES)
    tracemalloc.start()
    submission = read_submission(folder, assignment)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert submission.files == {}
    assert any("too large: big.bin" in note for note in submission.notes)
    assert peak < FILE_BYTES


def test_memory_stays_in_proportion(assignment, folder, monkeypatch):
    values = 200_000
    monkeypatch.setattr("course_lib.grading.submitted_notebook.VALUES", 2 * values + 1000)
    text = json.dumps(honest_notebook(assignment) | {"metadata": "@"})
    (folder / FILE).write_text(text.replace('"@"', "[" + "[]," * (values - 1) + "[]]"))
    tracemalloc.start()
    read_submission(folder, assignment)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Two million values, which is the limit, so take at most 200 MiB.
    assert peak < 20 * 2**20


@pytest.mark.parametrize(
    "content",
    [b'{"' + b'\\"' * 2_000_000, b'"\\' * 2_000_000 + b"," * 3_000_000, b'["' + b"[," * 3_000_000],
)
def test_no_text_makes_looking_for_brackets_slow(content):
    started = time.perf_counter()
    with pytest.raises(Rejection, match=r"broken-json|too-many-values"):
        submitted_cells(content, [])
    assert time.perf_counter() - started < 3


def test_without_descriptors_of_folders_links_are_not_followed_either(folder, outside):
    (folder / "link").symlink_to(outside / "secret.txt")
    (folder / "own.txt").write_text("own")
    plain = SubmittedFolder(folder, None)
    assert plain.kind("link") == "link"
    assert plain.read("own.txt", 10) == b"own"
    assert plain.names() == (["link", "own.txt"], False)


def test_a_missing_folder(assignment, tmp_path):
    with pytest.raises(Rejection, match="no-folder"):
        read_submission(tmp_path / "ada" / NAME, assignment)


def test_a_students_folder_that_is_a_link(assignment, folder, tmp_path):
    write(folder, honest_notebook(assignment))
    other = tmp_path / "submitted" / "bob"
    other.symlink_to(folder.parent)
    with pytest.raises(Rejection, match="linked-folder"):
        read_submission(other / NAME, assignment)


def test_a_rejection_travels_between_processes():
    error = pickle.loads(pickle.dumps(Rejection("too-large", "Too large.")))
    assert (error.name, error.message) == ("too-large", "Too large.")


def test_text_is_made_visible():
    assert visible("a\x1b[31mred\x1b[0m\x1b]0;title\x07 b") == "ared b"
    assert visible("x\u202ey\u200b\x00") == "x[U+202E]y[U+200B][U+0000]"
    assert visible("a" * 50, 10) == "a" * 10 + "\n… the rest is left out"
    assert visible("\x1b" * 100 + "b", 10).startswith("b") is False
    assert "\x1b" not in visible("\x1b" * 100, 10)
    assert visible("né ∑ 数 🙂\n\tx") == "né ∑ 数 🙂\n\tx"
    assert storable("a\r\nb\rc\x00\ud800") == "a\nb\nc\ufffd\ufffd"
    assert one_line("a\nb\x1b[2J\u202e" + "c" * 300, 20) == "a b?" + "c" * 15 + "…"


def test_odd_names_and_deep_folders_are_left_out(assignment, folder):
    write(folder, honest_notebook(assignment))
    deep = folder / "a" / "b" / "c" / "d"
    deep.mkdir(parents=True)
    for path in (folder / "line\nbreak", folder / "c:drive", deep / "x", deep.parent / "y"):
        path.write_text("1")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "old.pyc").write_text("1")
    with open(os.fsencode(folder) + b"/caf\xe9", "w"):
        pass
    submission = read_submission(folder, assignment)
    assert list(submission.files) == ["a/b/c/y"]
    assert sorted(note.partition(":")[0] for note in submission.notes) == [
        "Left out, it lies too deep",
        "Left out, the name is no plain text",
    ]


def test_a_packed_notebook_is_told_from_none(assignment, folder):
    (folder / "homework.zip").write_bytes(b"PK")
    with pytest.raises(Rejection, match=r"no-notebook.*Unpack homework\.zip first"):
        read_submission(folder, assignment)


@pytest.mark.parametrize("below", [True, False])
def test_where_folders_have_no_descriptors_all_is_as_elsewhere(
    below, assignment, folder, outside, monkeypatch
):
    monkeypatch.setattr("course_lib.grading.submitted_files._BELOW", below)
    write(folder, honest_notebook(assignment))
    (folder / "data").mkdir()
    (folder / "data" / "own.csv").write_text("1")
    (folder / "data" / "link.csv").symlink_to(outside / "secret.txt")
    submission = read_submission(folder, assignment)
    assert submission.files == {"data/own.csv": b"1"}
    assert submission.notes == ("Left out, it is a link: data/link.csv.",)


def test_a_folder_that_cannot_be_read_is_named(assignment, folder, monkeypatch):
    write(folder, honest_notebook(assignment))

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(Rejection, match=r"unreadable.*Permission denied"):
        read_submission(folder, assignment)


def test_what_changes_while_it_is_read_is_not_read(folder, outside, monkeypatch):
    (folder / "file").write_text("1")
    with open_submission(folder) as opened:
        real = os.stat

        def stat_then_swap(*place, **how):
            status = real(*place, **how)
            (folder / "file").unlink(missing_ok=True)
            (folder / "file").symlink_to(outside / "secret.txt")
            return status

        monkeypatch.setattr(os, "stat", stat_then_swap)
        with pytest.raises(OSError, match="symbolic link"):
            opened.read("file", 100)
