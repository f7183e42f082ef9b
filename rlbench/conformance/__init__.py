"""Promises that environments keep, each a check; `rlbench.testing` runs them."""
