"""Claims of the chapter *Regularization*, and their checks."""
