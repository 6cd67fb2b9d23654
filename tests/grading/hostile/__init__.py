"""Bad and hostile submissions, as data, and the small assignment that they are submissions of."""

# Adds its kinds to `files.KINDS`, which is then the same for whoever reads it.
from tests.grading.hostile import games  # noqa: F401
