"""What is kept from block to block changes no episode: environments of every family, and libraries of agents."""

import dataclasses
import os
import signal
import sys
import zipfile

import numpy as np
import pytest

from rlbench import space_tree
from rlbench.harness import submission
from rlbench.harness.blocks import play_isolated
from rlbench.harness.isolation import tiers
from rlbench.harness.isolation.agent import AgentFault
from rlbench.harness.isolation.fork_server import ForkServer, imported_ahead
from rlbench.harness.kept import OWN, Kept
from rlbench.harness.play import make_env, play
from rlbench.harness.tasks.suite import TASKS, get_task

needs_walls = pytest.mark.skipif(tiers.what_is_lacking("landlock") is not None, reason="no walls of the kernel")

FAST = ("grid-world@1", "cart-pole@1", "glimpse-mnist@1", "go-5x5@1", "hopper@1")
MAX_STEPS = 300


def shortened(task):
    """Two blocks of four episodes."""
    return dataclasses.replace(task, episodes=8, num_envs=4, supplement=None)


def played(env, task, number):
    """A block by an agent that draws its actions, and does not play an episode that takes too long to its end."""
    space, steps = env.single_action_space, 0
    space.seed(number)
    leaves = list(space_tree.leaves(space_tree.describe(space)))

    def act(observation, first):
        nonlocal steps
        steps += 1
        if steps > MAX_STEPS:
            raise AgentFault("crash", "long enough")
        seen.append(np.concatenate([np.ravel(np.asarray(leaf, np.float64)) for leaf in flat(observation)]))
        drawn = [list(flat(space.sample())) for _ in range(env.num_envs)]
        return [np.array([each[i] for each in drawn], leaf.wide) for i, leaf in enumerate(leaves)]

    seen = []
    episodes, _ = play(env, act, task, task.block(number))
    return episodes, np.concatenate(seen)


def flat(tree):
    """The arrays of an observation or an action."""
    if isinstance(tree, dict):
        return [leaf for each in tree.values() for leaf in flat(each)]
    return [leaf for each in tree for leaf in flat(each)] if isinstance(tree, tuple) else [tree]


def tasks_of_all_families():
    """One task for each environment, those that take long only where slow tests run."""
    newest = {task.env_id: key for key, task in TASKS.items() if task.env_id in OWN}
    return [pytest.param(key, marks=[] if key in FAST else pytest.mark.slow) for key in newest.values()]


@pytest.mark.parametrize("key", tasks_of_all_families())
def test_an_environment_begins_a_block_as_a_fresh_one(key):
    """After a block that was played, and after one that the agent broke off."""
    task = shortened(get_task(key))
    if key.startswith("atari"):
        pytest.importorskip("ale_py")
    expected = []
    for number in range(2):
        env = make_env(task, 4, task.block(number))
        expected.append(played(env, task, number))
        env.close()
    with Kept() as kept:
        for number in (1, 0, 0, 1):
            with kept.environment(task, task.block(number)) as env:
                episodes, seen = played(env, task, number)
            assert episodes == expected[number][0]
            np.testing.assert_array_equal(seen, expected[number][1])


def test_which_environments_are_kept(grid_task):
    with Kept() as kept:
        with kept.environment(grid_task, range(3)) as first:
            pass
        with kept.environment(grid_task, range(3)) as again:
            assert again is first
        with kept.environment(grid_task, range(2)) as smaller:
            assert smaller is not first
        with pytest.raises(ValueError, match="broken"), kept.environment(grid_task, range(2)):
            raise ValueError("broken")
        with kept.environment(grid_task, range(2)) as after_an_error:
            assert after_an_error is not smaller
        foreign = dataclasses.replace(grid_task, env_id="CartPole-v1", options=())
        with kept.environment(foreign, range(2)) as of_others:
            pass
        with kept.environment(foreign, range(2)) as another:
            assert another is not of_others


NOTES_ITS_PROCESS = """
import os, sys, random, tempfile
import numpy as np

class Agent:
    def __init__(self, words):
        self.words = words

    def act(self, observation, first):
        raise ValueError(self.words)

def load(task, spaces, seed):
    same = [sys.argv, os.getcwd() == os.environ["HOME"] == tempfile.gettempdir(), len(sys.path_hooks),
            sys.stdin.read(), sorted(os.listdir("/proc/self/fd"), key=int)[:3], os.getsid(0) == os.getpid(),
            len(os.listdir("/proc/self/task")), sorted(os.environ), os.umask(0o22)]
    drawn = [random.random(), np.random.random()]
    return Agent(f"{hash(str(same))} {drawn}")
"""


@needs_walls
def test_a_forked_agent_finds_what_one_with_a_python_of_its_own_finds(grid_task, submit):
    """And draws numbers of its own where it does not seed them."""
    entrant = submission.read(submit(source=NOTES_ITS_PROCESS))
    faults = [play_isolated(grid_task, entrant, 0, isolation="landlock", kept=OwnPython()).fault]
    with Kept() as kept:
        faults += [play_isolated(grid_task, entrant, 0, isolation="landlock", kept=kept).fault for _ in range(2)]
    found = [fault.partition("ValueError: ")[2].split(" ", 1) for fault in faults]
    assert len({each[0] for each in found}) == 1
    assert len({each[1] for each in found}) == 3


class OwnPython(Kept):
    """Keeps no template of agents' processes."""

    def server(self, entrant, tier):
        return None


USES_TORCH = """
import torch

class Agent:
    def __init__(self, seed):
        torch.manual_seed(seed)
        self.layer = torch.nn.Linear(1, 4)

    def act(self, observation, first):
        with torch.no_grad():
            logits = self.layer(torch.as_tensor(observation).float()[:, None])
        return torch.distributions.Categorical(logits=logits).sample().numpy()

def load(task, spaces, seed):
    return Agent(seed)
"""


@needs_walls
@pytest.mark.slow
def test_a_network_of_torch_plays_the_same_in_a_fork(submit):
    pytest.importorskip("torch")
    task = shortened(get_task("grid-world"))
    entrant = submission.read(submit(source=USES_TORCH))
    own = [play_isolated(task, entrant, number, isolation="landlock", kept=OwnPython()) for number in range(2)]
    with Kept() as kept:
        forked = [play_isolated(task, entrant, number, isolation="landlock", kept=kept) for number in range(2)]
        assert kept.server(entrant, "landlock").libraries == ("torch",)
    assert [block.episodes for block in forked] == [block.episodes for block in own]
    assert {episode.status for block in own for episode in block.episodes} == {"ok"}
    assert forked[1].load_seconds < own[1].load_seconds


@pytest.mark.parametrize(
    ("source", "libraries"),
    [
        (
            "import torch.nn\nfrom stable_baselines3 import PPO\nimport nothing",
            ("stable_baselines3", "torch", "torch._dynamo"),
        ),
        ("def load(*_):\n    import torch", ("torch",)),
        ("import os\nos.environ['OMP_NUM_THREADS'] = '2'\nimport torch", ()),
        ("import helper", ()),
    ],
)
def test_what_is_imported_ahead(source, libraries, submit):
    folder = submit(source=source)
    assert imported_ahead(submission.read(folder)) == libraries
    (folder / "torch.py").write_text("", encoding="utf-8")  # which is what it imports then
    assert imported_ahead(submission.read(folder)) == tuple(each for each in libraries if not each.startswith("torch"))


def test_what_an_adapter_plays_with_is_imported_ahead(submit):
    """Of code that lies beside a model, what it imports as well."""
    folder = submit(source="import torch", entry="rlbench:sb3")
    with zipfile.ZipFile(folder / "model.zip", "w") as archive:
        archive.writestr("data", "{}")
    assert imported_ahead(submission.read(folder)) == ("stable_baselines3", "torch")


@needs_walls
def test_an_agent_is_started_by_a_python_of_its_own_where_the_template_cannot(submit, grid_task, tmp_path, monkeypatch):
    entrant = submission.read(submit("return [1] * len(first)"))
    expected = play_isolated(grid_task, entrant, 0, isolation="landlock", kept=OwnPython()).episodes
    (tmp_path / "starts_a_thread.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()", encoding="utf-8"
    )
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with ForkServer(["starts_a_thread"]) as server:
        assert not server.is_ready()
        monkeypatch.setattr(Kept, "server", lambda *_: server)
        assert play_isolated(grid_task, entrant, 0, isolation="landlock").episodes == expected


@needs_walls
@pytest.mark.parametrize("ready", [True, False], ids=["between blocks", "while it starts"])
def test_a_template_that_is_killed_costs_no_block(ready, submit, grid_task):
    entrant = submission.read(submit("return [1] * len(first)"))
    before = children()
    with Kept() as kept:
        server = kept.server(entrant, "landlock")
        if ready:
            expected = play_isolated(grid_task, entrant, 0, isolation="landlock", kept=kept).episodes
        (template,) = children() - before
        os.kill(int(template), signal.SIGKILL)
        assert kept.server(entrant, "landlock") is server
        played_then = play_isolated(grid_task, entrant, 0, isolation="landlock", kept=kept).episodes
        assert {episode.status for episode in played_then} == {"ok"}
        if ready:
            assert played_then == expected
    assert children() == before


def children():
    """The numbers of this process's children."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="utf-8") as file:
        return set(file.read().split())


@needs_walls
@pytest.mark.parametrize("isolation", ["strict", "process"])
def test_other_tiers_have_no_template(isolation, submit):
    with Kept() as kept:
        assert kept.server(submission.read(submit("pass")), isolation) is None


@needs_walls
def test_nothing_is_left_of_a_template(submit, grid_task):
    before, descriptors = children(), len(os.listdir("/proc/self/fd"))
    with Kept() as kept:
        play_isolated(grid_task, submission.read(submit("return [1] * len(first)")), 0, isolation="landlock", kept=kept)
        assert len(children() - before) == 1
    assert children() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors
