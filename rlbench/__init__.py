"""rlbench: the problems that a deep-RL course teaches, the agents that solve them, and a harness that scores yours.

Importing the package registers its environments with Gymnasium; nothing else is loaded until it is used.
"""

from rlbench.registry import ENVIRONMENTS, Environment, register, register_all

__all__ = ["ENVIRONMENTS", "Environment", "__version__", "register"]
__version__ = "0.2.0"

register_all()
