"""One module per differentiable library, each offering `call(plan, numbers, ...)`."""
