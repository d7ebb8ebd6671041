"""Models of noise: what is declared of a machine, and what that makes of a circuit."""
