"""Charts that `rlbench plot` draws: learning curves, and scores of results."""
