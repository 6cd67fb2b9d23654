"""No ruler is missing without anybody noticing."""

from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

FILE = Path(__file__).resolve().parents[2] / "requirements-rulers.txt"
LINES = [
    line
    for line in FILE.read_text(encoding="utf-8").splitlines()
    if not line.startswith(("#", "-"))
]


@pytest.mark.parametrize("line", LINES)
def test_is_installed_in_the_pinned_version(line):
    wanted = Requirement(line)
    if wanted.marker is not None and not wanted.marker.evaluate():
        pytest.skip(f"there is no {wanted.name} {wanted.specifier} for this machine")
    assert metadata.version(wanted.name) in wanted.specifier, "run `make test`, which installs it"


def test_every_file_of_rulers_is_left_out_where_they_are_missing():
    # The pattern in conftest.py.
    files = sorted(path.name for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in files if "_against_" not in name] == ["test_installed.py"]
