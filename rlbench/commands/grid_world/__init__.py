"""What `rlbench show --policy` shows of a grid world: the exact solution, as text and as a picture."""
