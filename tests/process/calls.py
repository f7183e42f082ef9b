"""Public calls, each in a program that has settings of its own, with what is not afterwards as it was before.

A script: `calls.py OUTPUT GROUP` makes the calls of a group, one after the other, and writes a JSON object: name of the
call -> name of what changed -> how.
"""

from __future__ import annotations

import contextlib
import dataclasses
import decimal
import io
import json
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ale_py  # noqa: F401  # what libraries set up when they are imported is not our doing
import gymnasium
import matplotlib.pyplot  # noqa: F401
import numba  # noqa: F401
import numpy as np
import pandas as pd
import rich.console  # noqa: F401
import scipy.special  # noqa: F401
import torch
import tyro  # noqa: F401
from snapshot import differences, snapshot

import rlbench  # noqa: F401
from rlbench import cli

Calls = dict[str, Callable[[], object]]

FAMILIES = {
    "grid world": "rlbench/GridWorld-v0",
    "cart-pole": "rlbench/CartPole-v0",
    "glimpses": "rlbench/GlimpseCluttered60-v0",
    "robots": "rlbench/Hopper-v0",
    "Atari": "rlbench/AtariPong-v0",
}
AGENT = """
class Agent:
    def act(self, observation, first):
        return self.actions[: len(first)]


def load(task, spaces, seed):
    import numpy

    agent = Agent()
    agent.actions = numpy.zeros(10_000, int)
    return agent
"""


def play(env: Any) -> None:
    """A few steps, and the end."""
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(3):
        env.step(env.action_space.sample())
        if env.render_mode is not None:
            env.render()
    env.close()


def environments() -> Calls:
    calls: Calls = {}
    for family, id in FAMILIES.items():
        calls[f"one {family}"] = lambda id=id: play(gymnasium.make(id))
        calls[f"frames of one {family}"] = lambda id=id: play(gymnasium.make(id, render_mode="rgb_array"))
        calls[f"a window with one {family}"] = lambda id=id: play(gymnasium.make(id, render_mode="human"))
        calls[f"a batch of {family}"] = lambda id=id: play(gymnasium.make_vec(id, num_envs=3))
        calls[f"frames of a batch of {family}"] = lambda id=id: play(
            gymnasium.make_vec(id, num_envs=2, render_mode="rgb_array")
        )
        calls[f"{family} with a wrong argument"] = lambda id=id: refused(lambda: gymnasium.make(id, nonsense=1))
    calls["a parallel batch"] = lambda: play(gymnasium.make_vec(FAMILIES["cart-pole"], num_envs=600, parallel=True))
    return calls


def refused(call: Callable[[], object]) -> None:
    with contextlib.suppress(Exception):
        call()
        raise SystemExit("was not refused")


def conformance() -> Calls:
    from rlbench.testing import check_env, check_vector_env

    return {
        "check_env": lambda: check_env(FAMILIES["cart-pole"]),
        "check_vector_env": lambda: check_vector_env(FAMILIES["grid world"]),
    }


def trainings() -> Calls:
    from baselines.algorithms import (
        actor_critic,
        dqn,
        pqn,
        q_learning,
        recurrent_attention,
        reinforce,
        soft_actor_critic,
        value_iteration,
    )

    small = {
        **{"total_env_steps": 60, "evaluation_episodes": 1, "evaluation_steps": 5, "confirmation_episodes": 1},
        **{"eval_every_env_steps": 30, "checkpoint_every_env_steps": 30, "warmup": 4, "batch_size": 2},
        **{"eval_every_updates": 1, "checkpoint_every_updates": 1, "epochs": 1, "num_envs": 2, "horizon": 5},
    }

    images = np.arange(64, dtype=np.uint8)[:, None, None].repeat(12, 1).repeat(12, 2)
    gymnasium.register(
        "test/Images-v0",
        entry_point="rlbench.core.env:RulesEnv",
        vector_entry_point="rlbench.core.vector:RulesVectorEnv",
        kwargs={
            **{"rules": "rlbench.envs.glimpse.rules", "images": images, "labels": np.arange(64) % 2, "classes": 2},
            **{"patch": 4, "glimpses": 2},
        },
    )

    def train(module: Any, preset: str, **changes: Any) -> None:
        settings = dataclasses.replace(module.PRESETS[preset], **changes)
        known = {field.name for field in dataclasses.fields(settings)}
        settings = dataclasses.replace(settings, **{name: value for name, value in small.items() if name in known})
        before, events = snapshot(), module.train(settings)
        for _ in zip(range(4), events):  # noqa: B905  # given up half way
            changed = differences(before, snapshot())  # the caller has control between two events, too
            if changed := {name: how for name, how in changed.items() if name not in HELD_OPEN}:
                raise AssertionError(f"between two events: {changed}")
        events.close()

    return {
        "train value-iteration": lambda: train(value_iteration, "lecture"),
        "train q-learning": lambda: train(q_learning, "lecture"),
        "train dqn": lambda: train(dqn, "fast"),
        "train pqn": lambda: train(pqn, "fast"),
        "train reinforce": lambda: train(reinforce, "fast"),
        "train actor-critic": lambda: train(actor_critic, "fast"),
        "train soft-actor-critic": lambda: train(soft_actor_critic, "fast"),
        "train recurrent-attention": lambda: train(recurrent_attention, "mnist", task="test/Images-v0"),
    }


HELD_OPEN = {"open files", "threads", "child processes"}
"""What a training run may hold while it goes on."""


def commands() -> Calls:
    agent = Path("agent")
    agent.mkdir()
    manifest = 'name = "zeros"\nversion = "1"\nauthors = ["a"]\ntasks = ["grid-world@1"]\nentry = "agent:load"\n'
    (agent / "submission.toml").write_text(manifest, encoding="utf-8")
    (agent / "agent.py").write_text(AGENT, encoding="utf-8")
    lines = [
        "--version",
        "list",
        "show GridWorld --output s.png",
        "show AtariPong --output s.png",
        "show Hopper --output s.png",
        "train value-iteration --out runs/v --quiet",
        "evaluate agent --results results --quiet",
        "evaluate nowhere",
        "verify results --submission agent",
        "leaderboard --results results --output page.md",
        "plot results --output p.png",
        "watch agent --no-window --quiet --record film.gif",
        "watch agent --quiet --speed 64",
        "doctor",
        "nonsense",
    ]
    return {f"rlbench {line}": lambda line=line: quietly(line) for line in lines}


def quietly(line: str) -> None:
    """A command of the command line, whose output nobody reads."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as errors:
        try:
            code = cli.main(line.split())
        except SystemExit as end:
            code = end.code
    if code == 3 or (code and not line.startswith(("evaluate nowhere", "nonsense"))):
        raise AssertionError(f"exit code {code}: {errors.getvalue()}")


def sample() -> Calls:
    """A few of all."""
    chosen = (
        *("a batch of grid world", "a parallel batch", "a window with one cart-pole", "frames of one robots"),
        *("one Atari", "train dqn", "rlbench evaluate agent --results results --quiet", "rlbench nonsense"),
    )
    known = {**environments(), **trainings(), **commands()}
    return {name: known[name] for name in chosen}


GROUPS: dict[str, Callable[[], Calls]] = {
    "sample": sample,
    "environments": environments,
    "conformance": conformance,
    "trainings": trainings,
    "commands": commands,
}


def unusual_settings() -> None:
    """Settings that a program may have, and that are not the defaults to which a library might return."""
    torch.set_num_threads(3)
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    np.random.seed(1)  # noqa: NPY002  # the global generator is what others use
    random.seed(1)
    np.seterr(all="raise")
    np.set_printoptions(precision=2)
    pd.set_option("display.max_rows", 5)
    decimal.getcontext().prec = 4
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    warnings.simplefilter("error")
    os.umask(0o027)


def main(output: str, group: str) -> None:
    found: dict[str, dict[str, str]] = {}
    for name, call in GROUPS[group]().items():
        unusual_settings()
        before = snapshot()
        try:
            call()
        except Exception as error:
            found[name] = {"error": f"{type(error).__name__}: {error}"}
        else:
            found[name] = differences(before, snapshot())
    Path(output).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
