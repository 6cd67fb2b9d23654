"""Claims of the chapter *Natural gradient*, and their checks."""
