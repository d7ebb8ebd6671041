"""Drawings of circuits: what stands on each wire, from left to right."""
