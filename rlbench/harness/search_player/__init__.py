"""Player of submissions that search with a network: data only, like those of `rlbench.harness.layers`."""
