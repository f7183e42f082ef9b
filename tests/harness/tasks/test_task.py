import dataclasses
import functools
import hashlib
import json
from pathlib import Path

import gymnasium
import pandas as pd
import pytest

from rlbench.errors import UserError
from rlbench.harness.play import make_env
from rlbench.harness.random_play import measure_random_agent
from rlbench.harness.results import record
from rlbench.harness.tasks.limits import Limits
from rlbench.harness.tasks.suite import FAMILY, SUITES, TASKS, get_suite, get_task
from rlbench.harness.tasks.task import Supplement, Task
from rlbench.registry import atari_id

ROOT = Path(__file__).parents[3]

ROBOTS = ("half-cheetah", "hopper", "walker2d", "ant", "humanoid")
TASK = Task("maze", 2, "rlbench/GridWorld-v0", {"slip": 0.1}, episodes=10, num_envs=4, options=({"a": 1}, {"a": 2}))


@functools.cache
def recorded():
    """The episodes in `results/`, read once."""
    return record.load(ROOT / "results")


def test_the_hash_is_of_what_is_played():
    played = {
        "name": "maze",
        "version": 2,
        "env_id": "rlbench/GridWorld-v0",
        "env_kwargs": {"slip": 0.1},
        "episodes": 10,
        "num_envs": 4,
        "options": [{"a": 1}, {"a": 2}],
        "discount": 1.0,
        "supplement": None,
        "first_seed": 2**30,
    }
    text = json.dumps(played, sort_keys=True, separators=(",", ":"))
    assert TASK.hash == hashlib.sha256(text.encode()).hexdigest()


def test_only_fields_that_change_what_is_played_change_the_hash():
    changes = {
        "name": "labyrinth",
        "version": 3,
        "env_id": "rlbench/CartPole-v0",
        "env_kwargs": {},
        "episodes": 11,
        "num_envs": 5,
        "options": (),
        "discount": 0.9,
        "supplement": Supplement(8, {"slip": 0.2}),
    }
    scoring = {
        "failure_return": -1.0,
        "random": 0.5,
        "reference": 2.0,
        "random_source": "a paper",
        "reference_source": "a paper",
        "reference_version": 2,
        "min_return": -1.0,
        "max_return": 1.0,
        "episode_range": (-1.0, 1.0),
        "solved_at": 0.5,
        "simulator": "mujoco",
        "dynamics": "0123456789ab",
        "classification": True,
        "outcomes": ("winner",),
        "random_agent": "random-legal",
        "ratings": (0.0,),
        "ratings_version": 2,
        "limits": Limits(act=1.0),
        "secret": b"0" * 16,
        "total_seconds": 1.0,
    }
    assert {field.name for field in dataclasses.fields(Task)} == set(changes) | set(scoring)
    assert dataclasses.replace(TASK, **scoring).hash == TASK.hash
    hashes = {dataclasses.replace(TASK, **{name: value}).hash for name, value in changes.items()}
    assert len(hashes | {TASK.hash}) == len(changes) + 1


def test_blocks_cover_the_episodes_once():
    assert TASK.key == "maze@2"
    assert [list(TASK.block(b)) for b in range(TASK.blocks)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_episodes_have_seeds_of_their_own_and_take_the_options_in_turn():
    assert [TASK.episode(i) for i in (0, 1, 2)] == [
        (1073741824, {"a": 1}),
        (1073741825, {"a": 2}),
        (1073741826, {"a": 1}),
    ]
    assert dataclasses.replace(TASK, options=()).episode(3) == (1073741827, None)


def test_every_task_is_well_formed():
    assert SUITES["lecture"] == tuple(TASKS.values())
    assert {task.key for task in SUITES["locomotion"]} == {f"{robot}@1" for robot in ROBOTS}
    assert {task.key for task in SUITES["quick"]} == {"grid-world@1", "cart-pole@1"}
    for key, task in TASKS.items():
        assert task.key == key
        assert get_task(key) is task
        assert task.failure_return <= task.random < task.reference
        assert 2**30 <= task.episode(task.episodes - 1)[0] < 2**31
        if task.env_id.startswith("rlbench/Atari"):
            pytest.importorskip("ale_py", reason="pip install 'rlbench[atari]'")
        env = make_env(task, 2)
        assert env.num_envs == 2
        env.close()


MARKS = {True: (), False: pytest.mark.slow}  # a thousand episodes of a robot may take minutes
MEASURED = {key: task for key, task in TASKS.items() if FAMILY[key] not in ("atari", "glimpses", "go")}


@pytest.mark.parametrize("key", [pytest.param(k, marks=MARKS[t.simulator is None]) for k, t in MEASURED.items()])
def test_failure_return_and_random_score_are_what_random_play_gives(key):
    task = TASKS[key]
    assert measure_random_agent(task) == pytest.approx((task.failure_return, task.random), abs=5e-4)


@pytest.mark.parametrize("task", [task for task in TASKS.values() if task.classification], ids=lambda t: t.key)
def test_random_labels_are_right_as_often_as_there_are_classes(task):
    """Of 10,000 recorded random ones no more or fewer than five standard deviations off."""
    env = make_env(task, 1)
    assert (task.failure_return, task.random) == (0, 1 / int(env.single_action_space["label"].n))
    env.close()
    episodes = recorded().query("task == @task.key and agent == 'random' and complete")
    assert len(episodes) == task.episodes
    deviation = (task.random * (1 - task.random) / task.episodes) ** 0.5
    assert abs(episodes["return"].mean() - task.random) < 5 * deviation


@pytest.mark.parametrize(
    "task", [task for task in TASKS.values() if "atari" in task.env_id.lower()], ids=lambda t: t.key
)
def test_atari_scores_are_the_published_ones_and_the_worst_recorded_episode(task):
    game = atari_id(task.name.replace("-", "_")).removeprefix("rlbench/Atari").removesuffix("-v0")
    published = pd.read_csv(ROOT / "baselines/studies/published/atari.csv", index_col="game").loc[game]
    assert (task.random, task.reference) == (published["random_hns"], published["human_hns"])
    episodes = recorded().query("task == @task.key and agent == 'random' and complete")
    if episodes.empty:
        pytest.skip(f"no record yet: rlbench evaluate random --task {task.key}")
    assert task.failure_return == episodes["return"].min()


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_robots_reference_is_what_the_recorded_runs_of_ppo_reach(robot):
    task = get_task(robot)
    episodes = recorded().query("task == @task.key and agent == 'ppo' and complete")
    assert task.reference == pytest.approx(episodes.groupby("training_seed")["return"].mean().mean(), abs=5e-4)


def test_the_grid_worlds_random_score_agrees_with_its_exact_value():
    """Sutton & Barto, figure 4.1: the mean of v over the 14 starts is -256/14; the time limit cuts a little."""
    task = get_task("grid-world")
    _, mean = measure_random_agent(task, 14_000)
    assert abs(mean - -256 / 14) < 0.5


def test_the_grid_worlds_reference_is_the_optimum():
    task = get_task("grid-world")
    env = gymnasium.make(task.env_id)
    starts = [task.episode(i)[1]["state"] for i in range(task.episodes)]
    steps = [min(s["row"] + s["col"], 6 - s["row"] - s["col"]) for s in starts]  # to the nearer corner
    assert -sum(steps) / len(steps) == task.reference
    for start in starts[:14]:
        observation, _ = env.reset(seed=0, options={"state": start})
        assert observation == 4 * start["row"] + start["col"]
    env.close()


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UserError, match="unknown task 'cartpole'; did you mean cart-pole@1"):
        get_task("cartpole")
    with pytest.raises(UserError, match="unknown suite 'quik'; did you mean quick"):
        get_suite("quik")
    assert get_task("cart-pole") is TASKS["cart-pole@1"]
