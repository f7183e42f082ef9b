"""What `make` takes and refuses, `make_vec` does: arguments, options, seeds and actions, good and bad, of every family.

The outcome of a call is the first observation, or the type of the error. The cases are every argument with every value
of a list; a fixed sample of them runs always, the whole list is slow.
"""

import math
import random

import gymnasium
import numpy as np
import pytest

from rlbench.errors import UserError
from rlbench.testing import same
from tests.core.families import FAMILIES, make, make_sync, make_vec, parameters, require

VALUES = [
    *(None, True, False, 0, 1, 2, 3, -1, -2, 10**30, -(10**30)),
    *(0.5, 2.5, 1e300, 1e-320, math.nan, math.inf, -math.inf, 3 + 4j),
    *("", "x", "4x4", "T.|..", "T.|.", "é", "test", "lecture", "0", b"T.", "dqn2013", "hopper", "sticks"),
    *([], {}, [1], (1, 2), set(), [[1], [2, 3]], object, object()),
    *(np.int64(1), np.uint8(2), np.float32(0.5), np.bool_(True), np.nan, np.array(1), np.zeros(2), np.zeros((2, 3, 3))),
]
LIMITS = [None, -1, 0, 1, 2, -2, True, False, 2.5, 1.0, -1.0, math.nan, "3", [], np.int64(3), np.int64(-1), 10**30]
UNKNOWN = ["frameskip", "frame_stack", "gravityy", "Slip", "num_env", "seed", "options", "é"]
OPTIONS = [
    *({}, None, [], "state", 3, {"stat": 1}, {"img": 7}, {"State": None}, {1: 2}, {"": 0}, {"seed": 1}),
    *({"low": -0.001, "high": 0.001}, {"low": 0.01}, {"low": 1}, {"high": -1}, {"low": "x"}, {"high": math.nan}),
    *(
        {"high": math.inf},
        {"high": 1e11},
        {"low": None},
        {"low": True},
        {"low": 0, "high": 0},
        {"low": np.float32(0.01)},
        {"low": [1]},
    ),
    *({"image": 1}, {"image": -1}, {"image": 1.0}, {"image": "1"}, {"image": np.int8(1)}, {"image": 10**30}),
    *({"image": None}, {"image": True}, {"image": [[1], [2, 3]]}, {"state": 1}, {"state": None}, {"state": "abcd"}),
    *(
        {"state": {}},
        {"state": []},
        {"state": (1, 2)},
        {"state": {"row": 1, "col": 1}},
        {"state": {"row": 9, "col": 1}},
    ),
    *({"state": (1, 1.5)}, {"state": (True, 1)}, {"state": np.array([1, 2])}, {"state": {"row": 1}}, {"state": {1, 2}}),
    *({"state": (0, 0, 0.1, 0)}, {"state": (0, 0, math.nan, 0)}, {"state": (0, 0, 1e11, 0)}, {"state": (9, 0, 0, 0)}),
    *({"state": (0, 0, [1], 0)}, {"state": [[1], [2, 3]]}, {"state": np.zeros(4)}),
]
SEEDS = [0, 1, 2**32, 2**64, 10**40, -1, True, False, 1.0, math.nan, "1", np.int64(4), np.uint64(2**63), np.float64(1)]
SEEDS += [np.bool_(True), b"1", {}, object, np.array([1.0, 2.0]), 3 + 4j]
ACTIONS = [
    *(None, True, 0, 1, 2, 99, -1, 0.5, 1.5, math.nan, math.inf, 10**30, "0", b"0", {}, [], [0], [[0]], [[1], [2, 3]]),
    *(object(), 3 + 4j, np.int8(1), np.uint64(2**63), np.float32(0.5), np.bool_(True), np.array(1), np.array([1])),
    *(np.zeros(1), np.zeros(3), np.full(3, 0.5, np.float16), np.full(3, 1.5), np.full(3, math.nan), np.zeros(3, int)),
    *(np.zeros(3, bool), np.zeros(3, object), np.array(["0"] * 3), [0.0, 0.5, -0.5], np.zeros((3, 1))),
    *({"location": np.zeros(2), "label": 0}, {"location": [0, 2], "label": 0}, {"location": np.zeros(2), "label": 10}),
    *({"location": np.zeros(2)}, {"location": np.zeros(2), "label": 0, "more": 0}, {"location": "x", "label": 0}),
    *({"location": [math.nan, 0], "label": 0}, {"location": None, "label": None}, {"location": [0.5, 0], "label": 1.0}),
]


FEW = {"arguments": 8, "limit": 6, "options": 24, "seeds": 6, "actions": 12}
"""How many cases of each kind run always; of Atari games, which take a tenth of a second each, one."""


def cases(family, few):
    """(kind, case) of one family: a fixed sample, or all.

    Batches of Atari games are limited in frames, and refuse a limit in steps, naming what to give instead.
    """
    arguments = [{name: value} for name in parameters(family) for value in VALUES]
    arguments += [{name: 1} for name in UNKNOWN]
    by_kind = {
        "arguments": arguments,
        "limit": [{"max_episode_steps": value} for value in LIMITS],
        "options": OPTIONS,
        "seeds": SEEDS,
        "actions": ACTIONS,
    }
    if family == "atari":
        by_kind["limit"] = [each for each in by_kind["limit"] if each["max_episode_steps"] in (None, -1, 0, 2.5, "3")]
    if few:
        chosen = random.Random(family)
        count = dict.fromkeys(FEW, 1) if family == "atari" else FEW
        by_kind = {kind: chosen.sample(them, min(count[kind], len(them))) for kind, them in by_kind.items()}
    return [(kind, case) for kind, them in by_kind.items() for case in them]


def outcome(play, *args, **kwargs):
    """What a call gives, or the type of the error that it raises, which is no accident, and has one line."""
    try:
        return play(*args, **kwargs)
    except (UserError, gymnasium.error.Error, TypeError, ValueError) as error:
        return type(error) if "\n" not in str(error) else f"an error of several lines: {error}"


def first(observations):
    """The first environment's part of a batch's observations."""
    if isinstance(observations, dict):
        return {name: first(value) for name, value in observations.items()}
    return observations[0]


def began(env, is_batch, **kwargs):
    observation = env.reset(**{"seed": 3, **kwargs})[0]
    return first(observation) if is_batch else observation


def after_arguments(maker, is_batch, family, case):
    return began(maker(family, **case), is_batch)


def after_a_limited_step(maker, is_batch, family, case):
    """Whether the first step truncates."""
    env = maker(family, **case)
    env.reset(seed=3)
    env.action_space.seed(0)
    truncated = env.step(env.action_space.sample())[3]
    return bool(truncated[0]) if is_batch else truncated


def after_options(maker, is_batch, family, case):
    return began(maker(family), is_batch, options=dict(case) if isinstance(case, dict) else case)


def after_seeding(maker, is_batch, family, case):
    return began(maker(family), is_batch, seed=case)


def after_acting(maker, is_batch, family, case):
    env = maker(family)
    env.reset(seed=3)
    if is_batch:
        case = {name: [value] * 2 for name, value in case.items()} if isinstance(case, dict) and case else [case] * 2
    observation = env.step(case)[0]
    return first(observation) if is_batch else observation


PLAYS = {
    "arguments": after_arguments,
    "limit": after_a_limited_step,
    "options": after_options,
    "seeds": after_seeding,
    "actions": after_acting,
}
SYNC_TOO = {"arguments", "limit", "options"}  # Gymnasium itself has a say on seeds and shapes of actions there


def differences(family, chosen):
    """Cases whose outcomes differ, with the outcomes."""
    for kind, case in chosen:
        makers = [(make, False), (make_vec, True)] + [(make_sync, True)] * (kind in SYNC_TOO)
        outcomes = [outcome(PLAYS[kind], maker, is_batch, family, case) for maker, is_batch in makers]
        kinds = [each if isinstance(each, type) else None for each in outcomes]
        equal = not any(kinds) and all(same(outcomes[0], each) for each in outcomes[1:])
        if not equal and not refused_alike(kinds):
            yield kind, case, outcomes


def refused_alike(kinds):
    """Whether all refuse, with the same type of error, or with one of ours for one of Gymnasium's own."""
    builtins = [{each for each in kind.__mro__ if each in (TypeError, ValueError)} for kind in kinds if kind]
    return all(kinds) and (len(set(kinds)) == 1 or bool(set.intersection(*builtins)))


MASKS = [
    *(True, [True, False], (True, False), "ab", 1, {}, np.array([1, 0]), np.array([True]), np.array(True)),
    *(np.array([False, False]), np.array([True, False]), np.array([True, True]), np.ones((2, 1), bool), np.ones(2)),
]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_takes_and_refuses_the_masks_that_gymnasiums_does(family):
    require(family)
    batch = make_vec(family, autoreset_mode="Disabled")
    sync = make_sync(family, vector_kwargs={"autoreset_mode": "Disabled"})
    batch.reset(seed=3), sync.reset(seed=3)
    for mask in MASKS:
        ours, theirs = (outcome(lambda env, m=mask: env.reset(options={"reset_mask": m})[0], e) for e in (batch, sync))
        assert same(ours, theirs) or refused_alike([ours, theirs]), (mask, ours, theirs)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Gymnasium warns before it refuses
@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_takes_and_refuses_what_a_single_environment_does(family):
    require(family)
    assert list(differences(family, cases(family, few=True))) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_takes_and_refuses_all_that_a_single_environment_does(family):
    require(family)
    assert list(differences(family, cases(family, few=False))) == []
