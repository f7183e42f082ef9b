"""The commands of `rlbench`, one module each, imported only when called."""
