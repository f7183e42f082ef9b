"""Every algorithm at the least that its checks allow: it trains to the end or says what is wrong, in a UserError."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest

from baselines.algorithms import actor_critic, dqn, q_learning, reinforce, soft_actor_critic
from baselines.algorithms import value_iteration as value_iteration
from baselines.training import runner
from baselines.training.events import Finished
from baselines.types import (
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
from tests.baselines import films, probes
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
RUNS: dict[str, Any] = {
    "value-iteration": value_iteration.ValueIterationSettings(),
    "q-learning": q_learning.QLearningSettings(**OFF_POLICY),
    "dqn": dqn.DQNSettings(**OFF_POLICY, warmup=4, batch_size=2, goal=0.0),
    "dqn fast": replace(dqn.PRESETS["fast"], **OFF_POLICY, warmup=4, batch_size=2),
    "dqn from pixels": replace(dqn.PRESETS["atari-cpu"], **OFF_POLICY, **PIXELS, task=films.task("noise"), n_step=2),
    "reinforce": replace(reinforce.PRESETS["fast"], **ON_POLICY),
    "reinforce lecture": replace(reinforce.PRESETS["lecture"], **ON_POLICY),
    "actor-critic": replace(actor_critic.PRESETS["fast"], **ON_POLICY, horizon=2),
    "actor-critic lecture": replace(actor_critic.PRESETS["lecture"], **ON_POLICY),
    "actor-critic continuous": replace(
        actor_critic.PRESETS["locomotion"], **ON_POLICY, task=probes.task("both", continuous=True), horizon=2
    ),
    "soft-actor-critic": soft_actor_critic.SACSettings(
        **{"task": probes.task("both", continuous=True), "warmup": 4, "batch_size": 2, "hidden": (2,)}, **OFF_POLICY
    ),
    "recurrent-attention": replace(GLIMPSES, epochs=1, batch_size=100, width=2, state=2, location_hidden=2),
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


CASES = [(name, change) for name, settings in RUNS.items() for change in extremes(settings)]


@pytest.mark.parametrize(("name", "change"), CASES, ids=lambda value: value if isinstance(value, str) else str(value))
def test_one_setting_at_an_end_of_its_kind(name: str, change: dict[str, Any]) -> None:
    assert "\n" not in outcome(name, replace(RUNS[name], **change))


@pytest.mark.parametrize("name", RUNS)
def test_every_count_at_its_least(name: str) -> None:
    assert outcome(name, replace(least(RUNS[name]), **{"capacity": 100} if "pixels" in name else {})) == ""


@pytest.mark.parametrize("name", RUNS)
def test_one_environment(name: str) -> None:
    field = "batch_size" if name == "recurrent-attention" else "num_envs"
    if hasattr(RUNS[name], field):
        assert outcome(name, replace(RUNS[name], **{field: 1})) == ""


def test_lives_of_an_environment_that_knows_none() -> None:
    assert "life_loss" in outcome("dqn", replace(RUNS["dqn"], life_loss=True))
