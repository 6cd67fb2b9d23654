"""The check of stored notebooks finds what it is meant to find."""

import json

import pytest

from tools.check_notebooks import find_problems

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


def problems_of(tmp_path, *sources, count=None, outputs=None, metadata=KERNEL):
    printed = [{"output_type": "stream", "name": "stdout", "text": "1\n"}]
    cells = [
        {
            "cell_type": "code",
            "source": source,
            "metadata": {},
            "execution_count": number if count is None else count,
            "outputs": printed if outputs is None else outputs,
        }
        for number, source in enumerate(sources, start=1)
    ]
    path = tmp_path / "chapter.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": metadata}), encoding="utf-8")
    return find_problems(path)


def test_fine_notebook_passes(tmp_path):
    assert problems_of(tmp_path, "%matplotlib inline\nprint(1)", "print([i for i in 'ab'])") == []


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("def descend():\n    pass", "defines a function"),
        ("class Trace:\n    pass", "defines a class"),
        ("while True:\n    break", "while loop"),
        ("ax.set_title('x');", "semicolon"),
        ("print(", "not Python"),
    ],
)
def test_cells_that_are_not_allowed(tmp_path, source, complaint):
    assert any(complaint in problem for problem in problems_of(tmp_path, source))


def test_cells_not_run_in_order(tmp_path):
    assert any("execution count 7" in problem for problem in problems_of(tmp_path, "1", count=7))


def test_stripped_outputs(tmp_path):
    assert any("no output" in problem for problem in problems_of(tmp_path, "1", outputs=[]))


def test_stored_error(tmp_path):
    error = [{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}]
    assert any("error" in problem for problem in problems_of(tmp_path, "1", outputs=error))


def test_foreign_kernel(tmp_path):
    assert any("kernelspec" in problem for problem in problems_of(tmp_path, "1", metadata={}))
