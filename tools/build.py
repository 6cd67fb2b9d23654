"""Build the book: run stale notebooks in parallel, then turn every page into HTML.

jupyter-cache decides by the code cells alone whether a notebook must run again; it does not
see that the library changed under it. So a fingerprint of everything else that can change an
output (``course_lib``, the pinned packages, the Python version) is kept beside the cache, and
the cache is dropped when the fingerprint differs. Any warning or failing cell fails the build.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from kernels import isolate_kernels

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "_build"
HTML = OUTPUT / "html"
# Jupyter Book looks for executed notebooks here.
EXECUTION_CACHE = OUTPUT / ".jupyter_cache"
DOCTREES = OUTPUT / ".doctrees"
# Everything a page can depend on.
SOURCES = ("book", "course_lib", "tools", "_config.yml", "_toc.yml", "CHANGELOG.md")
SOURCES += ("benchmarks/results.md",)
SOURCES += ("constraints.txt", "pyproject.toml")
IGNORED = {"__pycache__", ".ipynb_checkpoints"}


def fingerprint(paths: Iterable[Path]) -> str:
    """Hash of the names and contents of files and folders, and of the Python version."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and not IGNORED.intersection(file.parts):
                digest.update(file.relative_to(ROOT).as_posix().encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def forget_if_changed(name: str, sources: Iterable[Path], products: Iterable[Path]) -> None:
    """Remove products of an earlier build that was made from other sources."""
    record = OUTPUT / f".{name}.sha256"
    current = fingerprint(sources)
    if record.exists() and record.read_text(encoding="utf-8") == current:
        return
    for product in products:
        shutil.rmtree(product, ignore_errors=True)
    OUTPUT.mkdir(exist_ok=True)
    record.write_text(current, encoding="utf-8")


def find_notebooks() -> list[Path]:
    """The notebooks named in the table of contents, in the order of the book."""
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))

    def walk(node: object) -> Iterable[str]:
        if isinstance(node, dict):
            yield from (str(node[key]) for key in ("root", "file") if key in node)
            for key in ("parts", "chapters", "sections"):
                yield from walk(node.get(key))
        elif isinstance(node, list):
            for item in node:
                yield from walk(item)

    candidates = (ROOT / f"{name.removesuffix('.ipynb')}.ipynb" for name in walk(contents))
    return [path for path in candidates if path.is_file()]


def execute_stale_notebooks(notebooks: list[Path]) -> bool:
    """Run the notebooks whose code changed, several at a time; True when all went well."""
    timeout = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["execute"]
    cache = get_cache(EXECUTION_CACHE)
    for record in cache.list_project_records():
        if Path(record.uri) not in notebooks:
            cache.remove_nb_from_project(record.pk)
    for notebook in notebooks:
        cache.add_nb_to_project(str(notebook))
    stale = [Path(record.uri).relative_to(ROOT) for record in cache.list_unexecuted()]
    if not stale:
        return True
    print(f"Running {len(stale)} notebook(s): {', '.join(map(str, stale))}", flush=True)
    silent = logging.getLogger("downhill.execution")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    executor = load_executor("local-parallel", cache=cache, logger=silent)
    result = executor.run_and_cache(timeout=timeout["timeout"])
    for uri in [*result.excepted, *result.errored]:
        print(f"\n{Path(uri).relative_to(ROOT)}: a cell failed.")
        print(cache.get_project_record(uri).traceback or "The notebook could not be run.")
    return not (result.excepted or result.errored)


def render_pages() -> bool:
    """Build the HTML with Jupyter Book; True when there was no warning."""
    # The installed `jupyter-book` script names an absolute path that breaks when the folder moves.
    start = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", str(ROOT)]
    command += ["-W", "-n", "--keep-going", "--quiet"]
    # Warnings go to the error stream; what Jupyter Book says besides is repeated by main().
    completed = subprocess.run(command, cwd=ROOT, check=False, stdout=subprocess.DEVNULL)
    return completed.returncode == 0 and (HTML / "index.html").exists()


def say_where_the_book_is(news: str) -> None:
    """Print the closing lines of a build."""
    print(f"\n{news} The book is in {HTML.relative_to(ROOT)}.")
    print("Read it with 'make read', or open _build/html/index.html in a browser.")


def main() -> None:
    """Build what is stale and say where the book is."""
    started = time.perf_counter()
    isolate_kernels()
    os.chdir(ROOT)
    lock = ROOT / "constraints.txt"
    finished = OUTPUT / ".finished.sha256"
    everything = fingerprint(ROOT / name for name in SOURCES)
    made = (HTML / "index.html").exists() and finished.exists()
    if made and finished.read_text(encoding="utf-8") == everything:
        say_where_the_book_is("Nothing has changed.")
        return
    finished.unlink(missing_ok=True)
    forget_if_changed("execution", [ROOT / "course_lib", lock], [EXECUTION_CACHE, DOCTREES])
    forget_if_changed(
        "site",
        # Styles and scripts too: Sphinx copies them only where a page changed as well.
        [
            *(ROOT / name for name in ("_config.yml", "_toc.yml")),
            *(ROOT / "book" / name for name in ("_ext", "_templates", "assets")),
            lock,
        ],
        [HTML, DOCTREES],
    )
    if not execute_stale_notebooks(find_notebooks()):
        raise SystemExit("\nThe book was not built: a notebook failed, see above.")
    if not render_pages():
        # Pages read once do not repeat their warnings; without this the next try would pass.
        shutil.rmtree(DOCTREES, ignore_errors=True)
        raise SystemExit("\nThe build failed: every warning above counts as an error.")
    finished.write_text(everything, encoding="utf-8")
    say_where_the_book_is(f"Built in {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
