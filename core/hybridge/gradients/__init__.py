"""Derivatives of a plan: exact shift rules from the rows' spectra, finite differences where asked for."""
