"""Claims of the chapter *Momentum and adaptive optimizers*, and their checks."""
