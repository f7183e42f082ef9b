"""Networks, encodings of observations, distributions of actions, and optimisers."""
