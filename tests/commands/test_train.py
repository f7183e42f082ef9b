"""The options of `rlbench train`: former names go on working and give the same settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from baselines import ALGORITHMS
from rlbench.commands import train

PAIRS: list[tuple[str, dict[str, str]]] = [
    ("q-learning", {"--steps": "--total-env-steps", "--lanes": "--num-envs"}),
    (
        "q-learning",
        {"--evaluate-every": "--eval-every-env-steps", "--checkpoint-every": "--checkpoint-every-env-steps"},
    ),
    ("dqn", {"--steps": "--total-env-steps", "--lanes": "--num-envs", "--batch": "--batch-size"}),
    ("dqn", {"--refresh-every": "--target-update-period", "--evaluate-every": "--eval-every-env-steps"}),
    ("dqn", {"--checkpoint-every": "--checkpoint-every-env-steps"}),
    ("reinforce", {"--steps": "--total-env-steps", "--trajectories": "--num-envs"}),
    ("reinforce", {"--evaluate-every": "--eval-every-updates", "--checkpoint-every": "--checkpoint-every-updates"}),
    ("actor-critic", {"--lanes": "--num-envs", "--steps": "--total-env-steps"}),
    ("actor-critic", {"--evaluate-every": "--eval-every-updates", "--checkpoint-every": "--checkpoint-every-updates"}),
    ("recurrent-attention", {"--batch": "--batch-size", "--evaluate-every": "--eval-every-epochs"}),
    ("recurrent-attention", {"--checkpoint-every": "--checkpoint-every-epochs"}),
    ("soft-actor-critic", {"--steps": "--total-env-steps", "--lanes": "--num-envs", "--batch": "--batch-size"}),
    ("soft-actor-critic", {"--evaluate-every": "--eval-every-env-steps"}),
    ("soft-actor-critic", {"--checkpoint-every": "--checkpoint-every-env-steps"}),
]


def settings(algorithm: str, arguments: list[str]) -> Any:
    return train.parse([algorithm, *arguments]).settings


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(("algorithm", "names"), PAIRS)
def test_a_former_name_gives_the_same_settings(algorithm: str, names: dict[str, str], joined: bool) -> None:
    preset = settings(algorithm, [])
    for i, (former, present) in enumerate(names.items()):
        value = str(37 + i)
        ways = [[f"{name}={value}"] if joined else [name, value] for name in (former, present)]
        old, new = (settings(algorithm, way) for way in ways)
        assert old == new == replace(preset, **{present.removeprefix("--").replace("-", "_"): 37 + i})
        assert old != preset


@pytest.mark.parametrize("former", ["--max-grad-norm", "--most-gradient"])
def test_a_former_name_of_a_number(former: str) -> None:
    assert settings("actor-critic", [former, "0.25"]).max_grad_norm == 0.25


def test_former_names_with_underscores() -> None:
    assert settings("dqn", ["--evaluate_every", "96"]).eval_every_env_steps == 96


def test_every_alias_stands_for_a_setting_of_some_algorithm() -> None:
    known = {field for name in ALGORITHMS for field in vars(settings(name, []))}
    for former, names in train.ALIASES.items():
        assert former not in known
        assert {*names} & known
