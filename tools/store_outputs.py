"""Run notebooks and store their outputs, as the tests will compare them.

``python tools/store_outputs.py [NOTEBOOK …]``: with no name, every notebook of the book.
What depends on the day or the machine (timings, exact Python version) is left out, so that
running an unchanged notebook again changes nothing in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import nbformat
from kernels import isolate_kernels
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
CELL_TIMEOUT = 300  # seconds


def find_chapters() -> list[Path]:
    """Every notebook that the book shows (assignments are not run by readers' builds)."""
    found = sorted((ROOT / "book").rglob("*.ipynb"))
    hidden = {".ipynb_checkpoints", "assignments"}
    return [path for path in found if not hidden.intersection(path.parts)]


def make_deterministic(notebook: nbformat.NotebookNode) -> None:
    """Keep only the metadata that is the same on every machine, and number cells by order."""
    notebook.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    notebook.metadata["language_info"] = {"name": "python", "file_extension": ".py"}
    notebook.metadata.pop("widgets", None)
    code_cells = 0
    for position, cell in enumerate(notebook.cells):
        # Newly added cells keep their random id; the rest of the file decides nothing by it.
        cell.setdefault("id", f"cell-{position}")
        for key in ("execution", "ExecuteTime", "collapsed", "scrolled"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code" and cell.source.strip():
            code_cells += 1
            cell.execution_count = code_cells
            for output in cell.outputs:
                if "execution_count" in output:
                    output["execution_count"] = code_cells


def store_outputs(path: Path) -> None:
    """Run one notebook in a fresh kernel, in its own folder, and write it back."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    make_deterministic(notebook)
    # nbformat's newest minor version writes cell ids, which nbval and diffs rely on.
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    text = nbformat.writes(notebook)
    if not text.endswith("\n"):
        text += "\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def main(arguments: Iterable[str] | None = None) -> None:
    """Store the outputs of the notebooks named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path)
    notebooks = parser.parse_args(arguments).notebooks or find_chapters()
    isolate_kernels()
    for path in notebooks:
        if not path.is_file():
            raise SystemExit(f"{path}: no such notebook.")
        print(f"running {path}", flush=True)
        try:
            store_outputs(path.resolve())
        except CellExecutionError as error:
            raise SystemExit(f"{path}: a cell failed, nothing was written.\n{error}") from None


if __name__ == "__main__":
    main()
