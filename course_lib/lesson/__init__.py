"""Parts of a lesson: the source of what is imported, and questions with answers."""
