"""Claims of the chapter *Variants of gradient descent*, and their checks."""
