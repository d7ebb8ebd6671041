"""Observables: Pauli sentences and matrices for qubits, polynomials in x and p for modes."""
