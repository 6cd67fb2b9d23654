"""Claims of the chapter *Backpropagation*, and their checks."""
