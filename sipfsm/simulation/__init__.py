"""A network in memory, users who call each other over it in virtual time, and what must hold meanwhile."""
