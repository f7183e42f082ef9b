"""Experiments on the reference agents, each with the command that makes its table."""
