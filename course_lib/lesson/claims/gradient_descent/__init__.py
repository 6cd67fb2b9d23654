"""Claims of the chapter *Gradient descent*, and their checks."""
