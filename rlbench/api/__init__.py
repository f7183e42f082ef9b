"""What the commands do, as functions of Python: `rlbench.evaluate`, `rlbench.train` and so on; docs/python.md."""
