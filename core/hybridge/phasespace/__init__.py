"""Modes of light in phase space: observables, Gaussian states and Fock states, hbar = 2."""
