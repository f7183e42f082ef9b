"""Of a classification task every byte that reaches the agent is the same whatever the labels are."""

import gymnasium
import numpy as np
import pytest

import rlbench  # noqa: F401  # registers the ids
from rlbench.harness import blocks, submission
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation import affinity, shared_memory, spawn
from rlbench.harness.results import record
from rlbench.harness.tasks.task import Task
from rlbench.registry import GLIMPSE
from tests.harness.isolation.watching import appended_to

SWAPPED = "test/GlimpseSwapped-v0"
LABELS = np.random.default_rng(1).integers(0, 10, 30)
TASK = Task("swapped", 1, SWAPPED, episodes=16, num_envs=8, options=tuple({"image": image} for image in range(16)))

AGENT = """
import numpy as np

class Agent:
    def act(self, observation, first):
        self.seen = observation
        place = np.tanh(100 * observation["patches"].mean(axis=(1, 2)) - 50)
        return {"location": place[:, :2], "label": (1e6 * place[:, 0]).astype(int) % 10}

    def explain(self):
        return {"value": self.seen["patches"].sum(axis=(1, 2, 3)), "glimpses": self.seen["location"][:, None]}

def load(task, spaces, seed):
    return Agent()
"""


@pytest.fixture(params=[False, True], ids=["busy", "idle"])
def crossed(request, monkeypatch):
    """All that crosses to the agent's process: its set-up, and the whole shared memory at every call.

    One byte of that says whether the machine has cores to spare, which may change from run to run; it is held here.
    """
    monkeypatch.setattr(affinity, "pin_to_separate_cores", lambda *_: request.param)
    crossed = []
    arguments, put = spawn.load_arguments, shared_memory.SharedArrays.put_observation

    def spied_arguments(*args):
        given = arguments(*args)
        crossed.append(repr({**given, "folder": "a private copy, each time in another folder"}))
        return given

    def put_and_look(shared, observation, first):
        put(shared, observation, first)
        with open(f"/proc/self/fd/{shared.descriptor}", "rb") as memory:
            crossed.append(memory.read())

    monkeypatch.setattr(spawn, "load_arguments", spied_arguments)
    monkeypatch.setattr(shared_memory.SharedArrays, "put_observation", put_and_look)
    return crossed


@pytest.fixture
def labelled():
    """Registers an environment of 30 images with the given labels."""
    images = np.random.default_rng(0).integers(0, 256, (30, 9, 9)).astype(np.uint8)
    shells = {"entry_point": "rlbench.core.env:RulesEnv", "vector_entry_point": "rlbench.core.vector:RulesVectorEnv"}
    settings = {"rules": GLIMPSE, "images": images, "size": 20, "patch": 4, "scales": 2, "clutter": 3}

    def register(labels):
        gymnasium.registry.pop(SWAPPED, None)
        gymnasium.register(SWAPPED, kwargs={**settings, "labels": labels, "clutter_size": 5}, **shells)

    yield register
    gymnasium.registry.pop(SWAPPED, None)


def test_swapped_labels_change_the_score_and_nothing_that_crosses(submit, labelled, crossed, tmp_path):
    agent, seen, returns = submit(source=AGENT), [], []
    for labels in (LABELS, (LABELS + 5) % 10):
        labelled(labels)
        evaluate(TASK, agent, tmp_path / str(labels[0]), quiet=True)
        seen.append(crossed.copy())
        crossed.clear()
        returns.append(record.load(tmp_path / str(labels[0]))["return"])
    assert len(seen[0]) == 2 * (1 + 6)  # two blocks, each introduced, of six calls
    assert len(set(seen[0])) > 10
    assert seen[0] == seen[1]
    assert (returns[0] != returns[1]).any()


def test_explanations_do_not_depend_on_the_labels_either(submit, labelled, crossed):
    entrant, seen, explanations = submission.read(submit(source=AGENT)), [], []
    for labels in (LABELS, (LABELS + 5) % 10):
        labelled(labels)
        blocks.play_watched(TASK, entrant, range(8), 0, appended_to(explanations))
        seen.append((crossed.copy(), explanations.copy()))
        crossed.clear(), explanations.clear()
    assert len(seen[0][1]) == 6
    assert seen[0][1][0][0].value > 0
    assert seen[0] == seen[1]
