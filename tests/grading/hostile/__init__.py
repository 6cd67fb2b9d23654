"""Bad and hostile submissions, as data, and the small assignment that they are submissions of."""
