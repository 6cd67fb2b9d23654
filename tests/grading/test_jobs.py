"""Reading and judging one submission."""

import json

import pytest

from course_lib.grading.intake import read_submission
from course_lib.grading.jobs import Job, judge_job
from course_lib.grading.sandbox import Unsandboxed
from tests.grading.classroom import SEED, hand_in, make_class, master_of
from tests.grading.hostile.master import NAME


@pytest.mark.parametrize(("handed_in", "told"), [(SEED, False), (SEED + 1, True)])
def test_numbers_of_another_release_are_told(tmp_path, handed_in, told):
    course = make_class(tmp_path)
    folder = hand_in(course, "ada")
    path = folder / f"{NAME}.ipynb"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f"seed = {SEED}", f"seed = {handed_in}"), encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8"))["cells"]
    job = Job("ada", master_of(course), SEED, str(folder), sandbox=Unsandboxed())
    assert read_submission(folder, job.assignment).seed == handed_in
    judged = judge_job(job)
    assert judged.verdict.seed == SEED
    assert any("numbers of seed" in note for note in judged.submission.notes) is told
