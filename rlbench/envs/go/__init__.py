"""Go: Tromp-Taylor rules with positional superko, opponents from random to GNU Go, and any agent or engine."""
