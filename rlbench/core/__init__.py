"""Rules, the environment adapters that turn them into Gymnasium environments, the batch compiler, random streams."""
