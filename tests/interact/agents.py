"""Small agents to watch."""

LEAN = """
name = "lean"
version = "1"
authors = ["a test"]
tasks = ["cart-pole@1"]
entry = "agent:load"
training_seed = 4
"""
AGENT = '''
import numpy as np

class Lean:
    """Pushes away from where the pole leans, so that its episodes are short."""

    def act(self, observation, first):
        self.lean = -observation[:, 2] - 0.3 * observation[:, 3]
        return (self.lean > 0).astype(int)

    def explain(self):
        p = 1 / (1 + np.exp(-self.lean))
        return {"probabilities": np.stack([1 - p, p], axis=1), "value": self.lean}

def load(task, spaces, seed):
    return Lean()
'''
FAULTY = """
class Agent:
    def __init__(self):
        self.steps = 0

    def act(self, observation, first):
        self.steps += 1
        if self.steps == 4:
            {fault}
        return [self.steps % 2] * len(first)

def load(task, spaces, seed):
    return Agent()
"""


def write_agent(folder, source):
    """A submission of that source, in a new folder."""
    folder.mkdir()
    (folder / "submission.toml").write_text(LEAN, encoding="utf-8")
    (folder / "agent.py").write_text(source, encoding="utf-8")
    return folder
