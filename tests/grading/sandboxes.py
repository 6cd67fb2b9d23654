"""Which tests need the sandbox, and what becomes of them where there is none."""

import os

import pytest

from course_lib.grading.sandbox import Sandbox, SandboxUnavailable


def _why_not() -> str:
    try:
        Sandbox.find()
    except SandboxUnavailable as error:
        return str(error)
    return ""


_REASON = _why_not()

#: Skips a test where there is no sandbox; with DOWNHILL_REQUIRE_SANDBOX=1 it runs, and fails.
needs_sandbox = pytest.mark.skipif(
    bool(_REASON) and os.environ.get("DOWNHILL_REQUIRE_SANDBOX") != "1", reason=_REASON or "-"
)
