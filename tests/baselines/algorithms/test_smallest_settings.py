"""Every algorithm at the least that its checks allow: it trains to the end or says what is wrong, in a UserError."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from baselines import ALGORITHMS
from baselines.algorithms import actor_critic, dqn, pqn, q_learning, reinforce, soft_actor_critic, xqc
from baselines.algorithms import value_iteration as value_iteration
from baselines.algorithms.recurrent_attention import PRESETS as ATTENTION
from baselines.training import runner
from baselines.training.events import Finished
from baselines.types import (
    Convolutions,
    Count,
    CountOrZero,
    Counts,
    Discount,
    NonNegative,
    Positive,
    PositiveProbability,
    Probability,
)
from rlbench.errors import UserError
from tests.baselines import films, go_boards, probes
from tests.baselines.algorithms.test_alphazero import SMALL as SELF_PLAY
from tests.baselines.algorithms.test_recurrent_attention import SMALL as GLIMPSES
from tests.baselines.algorithms.test_recurrent_attention import corners_registered  # noqa: F401  # its images

EXTREMES: list[tuple[Any, list[Any]]] = [
    (Count, [1]),
    (CountOrZero, [0, 1]),
    (Counts, [(), (1,), (1, 1)]),
    (Positive, [1e-12]),
    (NonNegative, [0.0, 1e-12]),
    (Probability, [0.0, 1.0]),
    (PositiveProbability, [1e-12, 1.0]),
    (Discount, [1e-12, 1.0]),
    (bool, [False, True]),
]
"""The ends of what each kind allows."""

OFF_POLICY: dict[str, Any] = {
    **{"num_envs": 2, "total_env_steps": 40, "eval_every_env_steps": 20, "checkpoint_every_env_steps": 20},
    **{"evaluation_episodes": 2, "evaluation_steps": 5, "confirmation_episodes": 2},
}
ON_POLICY: dict[str, Any] = {
    **{"num_envs": 2, "total_env_steps": 40, "eval_every_updates": 2, "checkpoint_every_updates": 2},
    **{"evaluation_episodes": 2, "evaluation_steps": 5, "confirmation_episodes": 2, "goal": 0.0},
}
PIXELS = {"convolutions": ((2, 4, 4), (2, 2, 1)), "hidden": (2,), "capacity": 100, "warmup": 4, "batch_size": 2}
SAC = soft_actor_critic.SACSettings(
    **{"task": probes.task("both", continuous=True), "warmup": 4, "batch_size": 2, "hidden": (2,)}, **OFF_POLICY
)
RUNS: dict[str, Any] = {
    "value-iteration": value_iteration.ValueIterationSettings(),
    "q-learning": q_learning.QLearningSettings(**OFF_POLICY),
    "dqn": dqn.DQNSettings(**OFF_POLICY, warmup=4, batch_size=2, goal=0.0),
    "dqn fast": replace(dqn.PRESETS["fast"], **OFF_POLICY, warmup=4, batch_size=2),
    "dqn from pixels": replace(dqn.PRESETS["atari-cpu"], **OFF_POLICY, **PIXELS, task=films.task("noise"), n_step=2),
    "pqn": replace(pqn.PRESETS["fast"], **ON_POLICY, horizon=2),
    "pqn from pixels": replace(
        pqn.PRESETS["atari-cpu"],
        **ON_POLICY,
        **{"task": films.task("noise"), "horizon": 2, "convolutions": ((2, 4, 4), (2, 2, 1)), "hidden": (2,)},
        life_loss=False,
    ),
    "reinforce": replace(reinforce.PRESETS["fast"], **ON_POLICY),
    "reinforce lecture": replace(reinforce.PRESETS["lecture"], **ON_POLICY),
    "actor-critic": replace(actor_critic.PRESETS["fast"], **ON_POLICY, horizon=2),
    "actor-critic lecture": replace(actor_critic.PRESETS["lecture"], **ON_POLICY),
    "actor-critic continuous": replace(
        actor_critic.PRESETS["locomotion"], **ON_POLICY, task=probes.task("both", continuous=True), horizon=2
    ),
    "soft-actor-critic": SAC,
    "xqc": xqc.XQCSettings(**vars(replace(SAC, agent="xqc"))),
    "recurrent-attention": replace(GLIMPSES, epochs=1, batch_size=100, width=2, state=2, location_hidden=2),
    "alphazero": replace(SELF_PLAY, task=go_boards.task(2), num_envs=2, iterations=2, evaluation_games=2),
}


def extremes(settings: Any) -> Iterator[dict[str, Any]]:
    """Each setting at each end of its kind, the others as they are."""
    for name, hint in get_type_hints(type(settings), include_extras=True).items():
        values = next((values for kind, values in EXTREMES if hint == kind), [])
        if get_origin(hint) is Literal and name != "device":
            values = [*get_args(hint)]
        yield from ({name: value} for value in values)


def least(settings: Any) -> Any:
    """Every count at its least."""
    hints = get_type_hints(type(settings), include_extras=True)
    return replace(settings, **{field: 1 for field, hint in hints.items() if hint == Count})


MORE_THAN_ONE: dict[str, dict[str, Any]] = {"dqn from pixels": {"capacity": 100}, "xqc": {"batch_size": 2, "atoms": 2}}
"""Counts that must be more than 1, or that take as many as others."""


def outcome(name: str, settings: Any) -> str:
    """How the run ends: finished, or refused with a message."""
    with np.errstate(all="raise", under="ignore"):
        try:
            *_, last = runner.load(name.split()[0]).train(settings)
        except UserError as error:
            return str(error)
    assert isinstance(last, Finished)
    assert all(np.isfinite(tensor).all() for tensor in last.policy.tensors().values())
    return ""


SMALL: dict[str, Any] = {
    **OFF_POLICY | ON_POLICY,
    **{"warmup": 4, "batch_size": 2, "horizon": 2, "capacity": 100, "hidden": (2,), "epochs": 1},
    **{"width": 2, "state": 2, "location_hidden": 2, "critic_hidden": ()},
}
"""Settings of any algorithm with which it trains in no time."""

TASKS = {
    "dqn": {"breakout@1": films.task("noise"), "pong@1": films.task("noise")},
    "pqn": {"breakout@1": films.task("noise")},
    "actor-critic": {"half-cheetah@1": probes.task("both", continuous=True)},
    "soft-actor-critic": {"half-cheetah@1": probes.task("both", continuous=True)},
    "xqc": {"half-cheetah-gymnasium@1": probes.task("both", continuous=True)},
    "recurrent-attention": dict.fromkeys((f"glimpse-{name}@1" for name in ATTENTION), GLIMPSES.task),
}
"""Tasks that take their time -> others with the same spaces."""


def small(algorithm: str, settings: Any) -> Any:
    """A preset with small sizes, on an environment that takes no time."""
    changes = {name: value for name, value in SMALL.items() if hasattr(settings, name)}
    if algorithm == "actor-critic" and settings.advantage == "return":
        changes |= {"horizon": 0}
    if algorithm == "recurrent-attention":
        changes |= {"batch_size": 100, "glimpses": 0}
    if getattr(settings, "convolutions", ()):
        changes |= {name: value for name, value in PIXELS.items() if hasattr(settings, name)} | {"life_loss": False}
    return replace(settings, **changes, task=TASKS.get(algorithm, {}).get(settings.task, settings.task))


PRESETS = [
    pytest.param(
        name, preset, marks=[pytest.mark.slow] if preset in ("translated", "cluttered60", "cluttered100") else []
    )
    for name in ALGORITHMS
    for preset in runner.load(name).PRESETS
]


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_preset_with_every_count_at_its_least(name: str, preset: str) -> None:
    settings = small(name, runner.load(name).PRESETS[preset])
    kind = f"{name} from pixels" if getattr(settings, "convolutions", ()) else name
    assert outcome(name, replace(least(settings), **MORE_THAN_ONE.get(kind, {}))) == ""


ODD: list[dict[str, Any]] = [
    *({"num_envs": 7}, {"num_envs": 41}, {"total_env_steps": 1}, {"batch_size": 500}, {"minibatches": 500}),
    *({"eval_every_env_steps": 10**9}, {"checkpoint_every_env_steps": 10**9}, {"eval_every_updates": 10**9}),
    *({"checkpoint_every_updates": 10**9}, {"n_step": 50}, {"warmup": 39}, {"warmup": 100, "capacity": 100}),
    *({"capacity": 7, "warmup": 7}, {"horizon": 1, "num_envs": 1}, {"horizon": 1, "num_envs": 1, "minibatches": 9}),
    *({"epsilon_env_steps": 10**12}, {"target_update_period": 10**12}, {"update_every_env_steps": 10**12}),
    *({"learning_rate": 1e-30}, {"learning_rate": 1e30}, {"reward_scale": 1e30}, {"reward_scale": 1e-30}),
    *({"deviation": 1e30}, {"deviation": 1e-30}, {"deviation_end": 1e30}, {"temperature": 1e30}, {"entropy": -1e30}),
    *({"observation_scale": (1e30,) * 4}, {"observation_scale": (0.0,) * 4}, {"adam_epsilon": 1e-30}),
    *({"max_grad_norm": 1e-30}, {"max_grad_norm": 1e30}, {"critic_learning_rate": 1e30}, {"error_clip": 1e-30}),
    *({"evaluation_episodes": 1, "confirmation_episodes": 1}, {"evaluation_steps": 1}, {"goal": -1e30}),
    *({"glimpses": 1}, {"glimpses": 2}, {"glimpses": 9}, {"displacement": 1e30}, {"epochs": 3}, {"gamma": 1e-30}),
]
"""Changes that no preset makes; those that an algorithm does not have are not tried on it."""


def sampled(cases: list[tuple[Any, ...]], every: int = 3) -> list[Any]:
    """The cases, all but every third one marked as slow."""
    return [case if i % every == 0 else pytest.param(*case, marks=pytest.mark.slow) for i, case in enumerate(cases)]


ODD_CASES: list[tuple[Any, ...]] = [
    (name, change)
    for name, settings in RUNS.items()
    for change in ODD
    if all(hasattr(settings, field) for field in change)
]


@pytest.mark.parametrize(("name", "change"), sampled(ODD_CASES), ids=str)
def test_odd_settings(name: str, change: dict[str, Any]) -> None:
    assert "\n" not in outcome(name, replace(RUNS[name], **change))


COSTS_TIME = {
    *("total_env_steps", "epochs", "minibatches", "critic_epochs", "updates_per_step", "actor_every", "sweeps"),
    *(
        "warmup",
        "n_step",
        "update_every_env_steps",
        "target_update_period",
        "epsilon_env_steps",
        "confirmation_episodes",
    ),
    *("evaluation_steps", "eval_every_env_steps", "eval_every_updates", "eval_every_epochs"),
    *("checkpoint_every_env_steps", "checkpoint_every_updates", "checkpoint_every_epochs"),
    *("iterations", "eval_every_iterations", "checkpoint_every_iterations"),
    *("considered", "fast_simulations", "sampled_moves"),
}
"""Counts that cost time and no memory beyond what the budget fills; the others are sizes, which `memory` knows."""

WHOLE = (Count, CountOrZero, Counts, Convolutions)
SIZES = [
    (name, field)
    for name, settings in RUNS.items()
    for field, hint in get_type_hints(type(settings), include_extras=True).items()
    if hint in WHOLE and field not in COSTS_TIME
]


@pytest.mark.parametrize("size", [10**12, 2**63 - 1])
@pytest.mark.parametrize(("name", "field"), SIZES)
def test_absurd_sizes_are_refused_before_anything_is_made(name: str, field: str, size: int) -> None:
    """By name, with the memory that they would take, or for what they must agree with."""
    settings = RUNS[name]
    if field == "convolutions" and not settings.convolutions:
        return
    value: Any = {"hidden": (size,), "critic_hidden": (size,), "convolutions": ((size, 4, 4),)}.get(field, size)
    with pytest.raises(UserError) as error:
        next(runner.load(name.split()[0]).train(replace(settings, **{field: value})))
    message = r"takes .* of memory, and there are .* left; lower|must hold|needs whole episodes"
    assert re.search(message, str(error.value)), str(error.value)


CASES = [
    pytest.param(name, change, marks=[pytest.mark.slow] if name == "xqc" and {*change} <= {*vars(SAC)} else [])
    for name, settings in RUNS.items()
    for change in extremes(settings)
]
"""The settings that XQC shares with SAC are tried on SAC every time."""


@pytest.mark.parametrize(("name", "change"), CASES, ids=lambda value: value if isinstance(value, str) else str(value))
def test_one_setting_at_an_end_of_its_kind(name: str, change: dict[str, Any]) -> None:
    assert "\n" not in outcome(name, replace(RUNS[name], **change))


@pytest.mark.parametrize("name", RUNS)
def test_every_count_at_its_least(name: str) -> None:
    assert outcome(name, replace(least(RUNS[name]), **MORE_THAN_ONE.get(name, {}))) == ""


@pytest.mark.parametrize("name", RUNS)
def test_one_environment(name: str) -> None:
    field = "batch_size" if name == "recurrent-attention" else "num_envs"
    if hasattr(RUNS[name], field):
        assert outcome(name, replace(RUNS[name], **{field: 1})) == ""


@pytest.mark.parametrize("minibatches", [1, 9])
@pytest.mark.parametrize("name", ["actor-critic", "actor-critic continuous", "pqn"])
def test_a_step_at_a_time_through_the_ends_of_episodes(name: str, minibatches: int) -> None:
    """Where one environment only resets, an update of one step has nothing to learn from."""
    change = {"num_envs": 1, "horizon": 1, "minibatches": minibatches, "total_env_steps": 100, "goal": np.inf}
    assert outcome(name, replace(RUNS[name], **change, checkpoint_every_updates=10**9)) == ""


def test_lives_of_an_environment_that_knows_none() -> None:
    assert "life_loss" in outcome("dqn", replace(RUNS["dqn"], life_loss=True))
