"""Which weights are kept, when a training run may stop, and which seeds it may see."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.data.rollout import make_envs
from baselines.templates.agent_template import Table
from baselines.training.events import Stopwatch
from baselines.training.validation import Validation, training_seed
from rlbench.harness.tasks.suite import TASKS
from tests.baselines import probes

GOOD, BAD = Table(np.array([[0.0, 1.0], [0.0, 0.0]])), Table(np.array([[1.0, 0.0], [0.0, 0.0]]))


def make_validation(episodes: int, confirmation: int) -> Validation:
    env = make_envs(probes.task("action", discrete=True), episodes)
    return Validation(env, episodes, goal=1.0, confirmation=confirmation)


@pytest.fixture
def validation() -> Validation:
    """On the probe whose return is 1 for action 1 and -1 for action 0."""
    return make_validation(episodes=4, confirmation=6)


def test_the_best_policy_is_kept(validation: Validation) -> None:
    assert validation.evaluate(BAD) == ((-1.0,) * 4, True)
    assert validation.evaluate(GOOD) == ((1.0,) * 4, True)
    assert validation.evaluate(BAD) == ((-1.0,) * 4, False)
    assert isinstance(validation.policy, Table)
    np.testing.assert_array_equal(validation.policy.Q, GOOD.Q)


def test_what_is_kept_does_not_learn_on(validation: Validation) -> None:
    learning = Table(GOOD.Q.copy())
    validation.evaluate(learning)
    learning.Q[:] = BAD.Q
    assert isinstance(validation.policy, Table)
    np.testing.assert_array_equal(validation.policy.Q, GOOD.Q)


def test_three_in_a_row(validation: Validation) -> None:
    sustained = []
    for policy in (GOOD, GOOD, BAD, GOOD, GOOD, GOOD):
        validation.evaluate(policy)
        sustained.append(validation.sustained())
    assert sustained == [False] * 5 + [True]


def test_luck_is_found_out(validation: Validation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the best weights fail in the further episodes, the search goes on, and equals take their place."""
    for _ in range(3):
        validation.evaluate(GOOD)
    monkeypatch.setattr(
        "baselines.training.validation.evaluate", lambda env, act, seed, episodes, max_steps: np.zeros(episodes)
    )
    assert not validation.sustained()
    assert validation.best == 0.0


def test_state_goes_on(validation: Validation) -> None:
    for policy in (BAD, GOOD, GOOD):
        validation.evaluate(policy)
    resumed = make_validation(episodes=4, confirmation=6)
    resumed.restore(validation.state())
    resumed.evaluate(GOOD)
    assert resumed.sustained()


def test_no_seed_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training below 2^29, validation from there to 2^30, scored episodes from 2^30."""
    rng = np.random.default_rng(0)
    assert max(training_seed(rng) for _ in range(10_000)) + 16_384 < 2**29
    seen: list[int] = []

    def record(env: object, act: object, seed: int, episodes: int, max_steps: int) -> np.ndarray:
        seen.extend(range(seed, seed + episodes))
        return np.ones(episodes)

    monkeypatch.setattr("baselines.training.validation.evaluate", record)
    validation = make_validation(episodes=20, confirmation=100)
    for _ in range(1000):
        validation.evaluate(GOOD)
        validation.sustained()
    assert len(set(seen)) == len(seen)
    assert 2**29 <= min(seen) <= max(seen) < 2**30
    assert max(seen) < min(task.episode(i)[0] for task in TASKS.values() for i in range(task.episodes))


def test_stopwatch() -> None:
    times = iter([10.0, 13.0, 20.0, 24.0])
    watch = Stopwatch(lambda: next(times), before=1.0)  # started at 10
    with watch.paused():  # paused at 13
        assert watch.seconds == 4.0
    assert watch.seconds == 8.0  # went on at 20, read at 24
