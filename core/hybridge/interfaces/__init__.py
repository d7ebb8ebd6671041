"""One module per differentiable library, each offering `gathered(numbers)` and `evaluate(called)`."""
