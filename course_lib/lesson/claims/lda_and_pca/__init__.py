"""Claims that belong to the chapter *LDA and PCA*, and their checks."""
