"""Claims of the chapter *Linear learners*, and their checks."""
