"""Claims of the chapter *Cost functions*, and their checks."""
