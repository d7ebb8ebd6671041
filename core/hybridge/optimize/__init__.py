"""Optimizers with `step` and `step_and_cost`, and `minimize`, which runs them and scipy's."""
