"""The training loop: what is due when, how it ends, and that a resumed run emits the events of one that was not."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from baselines.algorithms import dqn
from baselines.training.events import Evaluated, Event, Finished, Progress, Snapshot
from baselines.training.loop import Every
from tests.baselines import films
from tests.baselines.algorithms.test_env_steps import RUNS


@pytest.mark.parametrize("period", [1, 2, 3, 7, 10, 16, 30, 100])
@pytest.mark.parametrize("stride", [1, 3, 4, 16])
def test_due_once_for_every_multiple_that_is_reached_or_passed(period: int, stride: int) -> None:
    every = Every(evaluation=1, snapshot=1, stride=stride)
    assert every.due(period, 0), "before the first iteration"
    for clock in range(stride, 40 * stride, stride):
        passed = clock // period - (clock - stride) // period
        assert every.due(period, clock) == (passed > 0)


def test_due_by_hand() -> None:
    """16 environments, an evaluation every 100 steps: the first iteration at or behind 100, 200, 300, 400."""
    every = Every(evaluation=100, snapshot=1, stride=16)
    assert [clock for clock in range(16, 416, 16) if every.due(100, clock)] == [112, 208, 304, 400]


def evaluated_at(settings: Any, module: Any) -> list[int]:
    """Rows, counted by iterations, at which evaluations came."""
    return [event.update * settings.num_envs for event in module.train(settings) if isinstance(event, Evaluated)]


def test_evaluations_come_at_multiples_that_the_environments_do_not_divide() -> None:
    """Five environments, 600 steps: every 128, at the first multiple of 5 from there on, and at the end."""
    module, settings = RUNS["q-learning"]
    settings = replace(settings, total_env_steps=600, eval_every_env_steps=128)
    assert evaluated_at(settings, module) == [130, 260, 385, 515, 600]


def comparable(event: Event) -> Any:
    """An event without its times; policies by their tensors."""
    kind, counts = type(event).__name__, (event.update, event.steps)
    if isinstance(event, Progress):
        return kind, counts, event.done, dict(event.metrics)
    if isinstance(event, Evaluated):
        return kind, counts, event.returns, event.best
    if isinstance(event, Finished):
        return kind, counts, event.reason, {name: array.tolist() for name, array in event.policy.tensors().items()}
    return kind, counts


UNALIGNED = {"eval_every_updates": 3, "checkpoint_every_updates": 2}


@pytest.mark.parametrize("name", RUNS)
def test_a_resumed_run_emits_the_same_events(name: str) -> None:
    """From every snapshot, also from those that lie between evaluations."""
    module, settings = RUNS[name]
    settings = replace(settings, **{k: v for k, v in UNALIGNED.items() if hasattr(settings, k)})
    whole, states = [], []
    for event in module.train(settings):
        if isinstance(event, Snapshot):
            states.append((len(whole), event.state()))
        whole.append(comparable(event))
    assert len(states) > 2
    for begun, state in states:
        assert [comparable(event) for event in module.train(settings, resume=state)] == whole[begun:]


def test_a_finished_run_resumed_is_finished() -> None:
    module, settings = RUNS["q-learning"]
    *_, last = module.train(settings)
    (again,) = module.train(settings, resume=last.state())
    assert comparable(again) == comparable(last)


def test_the_order_of_events() -> None:
    module, settings = RUNS["dqn"]
    kinds = [type(event) for event in module.train(settings)]
    assert kinds[0] is Snapshot
    assert kinds[-1] is Finished
    assert all(after is Evaluated for before, after in itertools.pairwise(kinds) if before is Progress)
    done = [event.done for event in module.train(settings) if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == 1.0, "an evaluation comes at the end of the budget"


@pytest.mark.parametrize("name", RUNS)
def test_seconds_are_those_of_training(name: str) -> None:
    """Neither evaluations nor whoever consumes the events take any: time stands still there."""
    module, settings = RUNS[name]
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    seconds = []
    for event in module.train(settings, clock=clock):
        seconds.append(event.seconds)
        now[0] += 1_000.0
    assert seconds == sorted(seconds)
    assert seconds[-1] < 1_000.0


def test_a_goal_ends_the_run_when_it_is_held() -> None:
    module, settings = RUNS["q-learning"]
    *_, last = module.train(replace(settings, goal=-np.inf, confirmation_episodes=2))
    assert last.reason == "sustained"
    assert last.update * settings.num_envs == 600, "the third evaluation"


def test_pixels_of_environments_that_reset_in_the_same_step() -> None:
    settings = replace(
        dqn.PRESETS["atari-cpu"],
        task=films.task("noise", AutoresetMode.SAME_STEP),
        **{"convolutions": ((4, 8, 4), (4, 2, 1)), "hidden": (8,), "num_envs": 3, "warmup": 50, "batch_size": 8},
        **{"capacity": 400, "total_env_steps": 480, "eval_every_env_steps": 120, "checkpoint_every_env_steps": 120},
        **{"evaluation_episodes": 2, "evaluation_steps": 20},
    )
    *_, last = dqn.train(settings)
    assert last.steps == last.state()["learner"]["rollout"]["rows"] == 480, "no row is lost to a reset"
