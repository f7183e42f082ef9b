"""The agent in a process of its own, called through shared memory, with time limits."""
