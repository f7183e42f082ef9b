import dataclasses
import gc
import hashlib
import os
import tempfile

import gymnasium
import numpy as np
import pytest

from rlbench import children
from rlbench.errors import HarnessError, UserError
from rlbench.harness import blocks, kept, submission
from rlbench.harness.evaluate import evaluate
from rlbench.harness.isolation import interpreter, spawn
from rlbench.harness.isolation.agent import Spaces, TaskInfo
from rlbench.harness.play import in_process, make_env, play
from rlbench.harness.results import record
from rlbench.harness.tasks.suite import get_task

TABULAR = """
    table = np.array([0, 3, 3, 2, 0, 0, 0, 2, 0, 0, 1, 2, 0, 1, 1, 0])
    return table[observation]
    """


@pytest.mark.parametrize("num_envs", [1, 7, 70])
def test_a_tabular_agents_episode_lines_are_the_same_for_every_batch_size(num_envs, submit, tmp_path):
    """With one environment a tenth of the episodes, as each takes a process of its own."""
    episodes = 14 if num_envs == 1 else 140
    task = dataclasses.replace(get_task("grid-world"), num_envs=num_envs, episodes=episodes)
    run = record.read(evaluate(task, submit(TABULAR), tmp_path / "results", quiet=True))
    assert [without_block(line) for line in run.episodes] == reference_lines(task)


def without_block(line):
    return {key: value for key, value in line.items() if key != "block"}


def reference_lines(task):
    """The same policy played episode by episode in the single environment."""
    table = np.array([0, 3, 3, 2, 0, 0, 0, 2, 0, 0, 1, 2, 0, 1, 1, 0])
    env = gymnasium.make(task.env_id)
    lines = []
    for index in range(task.episodes):
        seed, options = task.episode(index)
        observation, _ = env.reset(seed=seed, options=options)
        actions, total, terminated, truncated = [], 0.0, False, False
        while not (terminated or truncated):
            actions.append(table[observation])
            observation, reward, terminated, truncated, _ = env.step(actions[-1])
            total += reward
        lines.append(
            {
                "kind": "episode",
                "index": index,
                "seed": seed,
                "return": total,
                "discounted_return": total,
                "length": len(actions),
                "terminated": terminated,
                "truncated": truncated,
                "status": "ok",
                "actions": hashlib.sha256(np.array(actions, np.int64).tobytes()).hexdigest()[:16],
                "extra": options,
            }
        )
    env.close()
    return lines


@pytest.mark.parametrize("key", ["cart-pole@1", "grid-world@1"])
def test_an_isolated_run_equals_one_in_this_process(key, tmp_path):
    from rlbench.harness.builtin.random import agent

    task = get_task(key)
    run = record.read(evaluate(task, "random", tmp_path, quiet=True))
    lines = []
    for block in range(task.blocks):
        env = make_env(task, task.num_envs)
        info = TaskInfo(task.name, task.version, task.num_envs, task.discount)
        seed = blocks.agent_seed(task, None, block)
        here = agent.load(info, Spaces(*blocks.describe_spaces(env)), seed)
        episodes, _ = play(env, in_process(here, env), task, task.block(block))
        env.close()
        lines += [episode.line() for episode in episodes]
    assert [without_block(line) for line in run.episodes] == lines
    assert blocks.agent_seed(task, None, 0) != blocks.agent_seed(task, None, 1)


def test_two_runs_of_the_same_thing_are_equal(tmp_path):
    task = dataclasses.replace(get_task("cart-pole"), episodes=20, num_envs=8)
    runs = [record.read(evaluate(task, "random", tmp_path / name, quiet=True)) for name in "ab"]
    assert runs[0].episodes == runs[1].episodes
    assert [line["block"] for line in runs[0].episodes] == [0] * 8 + [1] * 8 + [2] * 4


def test_a_complete_run_is_left_alone(grid_task, submit, tmp_path):
    path = evaluate(grid_task, submit(TABULAR), tmp_path / "results", quiet=True)
    before, when = path.read_bytes(), path.stat().st_mtime_ns
    path.chmod(0o444)
    assert evaluate(grid_task, submit(TABULAR), tmp_path / "results", quiet=True) == path
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, when)


def test_a_submission_must_list_the_task(grid_task, submit, tmp_path):
    path = submit(TABULAR, tasks=["cart-pole@1"])
    with pytest.raises(UserError, match="is not submitted to grid@1, only to cart-pole@1; list grid@1 under tasks"):
        evaluate(grid_task, path, tmp_path / "results", quiet=True)
    assert not (tmp_path / "results").exists()


def test_what_a_killed_run_left_is_removed_where_nothing_is_left_to_play(grid_task, submit, tmp_path, monkeypatch):
    path = submit(TABULAR)
    evaluate(grid_task, path, tmp_path / "results", quiet=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary" / f"{children.TEMPORARY}left").mkdir(parents=True)
    children.remove_leftovers.cache_clear()
    evaluate(grid_task, path, tmp_path / "results", quiet=True)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_results_inside_the_submission_are_refused(grid_task, submit, monkeypatch):
    """They would change its digest, as where one evaluates `.`."""
    path = submit(TABULAR)
    monkeypatch.chdir(path)
    with pytest.raises(UserError, match=r"records in results would change the digest .*; give another folder"):
        evaluate(grid_task, ".", "results", quiet=True)
    assert not (path / "results").exists()


def test_a_submission_that_changes_meanwhile_is_played_as_it_was(grid_task, submit, tmp_path, monkeypatch):
    task = dataclasses.replace(grid_task, num_envs=1)
    path, play_block = submit("return [1]"), blocks._play_block

    def changing(*arguments):
        (path / "agent.py").write_text("raise ValueError", encoding="utf-8")
        return play_block(*arguments)

    monkeypatch.setattr(blocks, "_play_block", changing)
    run = record.read(evaluate(task, path, tmp_path / "results", quiet=True))
    assert {line["status"] for line in run.episodes} == {"ok"}


def test_a_submission_that_changed_before_it_is_played_is_refused(grid_task, submit, monkeypatch):
    entrant = submission.read(submit("return [1] * 3"))
    (entrant.folder / "agent.py").write_text("raise ValueError", encoding="utf-8")
    with pytest.raises(UserError, match="changed while it was being evaluated"):
        blocks.play_isolated(grid_task, entrant, 0)


def test_faults_while_an_agent_runs_are_not_retried(grid_task, submit, tmp_path, monkeypatch):
    """Else an agent that can cause one chooses its best block."""
    calls = []

    def fails(*arguments, **more):
        calls.append(1)
        raise RuntimeError("no such step")

    monkeypatch.setattr(blocks, "play", fails)
    with pytest.raises(HarnessError, match=r"grid@1, block 0, 1 attempt: .*no such step"):
        evaluate(grid_task, submit(TABULAR), tmp_path / "results", quiet=True)
    assert len(calls) == 1


def test_harness_faults_are_retried_and_not_charged(grid_task, submit, tmp_path, monkeypatch):
    start, calls = spawn.start, []

    def fails_twice(*arguments):
        calls.append(1)
        if len(calls) < 3:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return start(*arguments)

    monkeypatch.setattr(spawn, "start", fails_twice)
    descriptors = len(os.listdir("/proc/self/fd"))
    run = record.read(evaluate(grid_task, submit(TABULAR), tmp_path / "results", quiet=True))
    assert {line["status"] for line in run.episodes} == {"ok"}
    assert run.blocks[0]["attempt"] == 3
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_harness_that_keeps_failing_says_so_and_keeps_what_it_has(grid_task, submit, tmp_path, monkeypatch):
    task = dataclasses.replace(grid_task, num_envs=1)
    path = submit(TABULAR)
    make, calls = kept.make_env, []

    def fails_later(*arguments):
        calls.append(1)
        if len(calls) > 1:
            raise RuntimeError("no simulator")
        return make(*arguments)

    monkeypatch.setattr(kept, "make_env", fails_later)
    monkeypatch.setattr(kept, "OWN", ())  # as of somebody else's, a new environment is made for every block
    with pytest.raises(HarnessError, match=r"grid@1, block 1, 3 attempts: .*no simulator"):
        evaluate(task, path, tmp_path / "results", quiet=True)
    monkeypatch.undo()
    begun = record.read(record.path_of(tmp_path / "results", task, submission.read(path)))
    assert len(begun.blocks) == 1
    run = record.read(evaluate(task, path, tmp_path / "results", quiet=True))
    assert (len(run.blocks), run.complete) == (3, True)


def test_a_process_that_cannot_start_is_the_harnesss_fault(grid_task, submit, tmp_path, monkeypatch):
    monkeypatch.setattr(interpreter, "_BOOT", "print('no such module')")
    with pytest.raises(HarnessError, match="the agent's process did not start: no such module"):
        evaluate(grid_task, submit(TABULAR), tmp_path / "results", quiet=True)


def test_a_missing_extra_is_named(grid_task, submit, tmp_path, monkeypatch):
    def needs_more(*arguments, **kwargs):
        raise gymnasium.error.DependencyNotInstalled('run `pip install "rlbench[atari]"`')

    monkeypatch.setattr(gymnasium, "make_vec", needs_more)
    with pytest.raises(UserError, match=r"grid@1: run `pip install \"rlbench\[atari\]\"`"):
        evaluate(grid_task, submit(TABULAR), tmp_path / "results", quiet=True)


def test_elsewhere_than_on_linux(grid_task, submit, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(UserError, match="evaluated on Linux only"):
        evaluate(grid_task, submit(TABULAR), tmp_path / "results", quiet=True)


def test_nothing_is_left_open(grid_task, submit, tmp_path):
    def state():
        gc.collect()  # errors of tests before hold memory files of theirs
        return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    path = submit(TABULAR)
    evaluate(grid_task, path, tmp_path / "warm", quiet=True)
    before = state()
    evaluate(grid_task, path, tmp_path / "results", quiet=True)
    assert state() == before
