"""Circuits from and to the texts and objects of others: reading, writing, and the formats of our own."""
