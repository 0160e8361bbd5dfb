"""Proving what models promise: checks of one machine, exploration of several together, SPIN."""
