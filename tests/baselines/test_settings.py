"""Settings of all algorithms: one base, one unit per name, each kind checked."""

from __future__ import annotations

import dataclasses
import re
from typing import Any, Literal, get_type_hints

import numpy as np
import pytest

from baselines import ALGORITHMS, checks
from baselines.training import runner
from baselines.training.loop import RunSettings, TrainingSettings
from baselines.types import (
    Convolutions,
    Count,
    CountOrZero,
    Counts,
    Discount,
    Factors,
    NonNegative,
    Number,
    OptionalFinite,
    Positive,
    PositiveProbability,
    Probability,
    Seed,
    Threads,
)
from rlbench.errors import UserError

PRESETS = [(name, preset) for name in ALGORITHMS for preset in runner.load(name).PRESETS]
UNITS = ("env_steps", "updates", "epochs", "iterations", "step")
AMBIGUOUS = {
    *("steps", "lanes", "trajectories", "batch", "evaluate_every", "checkpoint_every", "update_every", "epsilon_steps"),
    *("refresh_every", "most_gradient", "optimiser", "normalise", "updates"),
}


def settings_of(name: str, preset: str) -> Any:
    return runner.load(name).PRESETS[preset]


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_every_algorithms_settings_are_run_settings(name: str, preset: str) -> None:
    settings = settings_of(name, preset)
    assert isinstance(settings, RunSettings)
    assert type(settings).__name__.endswith("Settings")
    settings.check()
    if hasattr(settings, "total_env_steps"):
        assert isinstance(settings, TrainingSettings)
        every = settings.every()
        assert every.evaluation >= 1
        assert every.snapshot >= 1


def test_no_two_algorithms_share_a_name_for_their_settings() -> None:
    kinds = {type(settings_of(name, preset)) for name, preset in PRESETS}
    assert len({kind.__name__ for kind in kinds}) == len(kinds) == len(ALGORITHMS)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_each_period_says_its_unit(name: str) -> None:
    for preset in runner.load(name).PRESETS:
        names = {field.name for field in dataclasses.fields(settings_of(name, preset))}
        assert not names & AMBIGUOUS
        for period in (n for n in names if "_every" in n and n != "actor_every"):
            assert re.search(rf"_every_({'|'.join(UNITS)})$", period), period
        for budget in (n for n in names if n.startswith("total_")):
            assert budget == "total_env_steps"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_number_is_of_a_kind_that_is_checked(name: str) -> None:
    """Of text and truth values, too, which `check_settings` knows by their types."""
    kind = type(settings_of(name, next(iter(runner.load(name).PRESETS))))
    for field, hint in get_type_hints(kind, include_extras=True).items():
        checked = hasattr(hint, "__metadata__") or getattr(hint, "__origin__", None) is Literal
        assert checked or hint in (bool, str), (field, hint)


@dataclasses.dataclass(frozen=True)
class Every:
    """A setting of each kind."""

    seed: Seed = 0
    count: Count = 1
    count_or_zero: CountOrZero = 0
    counts: Counts = ()
    convolutions: Convolutions = ()
    positive: Positive = 1.0
    nonnegative: NonNegative = 0.0
    probability: Probability = 0.0
    positive_probability: PositiveProbability = 1.0
    discount: Discount = 1.0
    word: Literal["left", "right"] = "left"
    number: Number = 0.0
    factors: Factors = ()
    finite: OptionalFinite = None
    threads: Threads = 1
    flag: bool = False
    text: str = ""


NAN, INF = float("nan"), float("inf")
BAD: dict[str, list[Any]] = {
    "seed": [-1, 2**30, 0.0, True, "0", None],
    "count": [0, -1, 1.0, True, NAN, 2**63, 10**4000, "1", None],
    "count_or_zero": [-1, 0.0, False, 2**63],
    "counts": [(0,), (1, 2.0), (True,), (2**63,), 64, "64", None],
    "convolutions": [((0, 1, 1),), ((1, 1, 1), (1, 1, 1.5)), ((1, 1),), ((1, 1, 1, 1),), (1, 1, 1), 3],
    "positive": [0.0, -1.0, NAN, INF, 1e31, True, "1", None],
    "nonnegative": [-0.1, NAN, INF, 1e31, False, "0"],
    "probability": [-0.1, 1.1, NAN, INF, True, "1", None],
    "positive_probability": [0.0, 1.1, -0.1, NAN, "1"],
    "discount": [0.0, 1.1, -0.5, NAN, "1"],
    "word": ["up", "", "Left", None, 1],
    "number": [NAN, np.float32("nan"), "1", True, None],
    "factors": [(1.0, NAN), (INF,), (1e31,), ("1",), (True,), (None,), 1.0, "1"],
    "finite": [NAN, INF, -INF, 1e31, "1", False],
    "threads": [0, 1025, 10**9, 1.0, True],
    "flag": [0, 1, None, "yes"],
    "text": [0, None, b"text"],
}
GOOD: dict[str, list[Any]] = {
    "seed": [0, 2**30 - 1, np.int64(3)],
    "count": [1, 10**9, np.uint8(7), 2**63 - 1],
    "count_or_zero": [0, 1],
    "counts": [(), (1, 2), [3]],
    "convolutions": [(), ((16, 8, 4), (32, 4, 2)), [[16, 8, 4]]],
    "positive": [1e-30, 5, np.float32(0.1), 1e30],
    "nonnegative": [0, 0.5],
    "probability": [0, 0.5, 1],
    "positive_probability": [1e-9, 1],
    "discount": [1e-9, 1],
    "word": ["left", "right"],
    "number": [-INF, 0, INF, 1e300],
    "factors": [(), (0.5, -1, 0), [2.0]],
    "finite": [None, -1.5],
    "threads": [1, 1024],
    "flag": [False, True],
    "text": ["", "x"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_bad_setting_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UserError, match=name):
        checks.check_settings(dataclasses.replace(Every(), **{name: value}))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_a_good_setting_passes(name: str, value: Any) -> None:
    checks.check_settings(dataclasses.replace(Every(), **{name: value}))


def test_each_kind_is_tried() -> None:
    names = {field.name for field in dataclasses.fields(Every)}
    assert names == {*GOOD}
    assert names == {*BAD}


def test_numbers_of_numpy_are_stored_as_plain_ones() -> None:
    made = Every(seed=np.int64(3), positive=np.float32(0.5), flag=np.True_)  # type: ignore[arg-type]
    assert checks.as_json(made) | {"seed": 3, "positive": 0.5, "flag": True} == checks.as_json(made)
