"""Claims of the chapter *Vanishing and exploding gradients*, and their checks."""
