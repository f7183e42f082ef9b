"""The agents that exported submissions contain."""
